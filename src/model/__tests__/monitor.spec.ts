import { MonitorModel, MOST_PANES } from '../monitor';
import { FakeClient, row } from './fake';

function opened() {
  const client = new FakeClient();
  return { client, monitor: new MonitorModel(client.asClient, 'ws') };
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
    expect(monitor.tasks).toHaveLength(MOST_PANES);
    monitor.openBeside('e');
    expect(monitor.tasks).toEqual(['a', 'c', 'e', 'b']);
    monitor.openBeside('a');
    expect(monitor.tasks).toHaveLength(MOST_PANES);
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

  it('lets all of them go on with the newest run', () => {
    const { monitor } = opened();
    monitor.open('a');
    const note = jest.spyOn(monitor.activePane.log, 'noteRow');
    monitor.noteRow(row('a'));
    expect(note).toHaveBeenCalledTimes(1);
    monitor.dispose();
    expect(monitor.activePane.log.isDisposed).toBe(true);
  });
});
