import * as React from 'react';

import { asClientError } from '../../client/errors';
import type { Action, TaskRow } from '../../client/types';
import type { LogModel } from '../../model/log';
import type { WorkspaceModel } from '../../model/workspace';
import type { Confirm } from '../shared/ask';
import { useConfirm } from '../shared/ask';
import type { ITrans } from '../shared/context';
import { TransContext, useTrans } from '../shared/context';
import { bytes, withoutFolders } from '../shared/format';
import { LostStrip } from '../shared/lost';
import { save } from '../shared/save';
import { useStore } from '../shared/store';
import { Button, Empty, Strip } from '../shared/strip';
import { LogHeader } from './header';
import type { IScreen } from './screen';
import { LogScreen } from './screen';
import { TaskList } from './tasklist';

/** How much more *Load* shows at a time, in bytes. */
const MORE = 8 * 1024 * 1024;

export interface IMonitorProps {
  /** The tasks to choose from; listed by creation, latest first. */
  model: WorkspaceModel;
  log: LogModel;
  trans: ITrans;
  /** How to ask before a running task is stopped; in the page without it. */
  confirm?: Confirm;
  /** Whether this user may start and stop tasks. */
  canExecute?: boolean;
  /** Lines kept for scrolling back. */
  scrollback?: number;
  screenReader?: boolean;
  onContextMenu?: (event: React.MouseEvent<HTMLElement>, task: TaskRow) => void;
}

/** The log of a task, live, beside the tasks to choose from. */
export function MonitorView(props: IMonitorProps): JSX.Element {
  return (
    <TransContext.Provider value={props.trans}>
      <Monitor {...props} />
    </TransContext.Provider>
  );
}

function Monitor(props: IMonitorProps): JSX.Element {
  const { model, log } = props;
  const trans = useTrans();
  const state = useStore(model);
  const shown = useStore(log);
  const [confirm, question] = useConfirm(props.confirm);
  const [failure, setFailure] = React.useState<string | null>(null);
  const [screen, setScreen] = React.useState<IScreen | null>(null);
  const [following, setFollowing] = React.useState(true);
  const [paused, setPaused] = React.useState(false);
  const [saving, setSaving] = React.useState(false);

  React.useEffect(() => model.start(), [model]);

  const { task } = shown;
  const row = task === null ? undefined : model.row(task);
  // Nobody knows what such a task does or did.
  const broken = row?.readable === false;
  React.useEffect(() => {
    if (row) {
      log.noteRow(row);
    }
  }, [log, row]);
  React.useEffect(() => {
    // Another log begins at its end and moving.
    setPaused(false);
    setFailure(null);
    screen?.setPaused(false);
  }, [screen, task, shown.run]);

  const act = async (action: Action, name: string) => {
    setFailure(null);
    try {
      const { refused } = await model.act(action, [name]);
      setFailure(refused[0]?.message ?? null);
    } catch (error) {
      setFailure(asClientError(error).message);
    }
  };

  const stop = async (name: string) => {
    const accepted =
      row?.status !== 'running' ||
      (await confirm({
        title: trans.__('Stop %1?', name),
        body: trans.__('What it has not saved is lost; its log stays.'),
        accept: trans.__('Stop')
      }));
    if (accepted) {
      await act('cancel', name);
    }
  };

  const copy = async () => {
    try {
      await navigator.clipboard.writeText(screen?.text() ?? '');
    } catch (error) {
      setFailure(asClientError(error).message);
    }
  };

  const download = async () => {
    setSaving(true);
    setFailure(null);
    try {
      const pieces: BlobPart[] = [];
      for await (const piece of log.download()) {
        pieces.push(piece);
      }
      const type = 'text/plain;charset=utf-8';
      save(new Blob(pieces, { type }), `${task}-run${shown.run ?? 1}.log`);
    } catch (error) {
      setFailure(asClientError(error).message);
    } finally {
      setSaving(false);
    }
  };

  return (
    <div className="pyr-view pyr-monitor">
      <TaskList
        state={state}
        current={task}
        onOpen={chosen => log.open(chosen.name)}
        onContextMenu={props.onContextMenu}
      />
      <div className="pyr-log">
        {task !== null && (
          <LogHeader
            task={task}
            row={row}
            shown={shown}
            connection={state.connection}
            heard={state.heard}
            pending={state.pending.get(task)}
            following={following}
            paused={paused}
            saving={saving}
            canExecute={props.canExecute ?? true}
            onFollow={() => screen?.follow()}
            onPause={() => {
              screen?.setPaused(!paused);
              setPaused(!paused);
            }}
            onCopy={() => void copy()}
            onDownload={() => void download()}
            onStop={() => void stop(task)}
            onRun={() => void act('run', task)}
          />
        )}
        {task !== null && shown.start > 0 && (
          <div className="pyr-earlier">
            <span>{trans.__('… earlier output: %1', bytes(shown.start))}</span>
            <button
              type="button"
              className="pyr-link"
              onClick={() => log.loadEarlier(MORE)}
            >
              {trans.__('Load')}
            </button>
          </div>
        )}
        <div className="pyr-screen-box">
          <LogScreen
            log={log}
            scrollback={props.scrollback}
            screenReader={props.screenReader}
            onScreen={setScreen}
            onFollowing={setFollowing}
            onFailure={error => setFailure(error.message)}
          />
          {task === null && (
            <Empty icon="log" title={trans.__('No log opened')}>
              <p>{trans.__('Choose a task to see what it prints.')}</p>
            </Empty>
          )}
          {broken && (
            <Empty icon="warning" title={trans.__('This task cannot be read')}>
              <p>{withoutFolders(row.message ?? '')}</p>
              <p>
                {trans.__(
                  'Repair the file, or delete the task in the table of tasks.'
                )}
              </p>
            </Empty>
          )}
          {task !== null && !broken && shown.position === 0 && (
            <Silence row={row} phase={shown.phase} />
          )}
        </div>
        {question}
        {shown.wasReset && (
          <Strip kind="info" icon="warning">
            {trans.__(
              'The log file was cut or replaced; this is what it holds now.'
            )}
          </Strip>
        )}
        {failure && (
          <Strip kind="error" icon="failed" onClose={() => setFailure(null)}>
            {failure}
          </Strip>
        )}
        {task !== null && !broken && shown.error && (
          <Strip
            kind="error"
            icon="warning"
            actions={
              <Button
                label={trans.__('Retry now')}
                onClick={() => log.retry()}
              />
            }
          >
            {shown.error.message}
          </Strip>
        )}
        {(broken || !shown.error) && (
          <LostStrip
            // Of a log that ended nothing is missing, but the list grows old.
            connection={
              task === null || broken || state.connection === 'lost'
                ? state.connection
                : shown.connection
            }
            heard={state.heard}
            onRetry={() => {
              log.retry();
              model.retry();
            }}
          />
        )}
      </div>
    </div>
  );
}

/** Why nothing stands in a log. */
function Silence(props: {
  row: TaskRow | undefined;
  phase: string;
}): JSX.Element | null {
  const trans = useTrans();
  const text = (() => {
    if (props.phase === 'loading') {
      return null;
    }
    if (props.phase === 'ended') {
      return trans.__('This run printed nothing.');
    }
    switch (props.row?.status) {
      case 'queued':
        return trans.__('Waiting in the queue; the log starts with the run.');
      case 'running':
        return trans.__('Running; nothing printed yet.');
      case 'pending':
        return trans.__('This task has not run yet.');
      default:
        return null;
    }
  })();
  return text === null ? null : (
    <p className="pyr-silence" role="status">
      {text}
    </p>
  );
}
