/** The module with the views of the notebook widgets, loaded by the loader. */
import '../../style/base.css';
import '../../style/shared.css';
import '../../style/popup.css';
import '../../style/menu.css';
import '../../style/manager.css';
import '../../style/trash.css';
import '../../style/columns.css';
import '../../style/cards.css';
import '../../style/details.css';
import '../../style/search.css';
import '../../style/widget.css';

import * as React from 'react';
import { createRoot } from 'react-dom/client';

import { CommClient } from '../client/comm';
import { ServerClient } from '../client/server';
import type { IClient, Status, TaskRow } from '../client/types';
import { WorkspaceModel } from '../model/workspace';
import { ManagerView } from '../views/manager';
import { plainTrans, TransContext } from '../views/shared/context';
import { Strip } from '../views/shared/strip';
import { widgetChannel } from './channel';
import { LogPane } from './logpane';
import { syncSelection } from './selection';
import { serverTransport } from './transport';
import type { IMountOptions } from './types';

/** Show the widget in `el`; returns how to end that. */
export function mount({ model, el, server }: IMountOptions): () => void {
  const channel = server ? null : widgetChannel(model);
  // Heard before the client hears it, which would try to reconnect.
  const endGone = channel?.onGone(() => {
    tasks.dispose();
    show(true);
  });
  const comm = channel && new CommClient(channel);
  const client: IClient = comm ?? new ServerClient(serverTransport(server!));
  const tasks = new WorkspaceModel(
    client,
    server ? server.workspace : String(model.get('folder')),
    { order: 'asc' }
  );
  const endSync = syncSelection(tasks, model);

  el.classList.add('pyr-root', 'pyr-widget');
  el.dataset.pyrRoad = server ? 'server' : 'kernel';
  // The notebook's one-letter shortcuts are not meant for what is typed here.
  el.dataset.lmSuppressShortcuts = 'true';
  const frame = document.createElement('div');
  frame.className = 'pyr-widget-frame';
  el.append(frame);
  const onHeight = (): void => {
    const height = Number(model.get('height'));
    frame.style.setProperty('--pyr-widget-height', `${height}px`);
  };
  onHeight();
  model.on('change:height', onHeight);

  const root = createRoot(frame);
  const show = (isGone: boolean): void =>
    root.render(<TaskTable client={client} tasks={tasks} isGone={isGone} />);
  show(false);

  const unmount = (): void => {
    window.removeEventListener('pagehide', onLeave);
    model.off('change:height', onHeight);
    endGone?.();
    endSync();
    root.unmount();
    tasks.dispose();
    comm?.dispose();
    frame.remove();
  };
  // A page that goes takes its streams with it, or the kernel would go on.
  const onLeave = (event: PageTransitionEvent): void => {
    if (!event.persisted) {
      unmount();
    }
  };
  window.addEventListener('pagehide', onLeave);
  return unmount;
}

function TaskTable(props: {
  client: IClient;
  tasks: WorkspaceModel;
  /** The kernel that answered is gone for good. */
  isGone: boolean;
}): JSX.Element {
  const { client, tasks } = props;
  const [status, setStatus] = React.useState<Status | null>(null);
  const [opened, setOpened] = React.useState<TaskRow | null>(null);
  React.useEffect(() => {
    client.getStatus().then(setStatus, () => {
      // The table itself tells what is wrong.
    });
  }, [client]);
  return (
    <TransContext.Provider value={plainTrans}>
      {props.isGone && (
        <Strip kind="warning" icon="warning">
          {plainTrans.__(
            'The kernel of this table is gone: this is what was known. Tasks go on running. Run the cell again for a live table.'
          )}
        </Strip>
      )}
      <ManagerView
        model={tasks}
        trans={plainTrans}
        onOpenLog={setOpened}
        canWrite={status?.can_write}
        canExecute={status?.can_execute}
      />
      {opened && (
        <LogPane
          client={client}
          model={tasks}
          task={opened}
          onClose={() => setOpened(null)}
        />
      )}
    </TransContext.Provider>
  );
}
