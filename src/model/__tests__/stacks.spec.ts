import { ClientError } from '../../client/errors';
import type { StackDump } from '../../client/types';
import { hasLiveStacks, StacksModel } from '../stacks';
import { row } from './fake';

const DUMP: StackDump = { run: 2, taken_at: 1000, text: 'Process 1: python' };
const NONE = new ClientError('Run 2 has no stored stacks.', {
  status: 404,
  code: 'not_found'
});

function opened(stored: StackDump | ClientError) {
  const getStacks = jest.fn(async () => {
    if (stored instanceof ClientError) {
      throw stored;
    }
    return stored;
  });
  const requestStacks = jest.fn(async () => ({ ...DUMP, text: 'new' }));
  const model = new StacksModel({ getStacks, requestStacks }, 'ws');
  model.show('a', 2);
  return { model, getStacks, requestStacks };
}

describe('the stacks of a run', () => {
  it('loads the stored ones, and does not read them again', async () => {
    const { model, getStacks, requestStacks } = opened(DUMP);
    await model.load(true);
    expect(getStacks).toHaveBeenCalledWith(
      'ws',
      'a',
      { run: 2 },
      expect.anything()
    );
    expect(requestStacks).not.toHaveBeenCalled();
    expect(model.getSnapshot()).toEqual({
      dump: DUMP,
      isLoading: false,
      error: null
    });
    await model.requestNow();
    expect(model.getSnapshot().dump?.text).toBe('new');
  });

  it('reads them if none are stored, unless that is not possible', async () => {
    const { model, requestStacks } = opened(NONE);
    await model.load(false);
    expect(model.getSnapshot()).toMatchObject({ dump: null, error: NONE });
    expect(requestStacks).not.toHaveBeenCalled();
    await model.load(true);
    expect(model.getSnapshot()).toMatchObject({
      dump: { text: 'new' },
      isLoading: false,
      error: null
    });
    const other = opened(new ClientError('Damaged.', { status: 500 }));
    await other.model.load(true);
    expect(other.requestStacks).not.toHaveBeenCalled();
  });

  it('does not replace a request by loading the stored ones', async () => {
    const { model, getStacks } = opened(NONE);
    const requested = model.requestNow();
    await model.load(true);
    expect(getStacks).not.toHaveBeenCalled();
    await requested;
    expect(model.getSnapshot()).toMatchObject({
      dump: { text: 'new' },
      isLoading: false
    });
  });

  it('shows nothing of another run', async () => {
    const { model } = opened(DUMP);
    const loaded = model.load(true);
    model.show('b', 1);
    await loaded;
    expect(model.getSnapshot().dump).toBeNull();
    model.show(null, null);
    await model.load(true);
    await model.requestNow();
    expect(model.getSnapshot()).toEqual({
      dump: null,
      isLoading: false,
      error: null
    });
  });

  it('can be read only of the run that is running', () => {
    const running = row('a', { status: 'running', run: 2 });
    expect(hasLiveStacks(running, 2)).toBe(true);
    expect(hasLiveStacks(running, 1)).toBe(false);
    expect(hasLiveStacks({ ...running, status: 'failed' }, 2)).toBe(false);
    expect(hasLiveStacks(undefined, null)).toBe(false);
  });
});
