import * as React from 'react';

import type { TaskRow } from '../../client/types';
import type { MonitorModel } from '../../model/monitor';
import { MAX_PANES } from '../../model/monitor';
import type { IPageProps } from '../actions/action';
import { useConfirm } from '../shared/confirm';
import { withTrans } from '../shared/context';
import { useStore } from '../shared/store';
import type { ILogOptions } from './header';
import { LogPane } from './pane';
import { TaskList } from './tasklist';

export interface IMonitorProps extends IPageProps {
  /** The logs that are shown, and the tasks to choose from. */
  monitor: MonitorModel;
  /** Whether tasks can be chosen from a list; they can without it. */
  hasList?: boolean;
  /** Called when the user closes the log; only without a list. */
  onClose?: () => void;
  /** Lines kept for scrolling back. */
  scrollback?: number;
  screenReader?: boolean;
  /** How logs were shown last, and where to keep that. */
  options?: Partial<ILogOptions>;
  onOptions?: (options: ILogOptions) => void;
  onContextMenu?: (event: React.MouseEvent<HTMLElement>, task: TaskRow) => void;
}

/** Live logs of tasks, and the list of tasks to choose from. */
export const MonitorView = withTrans(Monitor);

function Monitor(props: IMonitorProps): JSX.Element {
  const { monitor, onOptions } = props;
  const state = useStore(monitor.list);
  const { panes, active } = useStore(monitor);
  const { hasList = true } = props;
  const [confirm, question] = useConfirm(props.confirm);
  const [options, setOptions] = React.useState<ILogOptions>({
    isWide: false,
    hasTimes: false,
    hasCurves: false,
    ...props.options
  });

  React.useEffect(() => monitor.start(hasList), [monitor, hasList]);

  const change = (changes: Partial<ILogOptions>) => {
    const changed = { ...options, ...changes };
    setOptions(changed);
    onOptions?.(changed);
  };

  const { task } = monitor.activePane.log.getSnapshot();
  return (
    <div className="pyr-view pyr-monitor">
      {hasList && (
        <TaskList
          monitor={monitor}
          current={task}
          canAdd={panes.length < MAX_PANES && task !== null}
          onOpen={chosen => monitor.open(chosen.name)}
          onOpenBeside={chosen => monitor.openBeside(chosen.name)}
          onContextMenu={props.onContextMenu}
        />
      )}
      <div className="pyr-column pyr-fill">
        <div className="pyr-fill pyr-panes">
          {panes.map(pane => (
            <LogPane
              {...props}
              key={pane.id}
              state={state}
              pane={pane}
              isActive={pane.id === active}
              isNarrow={panes.length > 1}
              options={options}
              onOptions={change}
              confirm={confirm}
              onActivate={() => monitor.activate(pane.id)}
              onClose={
                panes.length > 1 ? () => monitor.close(pane.id) : props.onClose
              }
            />
          ))}
        </div>
        {question}
      </div>
    </div>
  );
}
