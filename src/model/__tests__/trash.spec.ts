import type { TrashedTask } from '../../client/types';
import { TrashModel } from '../trash';
import { FakeClient } from './fake';

function trashed(name: string, original = name): TrashedTask {
  return {
    name,
    original,
    trashed_at: 1000,
    status: 'completed',
    message: null
  };
}

describe('TrashModel', () => {
  it('lists, and keeps what is selected and still there', async () => {
    const client = new FakeClient();
    client.trashed = [trashed('a'), trashed('b')];
    const model = new TrashModel(client.asClient, 'ws');
    expect(model.getSnapshot().phase).toBe('loading');
    await model.load();
    model.select(['a', 'b'], 'replace');
    client.trashed = [trashed('b')];
    await model.load();
    expect(model.getSnapshot().phase).toBe('ready');
    expect([...model.getSnapshot().selection]).toEqual(['b']);
    model.dispose();
  });

  it('takes out what was done and leaves what was refused', async () => {
    const client = new FakeClient();
    client.trashed = [trashed('a'), trashed('b')];
    const model = new TrashModel(client.asClient, 'ws');
    await model.load();
    model.select(['a', 'b'], 'replace');
    client.actOnTasks.mockResolvedValueOnce({
      done: ['a'],
      refused: [{ name: 'b', message: 'A task named b exists.' }],
      made: ['a']
    });
    client.trashed = [trashed('b')];
    const acting = model.act('restore', ['a', 'b']);
    expect(model.getSnapshot().busy).toBe('restore');
    const { refused } = await acting;
    expect(refused).toHaveLength(1);
    const { busy, items, selection } = model.getSnapshot();
    expect(busy).toBeNull();
    expect(items.map(item => item.name)).toEqual(['b']);
    expect([...selection]).toEqual(['b']);
    model.dispose();
  });

  it('counts the listing asked for last', async () => {
    const client = new FakeClient();
    const model = new TrashModel(client.asClient, 'ws');
    let late: (answer: { items: TrashedTask[] }) => void = () => undefined;
    client.listTrash.mockReturnValueOnce(
      new Promise(resolve => {
        late = resolve;
      })
    );
    const first = model.load();
    client.trashed = [trashed('new')];
    await model.load();
    late({ items: [trashed('old')] });
    await first;
    expect(model.getSnapshot().items.map(item => item.name)).toEqual(['new']);
    model.dispose();
  });

  it('says why it cannot be listed', async () => {
    const client = new FakeClient();
    client.listTrash.mockRejectedValueOnce(new Error('Not allowed.'));
    const model = new TrashModel(client.asClient, 'ws');
    await model.load();
    expect(model.getSnapshot()).toMatchObject({
      phase: 'error',
      error: { message: 'Not allowed.' }
    });
    model.dispose();
  });
});
