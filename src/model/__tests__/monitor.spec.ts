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

  describe('where nothing is chosen', () => {
    const settled = () => new Promise(resolve => setTimeout(resolve));
    const ran = (name: string, started_at: number, finished_at: number) =>
      row(name, { status: 'completed', run: 1, started_at, finished_at });
    const running = (name: string, started_at: number) =>
      row(name, { status: 'running', run: 1, started_at });
    const openedWith = async (rows: ReturnType<typeof row>[]) => {
      const made = opened();
      made.client.rows = rows;
      made.monitor.start(true);
      await settled();
      await settled();
      return made;
    };

    it('opens the running task that started last', async () => {
      const { monitor } = await openedWith([
        ran('old', 1, 99),
        running('a', 5),
        running('b', 7),
        row('pending')
      ]);
      expect(monitor.tasks).toEqual(['b']);
    });

    it('opens else the log that ended last', async () => {
      const { monitor } = await openedWith([
        row('pending'),
        ran('a', 1, 9),
        ran('b', 2, 5)
      ]);
      expect(monitor.tasks).toEqual(['a']);
    });

    it('waits for the first run, and opens no other one later', async () => {
      const { client, monitor } = await openedWith([row('a'), row('b')]);
      expect(monitor.tasks).toEqual([]);
      client.change([running('a', 5)]);
      await settled();
      expect(monitor.tasks).toEqual(['a']);
      client.change([running('b', 7)]);
      await settled();
      expect(monitor.tasks).toEqual(['a']);
      monitor.close(monitor.activePane.id);
      client.change([running('b', 8)]);
      await settled();
      expect(monitor.tasks).toEqual([]);
    });

    it('leaves a log that was opened before, and a page without a list', async () => {
      const { client, monitor } = opened();
      client.rows = [running('b', 7), ran('a', 1, 2)];
      monitor.open('a');
      monitor.start(true);
      await settled();
      expect(monitor.tasks).toEqual(['a']);
      const other = opened();
      other.client.rows = client.rows;
      other.monitor.start();
      await settled();
      expect(other.monitor.tasks).toEqual([]);
    });
  });

  it('knows the rows of active tasks, also those that are not listed', async () => {
    const { client, monitor } = opened();
    client.rows = Array.from({ length: 300 }, (_, at) => row(`t${at}`));
    client.rows.push(row('last', { status: 'running' }));
    monitor.start();
    await new Promise(resolve => setTimeout(resolve));
    expect(monitor.list.row('last')).toBeUndefined();
    expect(monitor.row('last')).toMatchObject({ status: 'running' });
    expect(monitor.row('t1')).toMatchObject({ status: 'pending' });
    expect(monitor.row('t299')).toBeUndefined();
    monitor.dispose();
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
