import { act, fireEvent, screen } from '@testing-library/react';

import { mount } from '../mount';
import { FakeModel } from './model';

const ANSWERS: Record<string, unknown> = {
  getWorkspace: {
    id: 'ws',
    name: 'train',
    kind: 'script',
    path: 'digits',
    engine: 'local',
    problem: null
  },
  getTemplate: { text: 'lr: 0.1\n', name: 'train' },
  getParameters: {
    kind: 'argparse',
    parameters: [],
    problems: [],
    error: null
  },
  previewSweep: { count: 1, duplicates: 0, axes: [], rows: [], errors: [] }
};

interface IRequest {
  type: string;
  request: string;
  operation: string;
}

/** A widget whose kernel answers unless it is busy with an operation. */
class KernelModel extends FakeModel {
  constructor(traits: object = {}) {
    super({
      view: 'generator',
      folder: '/far/_pyruns_/train',
      height: 300,
      text: '',
      name: '',
      created: [],
      ...traits
    });
  }

  /** Operations without an answer. */
  busy: readonly string[] = [];
  /** Operations that fail. */
  refused: readonly string[] = [];
  waiting: IRequest[] = [];

  override send(content: object): void {
    super.send(content);
    const request = content as IRequest;
    if (request.type === 'request') {
      if (this.busy.includes(request.operation)) {
        this.waiting.push(request);
      } else {
        void Promise.resolve().then(() => this.answer(request));
      }
    }
  }

  /** Answer the pending requests, and all later ones. */
  wake(): void {
    this.busy = [];
    this.waiting.splice(0).forEach(request => this.answer(request));
  }

  private answer({ request, operation }: IRequest): void {
    this.emit('msg:custom', {
      type: 'answer',
      request,
      ...(this.refused.includes(operation)
        ? { error: { status: 500, message: 'The disk is full.' } }
        : { text: JSON.stringify(ANSWERS[operation] ?? {}) })
    });
  }
}

describe('a widget', () => {
  let unmount: () => void;

  const pass = (ms: number) =>
    act(async () => {
      await jest.advanceTimersByTimeAsync(ms);
    });
  const show = async (model: KernelModel) => {
    const el = document.createElement('div');
    document.body.append(el);
    unmount = mount({ model, el, server: null });
    await pass(50);
    return el;
  };
  const isShown = (el: HTMLElement) => el.querySelector('[role=tab]') !== null;

  beforeEach(() => {
    jest.useFakeTimers();
  });

  afterEach(() => {
    act(() => unmount());
    jest.useRealTimers();
    document.body.replaceChildren();
  });

  it('is shown when the kernel is idle again', async () => {
    const model = new KernelModel();
    model.busy = ['getStatus', 'getWorkspace'];
    const el = await show(model);
    await pass(60_000);
    expect(el).toHaveTextContent('updates when the kernel is idle again');
    act(() => model.wake());
    await pass(10_000);
    expect(el).not.toHaveTextContent('The kernel does not respond');
    expect(isShown(el)).toBe(true);
  });

  it('is not made again once it is removed, or after an error', async () => {
    const model = new KernelModel();
    model.refused = ['getWorkspace'];
    const el = await show(model);
    expect(el).toHaveTextContent('The disk is full.');
    const asked = model.sent.length;
    await pass(60_000);
    expect(model.sent).toHaveLength(asked);
    act(() => unmount());

    const removed = new KernelModel();
    removed.busy = ['getStatus', 'getWorkspace'];
    await show(removed);
    await pass(11_000);
    act(() => unmount());
    removed.wake();
    const sent = removed.sent.length;
    await pass(60_000);
    expect(removed.sent).toHaveLength(sent);
  });

  it('says that the kernel has stopped while the view was made', async () => {
    const model = new KernelModel();
    model.busy = ['getTemplate'];
    const el = await show(model);
    act(() => model.emit('comm:close'));
    await pass(60_000);
    expect(el).toHaveTextContent('The kernel of this widget has stopped');
  });

  it('says that the kernel has stopped while it was busy', async () => {
    const model = new KernelModel();
    model.busy = ['getStatus', 'getWorkspace'];
    const el = await show(model);
    await pass(11_000);
    act(() => model.emit('comm:close'));
    await pass(60_000);
    expect(el).toHaveTextContent('Run the cell again to restore the widget.');
    expect(el).not.toHaveTextContent('The kernel does not respond');
  });

  it.each([
    [
      { text: 'lr: 9\n', name: 'mine' },
      { text: 'lr: 9\n', name: 'mine' }
    ],
    [{ name: 'mine' }, { text: 'lr: 0.1\n', name: 'mine' }],
    [{}, { text: 'lr: 0.1\n', name: 'train' }]
  ])('keeps %j of Python when the user retries', async (given, kept) => {
    const model = new KernelModel(given);
    model.refused = ['getTemplate'];
    await show(model);
    expect(model.state).toMatchObject(given);
    model.refused = [];
    fireEvent.click(screen.getByRole('button', { name: 'Retry' }));
    await pass(1000);
    expect(model.state).toMatchObject(kept);
  });
});
