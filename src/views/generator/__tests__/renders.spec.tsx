import { act, fireEvent, render, screen } from '@testing-library/react';
import * as React from 'react';

import { DraftModel } from '../../../model/draft';
import { Searches } from '../../../model/__tests__/searches';
import { plainTrans } from '../../shared/context';
import { GeneratorView } from '..';

const COUNT = 40;
const TEXT = Array.from({ length: COUNT }, (_, at) => `p${at}: ${at}\n`).join(
  ''
);

class Server extends Searches {
  getTemplate = async () => ({ text: TEXT, name: 'train' });
  joinConfigurations = this.getTemplate;
  getParameters = async () => ({
    kind: 'argparse' as const,
    parameters: [],
    problems: [],
    error: null
  });
  override listTasks = async () => {
    throw new Error('not asked here');
  };
  previewSweep = async () => ({
    count: 1,
    duplicates: 0,
    axes: [],
    rows: [],
    errors: []
  });
  createTasks = async () => {
    throw new Error('not asked here');
  };
}

/** Counts the fields that are rendered: each has one button to pin it. */
class Counter {
  fields = 0;
  readonly trans = {
    ...plainTrans,
    __: (text: string, ...args: unknown[]) => {
      if (/^(Pin %1|Put %1 back|Unpin)/.test(text)) {
        this.fields++;
      }
      return plainTrans.__(text, ...args);
    }
  };

  async during(deed: () => void): Promise<number> {
    this.fields = 0;
    await act(async () => {
      deed();
      await jest.advanceTimersByTimeAsync(200);
    });
    return this.fields;
  }
}

describe('the form', () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());

  it('renders only the field that is typed in', async () => {
    const server = new Server();
    const model = new DraftModel({ client: server, ws: 'w', kind: 'script' });
    const counter = new Counter();
    const all = await counter.during(() => {
      render(
        <GeneratorView
          model={model}
          trans={counter.trans}
          workspace={{
            id: 'w',
            name: 'train',
            kind: 'script',
            path: 'digits',
            engine: 'local',
            problem: null
          }}
          onCreated={() => undefined}
          onBegun={() => undefined}
        />
      );
    });
    expect(all).toBeGreaterThanOrEqual(COUNT);

    // The first one: all entries below move in the text.
    const first = screen.getByLabelText('p0');
    const typed = await counter.during(() =>
      fireEvent.change(first, { target: { value: '12345' } })
    );
    expect(first).toHaveValue('12345');
    expect(typed).toBeGreaterThan(0);
    // Twice at most: React may render what is typed in at once, and again.
    expect(typed).toBeLessThanOrEqual(2);

    // Pinned fields are the same ones in another place.
    await counter.during(() => model.setPinned('p7', true));
    const pinned = await counter.during(() =>
      fireEvent.change(screen.getByLabelText('p3'), { target: { value: '9' } })
    );
    expect(pinned).toBeLessThanOrEqual(2);
    model.dispose();
  });
});
