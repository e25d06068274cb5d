import * as React from 'react';

import type { TaskRow } from '../../client/types';
import type { LogSearchModel } from '../../model/logsearch';
import type { IPane, MonitorModel } from '../../model/monitor';
import { isActive } from '../../model/active';
import { hasLiveStacks } from '../../model/stacks';
import type { ITaskListState } from '../../model/taskliststate';
import type { IPageProps, ITaskContext } from '../actions/action';
import { chooseTasks } from '../actions/action';
import { useActions } from '../actions/controls';
import type { Confirm } from '../shared/confirm';
import { useTrans } from '../shared/context';
import { copyText } from '../shared/copy';
import { bytes, withoutFolders } from '../shared/format';
import { Banner, ConnectionBanner } from '../shared/banner';
import { save, saveFrom } from '../shared/save';
import { useSize, useStore } from '../shared/store';
import { Button } from '../shared/button';
import { EmptyState } from '../shared/emptystate';
import { RunCurves } from './curves';
import { FindBar } from './find';
import type { ILogOptions } from './header';
import { LogHeader } from './header';
import type { TerminalController } from './screen';
import { LogTerminal } from './screen';
import { RunStacks } from './stacks';

/** Width in pixels below which curves are below the log, not next to it. */
const NARROW_WIDTH_PX = 640;

export interface ILogPaneProps extends IPageProps {
  monitor: MonitorModel;
  /** The state of its list. */
  state: ITaskListState;
  pane: IPane;
  /** What is chosen in the list goes into this one. */
  isActive: boolean;
  /** There are several panes. */
  isNarrow: boolean;
  options: ILogOptions;
  onOptions: (change: Partial<ILogOptions>) => void;
  confirm: Confirm;
  scrollback?: number;
  screenReader?: boolean;
  onActivate: () => void;
  onClose?: () => void;
}

