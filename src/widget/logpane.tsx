import * as React from 'react';

import { asClientError } from '../client/errors';
import type { IClient, TaskRow } from '../client/types';
import type { WorkspaceModel } from '../model/workspace';
import { useTrans } from '../views/shared/context';
import { Icon } from '../views/shared/icons';
import { isActive, StatusIcon } from '../views/shared/status';
import { useStore } from '../views/shared/store';
import { lastLines } from './plainlog';

/** How much of the log's end is shown, in bytes. */
const TAIL = 64 * 1024;

/** Pause between two looks at the log of a run that goes on, in ms. */
const PAUSE = 1500;

/** The end of a task's log as plain text, renewed while the task runs. */
export function LogPane(props: {
  client: IClient;
  model: WorkspaceModel;
  task: TaskRow;
  onClose: () => void;
}): JSX.Element {
  const { client, model, onClose } = props;
  const trans = useTrans();
  const { rows } = useStore(model);
  const name = props.task.name;
  const task = rows.find(row => row?.name === name) ?? props.task;
  const active = isActive(task.status);
  const [text, setText] = React.useState('');
  const [problem, setProblem] = React.useState<string | null>(null);
  const shown = React.useRef<HTMLPreElement>(null);

  React.useEffect(() => {
    const gone = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const look = async (): Promise<void> => {
      try {
        const range = await client.readLog(
          model.id,
          name,
          { tail: TAIL },
          gone.signal
        );
        setText(lastLines(range.bytes));
        setProblem(null);
      } catch (error) {
        if (!gone.signal.aborted) {
          setProblem(asClientError(error).message);
        }
      }
      if (active && !gone.signal.aborted) {
        timer = setTimeout(() => void look(), PAUSE);
      }
    };
    void look();
    return () => {
      gone.abort();
      clearTimeout(timer);
    };
  }, [client, model, name, active, task.run]);

  React.useLayoutEffect(() => {
    const element = shown.current;
    if (element) {
      element.scrollTop = element.scrollHeight;
    }
  }, [text]);

  return (
    <section className="pyr-widget-log" aria-label={trans.__('Log')}>
      <header className="pyr-widget-log-head">
        <StatusIcon status={task.status} />
        <span className="pyr-widget-log-name">{name}</span>
        <button
          type="button"
          className="pyr-button pyr-button-icon"
          title={trans.__('Close the log')}
          aria-label={trans.__('Close the log')}
          onClick={onClose}
        >
          <Icon name="close" />
        </button>
      </header>
      <pre ref={shown} tabIndex={0}>
        {text || problem || ''}
      </pre>
    </section>
  );
}
