import { act, fireEvent, render, screen, within } from '@testing-library/react';
import * as React from 'react';

import type { Comparison, IEventHandlers } from '../../../client/types';
import {
  FakeStream,
  NO_MEDIA,
  NO_STUDIES,
  row
} from '../../../model/__tests__/fake';
import { CompareModel } from '../../../model/compare';
import { plainTrans } from '../../shared/context';
import { CompareView } from '..';

const HALF = 30;
const NAMES = Array.from({ length: 2 * HALF }, (_, at) => `task${at}`);

function comparison(
  accuracies: readonly number[],
  names: readonly string[]
): Comparison {
  return {
    tasks: names.map(name => row(name, { status: 'running', run: 1 })),
    missing: [],
    parameters: [{ key: 'lr', values: names.map((_, at) => at / 100) }],
    figures: [{ key: 'acc', values: [...accuracies] }],
    failures: []
  };
}

/** Counts what is rendered, by texts that each of it has once. */
class Counter {
  /** Lines of the list of tasks. */
  items = 0;
  /** Translated texts of everything. */
  texts = 0;
  /** Heads of the table's rows. */
  heads = 0;
  /** Cells of the table with a best value. */
  best = 0;

  readonly trans = {
    ...plainTrans,
    __: (text: string, ...args: unknown[]) => {
      this.texts++;
      if (text === 'Show %1 in charts') {
        this.items++;
        // A line of the list names its log, too.
        this.heads--;
      }
      if (text === 'Open log') {
        this.heads++;
      }
      if (text === 'Best of these tasks') {
        this.best++;
      }
      return plainTrans.__(text, ...args);
    }
  };

  async during(
    deed: () => unknown
  ): Promise<{ items: number; heads: number; best: number }> {
    this.texts = this.items = this.heads = this.best = 0;
    await act(async () => {
      deed();
    });
    return { items: this.items, heads: this.heads, best: this.best };
  }
}

async function opened(names: readonly string[] = NAMES) {
  // Half of them are the best ones.
  const accuracies = names.map((_, at) => (at < HALF ? 1 : at / 100));
  let handlers: IEventHandlers | undefined;
  const client = {
    compareManyTasks: jest.fn(async () => comparison(accuracies, names)),
    streamEvents: (ws: string, given: IEventHandlers) => {
      handlers = given;
      return new FakeStream();
    },
    listCurves: async () => ({ items: [] }),
    ...NO_MEDIA,
    ...NO_STUDIES
  };
  const model = new CompareModel({
    client,
    ws: 'ws',
    saved: { names: [...names] }
  });
  const counter = new Counter();
  const first = await counter.during(() =>
    render(
      <CompareView
        model={model}
        title={names[0]}
        trans={counter.trans}
        onOpenLog={() => undefined}
      />
    )
  );
  return { accuracies, counter, first, handlers: handlers!, model };
}

const lineOf = (name: string) =>
  screen.getByLabelText(`Show ${name} in charts`).closest('li')!;

describe('a comparison of many tasks', () => {
  it('renders nothing while all of them are scrolled', async () => {
    const { counter, model } = await opened();
    const list = lineOf('task0').parentElement!;
    list.scrollTop = 240;
    await counter.during(() => fireEvent.scroll(list));
    expect(counter.texts).toBe(0);
    model.dispose();
  });

  it('renders each of them once', async () => {
    const { first, model } = await opened();
    expect(first.items).toBeGreaterThanOrEqual(NAMES.length);
    expect(first.heads).toBeGreaterThanOrEqual(NAMES.length);
    expect(first.best).toBeGreaterThanOrEqual(HALF);
    model.dispose();
  });

  it('has only the rows of 500 that are in sight', async () => {
    const names = Array.from({ length: 500 }, (_, at) => `task${at}`);
    const { first, model } = await opened(names);
    expect(first.items).toBeLessThan(100);
    expect(lineOf('task0')).toHaveAttribute('aria-setsize', '500');
    const list = lineOf('task0').parentElement!;
    act(() => screen.getByLabelText('Show task0 in charts').focus());
    list.scrollTop = 300 * 24;
    await act(async () => void fireEvent.scroll(list));
    expect(list).toHaveFocus();
    expect(lineOf('task300')).toHaveAttribute('aria-posinset', '301');
    expect(screen.queryByLabelText('Show task0 in charts')).toBeNull();

    const heads = () =>
      screen.getAllByRole('rowheader').map(head => head.textContent);
    expect(heads()[0]).toBe('task0');
    expect(heads().length).toBeLessThan(100);
    const table = screen.getByRole('table');
    expect(table).toHaveAttribute('aria-rowcount', '501');
    const [head] = within(table).getAllByRole('row');
    expect(head).toHaveAttribute('aria-rowindex', '1');
    const scroller = table.parentElement!;
    scroller.scrollTop = 300 * 28;
    await act(async () => void fireEvent.scroll(scroller));
    expect(heads()).toContain('task300');
    expect(heads()).not.toContain('task0');
    expect(heads().length).toBeLessThan(100);
    expect(screen.getByRole('row', { name: /^task300\b/ })).toHaveAttribute(
      'aria-rowindex',
      '302'
    );
    model.dispose();
  });

  it('renders only the lines that the pointer leaves and comes to', async () => {
    const { counter, model } = await opened();
    const [from, to] = [lineOf('task3'), lineOf('task50')];
    const enter = await counter.during(() => fireEvent.pointerEnter(from));
    expect(from).toHaveClass('pyr-is-current');
    expect(enter).toEqual({ items: 1, heads: 0, best: 0 });
    const move = await counter.during(() => {
      fireEvent.pointerLeave(from);
      fireEvent.pointerEnter(to);
    });
    expect(from).not.toHaveClass('pyr-is-current');
    expect(to).toHaveClass('pyr-is-current');
    expect(move).toEqual({ items: 2, heads: 0, best: 0 });

    const head = screen.getByRole('rowheader', { name: /^task7\b/ });
    const table = await counter.during(() => {
      fireEvent.pointerLeave(to);
      fireEvent.pointerEnter(head);
    });
    expect(lineOf('task7')).toHaveClass('pyr-is-current');
    expect(table).toEqual({ items: 2, heads: 0, best: 0 });
    model.dispose();
  });

  it('renders only the rows whose values changed', async () => {
    const { accuracies, counter, model } = await opened();
    accuracies[40] = 0.405;
    const one = await counter.during(() => model.retry());
    expect(screen.getByText('0.4050')).toBeInTheDocument();
    expect(one).toEqual({ items: 0, heads: 0, best: 0 });

    accuracies[59] = 1;
    const another = await counter.during(() => model.retry());
    expect(screen.getAllByText('(best)')).toHaveLength(HALF + 1);
    expect(another.best).toBe(1);
    model.dispose();
  });

  it('renders no line when the server tells of something else', async () => {
    const { counter, handlers, model } = await opened();
    const heard = await counter.during(() =>
      handlers.onChanges({
        type: 'changes',
        epoch: 'one',
        revision: 2,
        counts: {
          pending: 0,
          queued: 0,
          running: NAMES.length,
          completed: 0,
          failed: 0,
          cancelled: 0,
          unreadable: 0
        },
        changed: [row('another')],
        removed: []
      })
    );
    expect(heard).toEqual({ items: 0, heads: 0, best: 0 });
    model.dispose();
  });
});
