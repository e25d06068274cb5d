import * as React from 'react';

import type { LogModel } from '../../model/log';
import { ACTIONS } from '../actions';
import type { ITaskContext } from '../actions/action';
import type { IActions } from '../actions/controls';
import { ActionButton } from '../actions/controls';
import { IconButton } from '../shared/button';
import { useTrans } from '../shared/context';
import { CopyButton } from '../shared/copy';
import { fullTime } from '../shared/format';
import { useStore } from '../shared/store';

/** What the processes of the run do, and their Python stacks. */
export function RunStacks(props: {
  log: LogModel;
  /** Whether the stacks can be read now. */
  isLive: boolean;
  context: ITaskContext;
  actions: IActions;
  onClose: () => void;
}): JSX.Element {
  const { log, isLive } = props;
  const { stacks } = log;
  const trans = useTrans();
  const { run } = useStore(log);
  const { dump, isLoading, error } = useStore(stacks);
  const canRequest = isLive && props.context.canExecute;
  const isAllowed = React.useRef(canRequest);
  isAllowed.current = canRequest;
  React.useEffect(() => {
    void stacks.load(isAllowed.current);
  }, [stacks, run]);
  return (
    <section
      className="pyr-column pyr-log-stacks"
      aria-label={trans.__('Stacks')}
    >
      <div className="pyr-line pyr-log-stacks-head">
        <h3>{trans.__('Stacks')}</h3>
        {dump && (
          <span className="pyr-log-fact pyr-cut">
            {trans.__('Run %1, %2', dump.run, fullTime(dump.taken_at))}
          </span>
        )}
        <span className="pyr-toolbar-space" />
        {isLive && (
          <ActionButton
            action={ACTIONS['read-log-stacks']}
            context={props.context}
            actions={props.actions}
          />
        )}
        {dump && <CopyButton text={dump.text} label={trans.__('Copy')} />}
        <IconButton
          icon="close"
          label={trans.__('Close the stacks')}
          onClick={props.onClose}
        />
      </div>
      {isLoading && (
        <p className="pyr-hint" role="status">
          {trans.__('Reading the stacks…')}
        </p>
      )}
      {error && (
        <p className="pyr-hint" role="alert">
          {error.message}
        </p>
      )}
      {dump && (
        <pre tabIndex={0} aria-label={trans.__('Processes and Python stacks')}>
          {dump.text}
        </pre>
      )}
    </section>
  );
}
