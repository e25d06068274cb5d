import * as React from 'react';

import type { ISessionState } from '../../model/session';
import { useTrans } from './context';
import { Button, Empty } from './strip';

/** What brings the server extension to a server that has none. */
const INSTALL = [
  'pip install pyruns_jupyter',
  'jupyter server extension enable pyruns_jupyter'
];

/** Why nothing can be shown of the server's side, and what to do. */
export function NoServer(props: {
  state: ISessionState;
  onRetry: () => void;
}): JSX.Element {
  const trans = useTrans();
  const { state, onRetry } = props;
  const retry = <Button label={trans.__('Check again')} onClick={onRetry} />;
  switch (state.handshake) {
    case 'missing':
      return (
        <Empty
          icon="warning"
          title={trans.__('The server extension is not enabled')}
        >
          <p>
            {trans.__(
              'This Jupyter server does not know Pyruns. Install it where the server runs, enable it, and start the server again:'
            )}
          </p>
          <pre className="pyr-commands">
            {INSTALL.map(command => (
              <React.Fragment key={command}>
                <code>{command}</code>
                {'\n'}
              </React.Fragment>
            ))}
          </pre>
          <p>
            {trans.__(
              'A page without a server, as in JupyterLite, cannot run tasks.'
            )}
          </p>
          {retry}
        </Empty>
      );
    case 'mismatch':
      return (
        <Empty
          icon="warning"
          title={trans.__('The versions do not fit')}
          text={trans.__(
            'The server runs Pyruns %1, which this page does not understand. Reload the page; if that does not help, install the same version on both sides.',
            state.status?.version ?? ''
          )}
        >
          {retry}
        </Empty>
      );
    case 'unreachable':
      return (
        <Empty
          icon="warning"
          title={trans.__('The server does not answer')}
          text={trans.__('Tasks go on running. Trying again…')}
        >
          {retry}
        </Empty>
      );
    default:
      return (
        <Empty
          icon="warning"
          title={trans.__('Pyruns cannot be reached')}
          text={state.problem?.message}
        >
          {retry}
        </Empty>
      );
  }
}
