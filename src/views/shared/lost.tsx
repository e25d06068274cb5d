import * as React from 'react';

import type { ConnectionState } from '../../client/types';
import { useTrans } from './context';
import { clockTime } from './format';
import { Strip } from './strip';

/** Says that what is shown may be old, while the connection is renewed. */
export function LostStrip(props: {
  connection: ConnectionState;
  /** Time of the last message from the server, in ms since the epoch. */
  heard: number | null;
  onRetry: () => void;
}): JSX.Element | null {
  const trans = useTrans();
  if (props.connection !== 'lost') {
    return null;
  }
  return (
    <Strip kind="warning" className="pyr-strip-late" onRetry={props.onRetry}>
      {props.heard === null
        ? trans.__('The server does not answer. Reconnecting…')
        : trans.__(
            'Reconnecting… showing what was known at %1. Tasks go on running.',
            clockTime(props.heard / 1000)
          )}
    </Strip>
  );
}
