import type { Columns } from '../../client/types';
import { byWeight } from '../metrics';
import {
  asLayout,
  automaticColumns,
  DEFAULT_LAYOUT,
  emptyFacts,
  movedColumn,
  shownColumns,
  withColumn
} from '../layout';
import { asSavedTable, withView } from '../savedviews';
import { countsOf, row } from './fake';

const SEEN = { swept: ['lr'], figures: ['acc', 'loss'] };

const known = (...keys: [string, number][]): Columns => ({
  parameters: keys.map(([key, distinct]) => ({
    key,
    distinct,
    tasks: 2,
    swept: key === 'lr'
  })),
  figures: []
});

describe('columns', () => {
  it('are by themselves those that differ, and what came of it', () => {
    expect(automaticColumns(SEEN, null, null)).toEqual([
      'name',
      'config:lr',
      'figure:acc',
      'figure:loss',
      'started',
      'duration',
      'progress',
      'message'
    ]);
    const columns = automaticColumns(
      SEEN,
      known(['lr', 3], ['opt', 2], ['epochs', 1]),
      'loss'
    );
    expect(columns.slice(1, 3)).toEqual(['config:lr', 'config:opt']);
    expect(columns).toContain('curve:loss');
    expect(columns).not.toContain('config:epochs');
  });

  it('never grow beyond what can be read, but for what was swept', () => {
    const many = Array.from({ length: 100 }, (_, index): [string, number] => [
      `key${index}`,
      2
    ]);
    expect(automaticColumns(SEEN, known(...many), null).length).toBeLessThan(
      30
    );
    const swept = many.map(([key]) => key);
    expect(
      automaticColumns({ swept, figures: [] }, null, null).length
    ).toBeGreaterThan(100);
  });

  it('begin with the name, then those that stay in sight', () => {
    const layout = { ...DEFAULT_LAYOUT, pinned: ['figure:acc', 'figure:gone'] };
    expect(
      shownColumns(layout, ['name', 'config:lr', 'figure:acc', 'duration'])
    ).toEqual(['name', 'figure:acc', 'config:lr', 'duration']);
    const chosen = { ...layout, columns: ['duration', 'name', 'hit'] };
    expect(shownColumns(chosen, ['name'])).toEqual(['name', 'duration']);
    expect(shownColumns(chosen, ['name'], true)).toEqual([
      'name',
      'hit',
      'duration'
    ]);
  });

  it('of runs stay hidden while no task has run, unless they were asked for', () => {
    const pending = [row('a'), undefined, row('b')];
    const counts = countsOf([row('a'), row('b')]);
    const empty = emptyFacts(pending, counts);
    expect(empty).toEqual(['started', 'duration', 'progress', 'message']);
    const automatic = automaticColumns(SEEN, null, null);
    expect(shownColumns(DEFAULT_LAYOUT, automatic, false, empty)).toEqual([
      'name',
      'config:lr',
      'figure:acc',
      'figure:loss'
    ]);
    for (const asked of [
      { always: ['duration'] },
      { pinned: ['duration'] },
      { columns: ['name', 'duration'] }
    ]) {
      expect(
        shownColumns({ ...DEFAULT_LAYOUT, ...asked }, automatic, false, empty)
      ).toContain('duration');
    }
    const running = { ...counts, running: 1 };
    expect(emptyFacts(pending, running)).toEqual(['progress', 'message']);
    const steps = { key: 'epoch', step: 1, total: 9, source: 'epochs' };
    expect(emptyFacts([row('a', { steps })], running)).toEqual(['message']);
    expect(emptyFacts([row('a', { started_at: 7 })], counts)).toEqual([
      'progress',
      'message'
    ]);
    expect(emptyFacts([row('a', { message: 'waits' })], counts)).toEqual([
      'started',
      'duration',
      'progress'
    ]);
    expect(emptyFacts([], { ...counts, failed: 1 })).toEqual(['progress']);
  });

  it('are added behind those of their kind, one curve at a time', () => {
    const shown = ['name', 'config:lr', 'figure:acc', 'curve:acc', 'started'];
    expect(withColumn(shown, 'config:opt', true)).toEqual([
      'name',
      'config:lr',
      'config:opt',
      'figure:acc',
      'curve:acc',
      'started'
    ]);
    expect(withColumn(shown, 'curve:loss', true)).not.toContain('curve:acc');
    expect(withColumn(shown, 'config:lr', false)).not.toContain('config:lr');
    expect(withColumn(['name', 'started'], 'figure:acc', true)).toEqual([
      'name',
      'figure:acc',
      'started'
    ]);
  });

  it('move anywhere but before the name', () => {
    const shown = ['name', 'a', 'b', 'c'];
    expect(movedColumn(shown, 'c', 1)).toEqual(['name', 'c', 'a', 'b']);
    expect(movedColumn(shown, 'a', 0)).toEqual(shown);
    expect(movedColumn(shown, 'a', 99)).toEqual(['name', 'b', 'c', 'a']);
    expect(movedColumn(shown, 'name', 2)).toEqual(shown);
    expect(movedColumn(shown, 'gone', 2)).toEqual(shown);
  });
});

describe('what is kept of a table', () => {
  it('comes back as it was', () => {
    const layout = {
      columns: ['name', 'figure:acc'],
      always: ['figure:acc'],
      widths: { name: 300 },
      pinned: ['figure:acc'],
      look: 'cards' as const,
      grouping: { fold: ['seed'] }
    };
    const views = withView([], {
      name: 'best',
      listing: {
        query: 'acc>0.9',
        statuses: ['completed'],
        sort: 'figure.acc',
        order: 'desc'
      },
      layout
    });
    const kept = JSON.parse(JSON.stringify({ layout, views }));
    expect(asSavedTable(kept)).toEqual({ layout, views });
  });

  it('knows the message column by its old id too', () => {
    expect(
      asLayout({
        columns: ['name', 'outcome'],
        widths: { outcome: 300 },
        pinned: ['outcome']
      })
    ).toMatchObject({
      columns: ['name', 'message'],
      widths: { message: 300 },
      pinned: ['message']
    });
  });

  it.each([
    null,
    7,
    'text',
    [],
    {
      columns: 'name',
      widths: { a: 'wide', b: Infinity },
      pinned: 3,
      grouping: 1
    },
    { grouping: { by: [] }, look: 'circus' }
  ])('is harmless whatever somebody wrote: %p', value => {
    expect(asLayout(value)).toEqual(DEFAULT_LAYOUT);
    expect(asSavedTable({ layout: value, views: [value] })).toEqual({
      layout: DEFAULT_LAYOUT,
      views: []
    });
  });

  it('replaces a view of the same name, and sorts them', () => {
    const view = (name: string, query = '') => ({
      name,
      listing: {
        query,
        statuses: [],
        sort: 'created',
        order: 'desc' as const
      },
      layout: DEFAULT_LAYOUT
    });
    const views = [view('run 10'), view('run 2'), view('run 10', 'x')].reduce(
      withView,
      []
    );
    expect(views.map(each => [each.name, each.listing.query])).toEqual([
      ['run 2', ''],
      ['run 10', 'x']
    ]);
  });
});

describe('figures', () => {
  it('stand by what they say', () => {
    const keys = ['epoch', 'val/step', 'speed', 'acc', 'loss'];
    expect(byWeight(keys, { acc: 'maximize', loss: 'minimize' })).toEqual([
      'acc',
      'loss',
      'speed',
      'epoch',
      'val/step'
    ]);
  });
});