/** One log with what can be done with it. */
export function LogPane(props: ILogPaneProps): JSX.Element {
  const { monitor, state, confirm, options } = props;
  const model = monitor.list;
  const { log } = props.pane;
  const trans = useTrans();
  const shown = useStore(log);
  const actions = useActions();
  const { failure, setFailure } = actions;
  const [screen, setScreen] = React.useState<TerminalController | null>(null);
  const [isBottom, setBottom] = React.useState(true);
  const [paused, setPaused] = React.useState(false);
  const [saving, setSaving] = React.useState(false);
  const [finding, setFinding] = React.useState(false);
  const [hasStacks, setStacks] = React.useState(false);

  const [body, size] = useSize<HTMLDivElement>();
  const isSlim =
    props.isNarrow || (size.width > 0 && size.width < NARROW_WIDTH_PX);

  const { task, run } = shown;
  const row = useStore(monitor.activity, () =>
    task === null ? undefined : monitor.row(task)
  );
  // The state of an unreadable task is unknown.
  const broken = row?.readable === false;
  React.useEffect(() => {
    // Another log begins at its end and moving.
    setPaused(false);
    setStacks(false);
    setFailure('');
    screen?.setPaused(false);
  }, [screen, task, run, setFailure]);
  const search = useLogSearch(props.pane, screen, finding);
  useLogOptions(props.pane, screen, options);

  const copy = async () => {
    if (!(await copyText(screen?.text() ?? ''))) {
      throw new Error(
        trans.__(
          'The browser blocked access to the clipboard. Download the log instead.'
        )
      );
    }
  };

  const download = async () => {
    setSaving(true);
    try {
      const found = await log.download();
      if (typeof found === 'string') {
        saveFrom(found);
      } else {
        save(found.blob, found.name);
      }
    } finally {
      setSaving(false);
    }
  };

  const openLink = async (address: string) => {
    const isWeb = /^https?:\/\//i.test(address);
    const accepted =
      isWeb &&
      (await confirm({
        title: trans.__('Open this link?'),
        body: trans.__('This link comes from program output: %1', address),
        accept: trans.__('Open')
      }));
    if (accepted) {
      window.open(address, '_blank', 'noopener,noreferrer');
    }
  };

  const behind = bytes(Math.max(0, shown.size - shown.position));

  const context = (): ITaskContext => ({
    workspace: model.ws,
    trans,
    model,
    confirm,
    canExecute: props.canExecute ?? true,
    canWrite: props.canWrite ?? true,
    chosen: chooseTasks(row ? [row] : [], task === null ? [] : [task]),
    show: {},
    log:
      task === null
        ? undefined
        : {
            task,
            isFollowing: isBottom && shown.isAtEnd,
            isPaused: paused,
            canPause: paused || shown.phase !== 'ended',
            canDownload: !saving && !broken,
            options,
            setOptions: props.onOptions,
            follow: () => screen?.follow(),
            setPaused: isPaused => {
              screen?.setPaused(isPaused);
              setPaused(isPaused);
            },
            find: text => {
              setFinding(text !== undefined || !finding);
              if (text !== undefined) {
                search.setPattern({ text });
              }
            },
            copy,
            hasStacks,
            setStacks,
            canRequestStacks: hasLiveStacks(row, run),
            requestStacks: () => log.stacks.requestNow(),
            download
          }
  });
  React.useImperativeHandle(
    props.isActive ? props.contextRef : undefined,
    () => context
  );

  const closeFind = () => {
    setFinding(false);
    screen?.focus();
  };

  const onKeyDown = (event: React.KeyboardEvent) => {
    const isFind = (event.ctrlKey || event.metaKey) && event.key === 'f';
    if (isFind && task !== null && !event.shiftKey && !event.altKey) {
      setFinding(true);
      event.preventDefault();
      event.stopPropagation();
    }
  };

  return (
    <section
      className={`pyr-column pyr-fill pyr-log${props.isActive && props.isNarrow ? ' pyr-is-current' : ''}`}
      aria-label={task ?? trans.__('Log')}
      onFocusCapture={props.onActivate}
      onPointerDownCapture={props.onActivate}
      onKeyDown={onKeyDown}
    >
      {task !== null && (
        <LogHeader
          task={task}
          row={row}
          shown={shown}
          connection={state.connection}
          lastUpdatedAt={state.lastUpdatedAt}
          pending={state.pending.get(task)}
          isNarrow={props.isNarrow}
          context={context()}
          actions={actions}
          onClose={props.onClose}
        />
      )}
      <div
        ref={body}
        className={`pyr-fill pyr-log-body${isSlim ? ' pyr-is-narrow' : ''}`}
      >
        <div
          className={`pyr-column pyr-fill pyr-screen-box${options.hasTimes ? ' pyr-has-times' : ''}`}
        >
          <LogTerminal
            log={log}
            scrollback={props.scrollback}
            screenReader={props.screenReader}
            onScreen={setScreen}
            onFollowing={setBottom}
            onLink={address => void openLink(address)}
            onFailure={error => setFailure(error.message)}
          />
          {finding && task !== null && (
            <FindBar search={search} onClose={closeFind} />
          )}
          {task !== null && !shown.isAtEnd && (
            <button
              type="button"
              className="pyr-button pyr-to-end"
              onClick={() => screen?.follow()}
            >
              {trans.__(
                'Jump to latest (%1)',
                // A running task may have printed more since.
                row && isActive(row.status) ? `${behind}+` : behind
              )}
            </button>
          )}
          {task === null && state.phase !== 'loading' && (
            <EmptyState
              icon="log"
              title={trans.__('No log opened')}
              text={trans.__('Select a task to see its output.')}
            >
              {props.onGenerate && state.phase === 'ready' && !state.total && (
                <Button
                  icon="add"
                  accent
                  label={trans.__('Create tasks')}
                  onClick={props.onGenerate}
                />
              )}
            </EmptyState>
          )}
          {broken && (
            <EmptyState
              icon="warning"
              title={trans.__('Couldn’t read this task')}
              text={withoutFolders(row.message ?? '')}
            >
              <p>
                {trans.__(
                  'Repair the file, or delete the task on the Tasks page.'
                )}
              </p>
            </EmptyState>
          )}
          {task !== null && !broken && shown.position === 0 && (
            <EmptyLog row={row} phase={shown.phase} />
          )}
        </div>
        {options.hasCurves && task !== null && !broken && (
          <RunCurves log={log} />
        )}
      </div>
      {hasStacks && task !== null && !broken && (
        <RunStacks
          log={log}
          isLive={hasLiveStacks(row, run)}
          context={context()}
          actions={actions}
          onClose={() => setStacks(false)}
        />
      )}
      {shown.wasReset && (
        <Banner kind="info" icon="warning">
          {trans.__(
            'The log was truncated or replaced. Showing its current contents.'
          )}
        </Banner>
      )}
      <Banner kind="error" onClose={() => setFailure('')}>
        {failure}
      </Banner>
      <Banner kind="error" onRetry={() => log.retry()}>
        {task !== null && !broken && shown.error?.message}
      </Banner>
      {(broken || !shown.error) && (
        <ConnectionBanner
          source={{
            // Of a log that ended nothing is missing, but the list grows old.
            connection:
              task === null || broken || state.connection === 'lost'
                ? state.connection
                : shown.connection,
            lastUpdatedAt: state.lastUpdatedAt
          }}
          onRetry={() => {
            log.retry();
            monitor.retry();
          }}
        />
      )}
    </section>
  );
}

/** A search in what a pane shows, marked on its screen. */
function useLogSearch(
  { log }: IPane,
  screen: TerminalController | null,
  finding: boolean
): LogSearchModel {
  const { search } = log;
  const { hits, current } = useStore(search);
  React.useEffect(() => search.setActive(finding), [search, finding]);
  React.useEffect(
    () => screen?.mark(finding ? hits : [], current),
    [screen, finding, hits, current]
  );
  return search;
}

/** The options of a pane's screen. */
function useLogOptions(
  { log }: IPane,
  screen: TerminalController | null,
  { isWide, hasTimes }: ILogOptions
): void {
  const { times } = log;
  const { marks } = useStore(times);
  React.useEffect(() => screen?.setWide(isWide), [screen, isWide]);
  React.useEffect(
    () => screen?.setTimes(hasTimes ? times : null),
    [screen, hasTimes, times, marks]
  );
}

/** The reason why a log is empty. */
function EmptyLog(props: {
  row: TaskRow | undefined;
  phase: string;
}): JSX.Element | null {
  const trans = useTrans();
  const texts: Partial<Record<TaskRow['status'], string>> = {
    queued: trans.__('Queued. The log appears when the run starts.'),
    running: trans.__('Running; no output yet.'),
    pending: trans.__('This task has not run yet.')
  };
  const text =
    props.phase === 'ended'
      ? trans.__('This run has no output.')
      : props.row && texts[props.row.status];
  return props.phase === 'loading' || !text ? null : (
    <p className="pyr-log-empty" role="status">
      {text}
    </p>
  );
}
