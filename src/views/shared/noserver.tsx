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
        'This Jupyter server does not know Pyruns. Install it where the server runs, enable it, and start the server again:'
      )
    ],
    mismatch: [
      trans.__('The versions do not fit'),
      trans.__(
        'The server runs Pyruns %1, which this page does not understand. Reload the page; if that does not help, install the same version on both sides.',
        status?.version ?? ''
      )
    ],
    unreachable: [
      trans.__('The server does not answer'),
      trans.__('Tasks go on running. Trying again…')
    ]
  };
  const [title, text] = words[handshake] ?? [
    trans.__('Pyruns cannot be reached'),
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
              'A page without a server, as in JupyterLite, cannot run tasks.'
            )}
          </p>
        </>
      )}
      <Button label={trans.__('Check again')} onClick={onRetry} />
    </EmptyState>
  );
}
