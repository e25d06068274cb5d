import { MAX_PANES, MonitorModel } from '../monitor';
import { TaskListModel } from '../tasklist';
import { FakeClient, row } from './fake';

function opened() {
  const client = new FakeClient();
  const list = new TaskListModel(client.asClient, 'ws');
  return { client, list, monitor: new MonitorModel(list) };
}

describe('MonitorModel', () => {
  it('shows a task in the active pane, or goes where it is shown', () => {
    const { monitor } = opened();
    const changes = jest.fn();
    monitor.subscribe(changes);
    monitor.open('a');
    expect(monitor.tasks).toEqual(['a']);
    expect(changes).toHaveBeenCalled();
    monitor.open('b');
    expect(monitor.tasks).toEqual(['b']);
    monitor.openBeside('c');
    expect(monitor.tasks).toEqual(['b', 'c']);
    monitor.open('b');
    expect(monitor.activePane.log.getSnapshot().task).toBe('b');
    monitor.open('d');
    expect(monitor.tasks).toEqual(['d', 'c']);
  });

  it('puts one beside the active one, as long as there is room', () => {
    const { monitor } = opened();
    monitor.openBeside('a');
    expect(monitor.getSnapshot().panes).toHaveLength(1);
    monitor.openBeside('b');
    monitor.open('a');
    monitor.openBeside('c');
    expect(monitor.tasks).toEqual(['a', 'c', 'b']);
    monitor.openBeside('d');
    expect(monitor.tasks).toHaveLength(MAX_PANES);
    monitor.openBeside('e');
    expect(monitor.tasks).toEqual(['a', 'c', 'e', 'b']);
    monitor.openBeside('a');
    expect(monitor.tasks).toHaveLength(MAX_PANES);
  });

  it('closes one and goes on with its neighbour; the last one is emptied', () => {
    const { monitor } = opened();
    monitor.open('a');
    monitor.openBeside('b');
    const { panes } = monitor.getSnapshot();
    monitor.close(panes[1].id);
    expect(panes[1].log.isDisposed).toBe(true);
    expect(monitor.tasks).toEqual(['a']);
    expect(monitor.activePane).toBe(panes[0]);
    monitor.close(panes[0].id);
    expect(monitor.tasks).toEqual([]);
    expect(panes[0].log.isDisposed).toBe(false);
  });

  it('lets all of them go on with the newest run', async () => {
    const { client, list, monitor } = opened();
    client.rows = [row('a', { run: 1 }), row('b', { run: 1 })];
    monitor.open('a');
    monitor.openBeside('b');
    const [a, b] = monitor
      .getSnapshot()
      .panes.map(({ log }) => jest.spyOn(log, 'setRow'));
    monitor.start();
    await Promise.resolve();
    await new Promise(resolve => setTimeout(resolve));
    expect(a).toHaveBeenCalledTimes(1);
    client.change([row('b', { run: 2, status: 'running' })]);
    expect(a).toHaveBeenCalledTimes(1);
    expect(b).toHaveBeenCalledTimes(2);
    list.dispose();
    monitor.dispose();
    expect(monitor.activePane.log.isDisposed).toBe(true);
  });
});
