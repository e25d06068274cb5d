import * as React from 'react';

import type { ISessionState } from '../../model/session';
import { useTrans } from './context';
import { Button } from './button';
import { EmptyState } from './emptystate';

/** Commands that install the server extension. */
const INSTALL = `pip install pyruns_jupyter
jupyter server extension enable pyruns_jupyter`;

/** Why the server cannot be used, and what to do. */
export function NoServer(props: {
  state: ISessionState;
  onRetry: () => void;
}): JSX.Element {
  const trans = useTrans();
  const { state, onRetry } = props;
  const { handshake, status, problem } = state;
  const words: Partial<Record<typeof handshake, [string, string]>> = {
    missing: [
      trans.__('The server extension is not enabled'),
      trans.__(
        'Pyruns isn’t installed on this Jupyter server. Install it in the server’s environment, enable it and restart the server:'
      )
    ],
    mismatch: [
      trans.__('Version mismatch'),
      trans.__(
        'The server runs Pyruns %1, which is not compatible with this page. Reload the page; if that does not help, install the same version on both sides.',
        status?.version ?? ''
      )
    ],
    unreachable: [
      trans.__('The server does not respond'),
      trans.__('Tasks keep running. Retrying…')
    ]
  };
  const [title, text] = words[handshake] ?? [
    trans.__('Couldn’t reach Pyruns'),
    problem?.message
  ];
  return (
    <EmptyState icon="warning" title={title} text={text}>
      {handshake === 'missing' && (
        <>
          <pre className="pyr-commands">
            <code>{INSTALL}</code>
          </pre>
          <p>
            {trans.__(
              'Pages without a Jupyter server, such as JupyterLite, cannot run tasks.'
            )}
          </p>
        </>
      )}
      <Button label={trans.__('Retry')} onClick={onRetry} />
    </EmptyState>
  );
}
