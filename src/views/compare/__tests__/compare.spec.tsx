import {
  act,
  cleanup,
  fireEvent,
  render,
  screen,
  within
} from '@testing-library/react';
import * as React from 'react';

import type { Comparison, Curves } from '../../../client/types';
import {
  FakeStream,
  NO_MEDIA,
  NO_STUDIES,
  row
} from '../../../model/__tests__/fake';
import { CompareModel } from '../../../model/compare';
import { PAPER } from '../../shared/chart';
import { plainTrans } from '../../shared/context';
import { CompareView } from '..';
import {
  heatmapAxes,
  heatmapOf,
  importances,
  parallelOf,
  scatterAxes
} from '../charts';
import { csvOf, reportOf } from '../export';
import { asOptions, DEFAULT_OPTIONS } from '../options';
import { viewOfComparison } from '../comparisonview';

const trans = plainTrans;
const NAMES = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];

function comparison(): Comparison {
  return {
    tasks: NAMES.map(name =>
      row(name, { status: name === 'h' ? 'failed' : 'completed', run: 1 })
    ),
    missing: [],
    parameters: [
      { key: 'lr', values: [0.1, 0.01, 0.1, 0.01, 0.1, 0.01, 0.1, 0.01] },
      { key: 'opt', values: ['=1+1', 's', 's', '=1+1', 's', 's', 's', null] }
    ],
    figures: [
      {
        key: 'acc',
        values: [0.5, 0.9, 0.51, 0.91, 0.52, 0.92, 0.53, null]
      }
    ],
    failures: [
      {
        message: 'ValueError: <b>bad</b>',
        names: ['h'],
        others: 7,
        shared: []
      },
      {
        message: 'CUDA out of memory',
        names: ['a', 'c'],
        others: 6,
        shared: [
          { key: 'bs', value: 512, others: 0 },
          { key: 'lr', value: 0.1, others: 2 }
        ]
      }
    ]
  };
}

async function opened(names = NAMES) {
  const client = {
    compareManyTasks: jest.fn(() => Promise.resolve(comparison())),
    streamEvents: () => new FakeStream(),
    ...NO_MEDIA,
    ...NO_STUDIES,
    listCurves: jest.fn((): Promise<Curves> => Promise.resolve({ items: [] }))
  };
  const model = new CompareModel({ client, ws: 'ws', saved: { names } });
  const onOpenLog = jest.fn();
  const onOptions = jest.fn();
  const onChoose = jest.fn();
  await act(async () => {
    render(
      <CompareView
        model={model}
        title={NAMES[0]}
        trans={trans}
        onOptions={onOptions}
        onOpenLog={onOpenLog}
        onChoose={onChoose}
      />
    );
  });
  await act(async () => undefined);
  return { client, model, onOpenLog, onOptions, onChoose };
}

function shown(hidden: string[] = []) {
  const found = viewOfComparison(
    {
      comparison: comparison(),
      hidden: new Set(hidden),
      goals: {},
      targetMetric: ''
    },
    null,
    false
  );
  if (!found) {
    throw new Error('nothing is shown');
  }
  return found;
}

const rowsOf = () =>
  within(screen.getByRole('table'))
    .getAllByRole('row')
    .slice(1)
    .map(each => within(each).getByRole('rowheader').textContent);

describe('CompareView', () => {
  it('says what to do where nothing is chosen', async () => {
    const { client, onChoose } = await opened([]);
    fireEvent.click(screen.getByText('Select tasks'));
    expect(onChoose).toHaveBeenCalled();
    expect(client.compareManyTasks).not.toHaveBeenCalled();
  });

  it('compares aggregates of metrics, in the table and in plots', async () => {
    const { client } = await opened();
    client.compareManyTasks.mockResolvedValue({
      ...comparison(),
      figures: [
        ...comparison().figures,
        {
          key: 'max(acc)',
          values: [0.6, 0.95, 0.6, 0.96, 0.6, 0.97, 0.6, null],
          goal: 'maximize'
        }
      ],
      notices: [{ code: 'partial', message: 'Not all.' }]
    });
    fireEvent.click(screen.getByRole('button', { name: 'Aggregates' }));
    await act(async () => {
      fireEvent.click(screen.getByRole('checkbox', { name: 'max(acc)' }));
    });
    expect(client.compareManyTasks).toHaveBeenLastCalledWith('ws', {
      names: NAMES,
      metrics: ['max(acc)']
    });
    expect(
      screen.getByRole('columnheader', { name: /max\(acc\)/ })
    ).toBeInTheDocument();
    expect(screen.getByText('Not all.')).toBeInTheDocument();
    fireEvent.click(screen.getByRole('tab', { name: 'Importance' }));
    expect(
      within(screen.getByLabelText('Metric')).getByRole('option', {
        name: 'max(acc)'
      })
    ).toBeInTheDocument();
  });

  it('marks the best, sorts, and turns a figure round', async () => {
    const { onOpenLog } = await opened();
    const best = () =>
      screen
        .getAllByText('(best)')
        .map(each => each.closest('td')?.textContent);
    expect(best()).toEqual(['0.9200(best)']);
    fireEvent.click(screen.getByRole('button', { name: 'acc' }));
    expect(rowsOf()).toEqual(['a', 'c', 'e', 'g', 'b', 'd', 'f', 'h']);
    fireEvent.click(screen.getByRole('button', { name: 'acc' }));
    expect(rowsOf()).toEqual(['f', 'd', 'b', 'g', 'e', 'c', 'a', 'h']);
    expect(
      screen
        .getByRole('columnheader', { name: /acc/ })
        .getAttribute('aria-sort')
    ).toBe('descending');
    fireEvent.click(
      screen.getByRole('button', { name: /Higher acc is better/ })
    );
    expect(best()).toEqual(['0.5000(best)']);
    const table = screen.getByRole('table');
    fireEvent.click(within(table).getByRole('button', { name: 'f' }));
    expect(onOpenLog).toHaveBeenCalledWith('f');
  });

  it('shows tasks beside each other, and leaves some out', async () => {
    const { model, onOptions } = await opened();
    fireEvent.click(screen.getByLabelText('Tasks as columns'));
    expect(onOptions).toHaveBeenCalledWith(
      expect.objectContaining({ isTransposed: true })
    );
    expect(rowsOf()).toEqual(
      ['lr', 'opt', 'acc↑'].flatMap(key =>
        key === 'lr'
          ? ['Parameters', key]
          : key === 'acc↑'
            ? ['Metrics', key]
            : [key]
      )
    );
    fireEvent.click(screen.getByLabelText('Show a in charts'));
    expect(model.getSnapshot().hidden).toEqual(new Set(['a']));
    expect(screen.getAllByRole('columnheader')).toHaveLength(7);
    await act(async () => {
      fireEvent.click(screen.getByLabelText('Remove b from the comparison'));
    });
    expect(model.getSnapshot().names).not.toContain('b');
  });

  it('leads through its tabs by keys', async () => {
    await opened();
    fireEvent.keyDown(screen.getByRole('tab', { name: 'Table' }), {
      key: 'ArrowLeft'
    });
    const tab = screen.getByRole('tab', { name: /Failures/ });
    expect(tab.getAttribute('aria-selected')).toBe('true');
    expect(document.activeElement).toBe(tab);
    expect(screen.getByText('ValueError: <b>bad</b>')).toBeTruthy();
    const shared = screen.getByText('bs=512').closest('li');
    expect(shared?.textContent).toBe(
      'Both: bs=512not true of the other 6 tasks'
    );
    expect(
      screen.getByText('also true of 2 of the other 6 tasks')
    ).toBeTruthy();
  });

  it('offers only metrics that have curves, and says where there are none', async () => {
    const { client } = await opened();
    const openCurves = async () => {
      await act(async () => {
        fireEvent.click(screen.getByRole('tab', { name: 'Curves' }));
      });
      await act(async () => undefined);
    };
    await openCurves();
    expect(client.listCurves).toHaveBeenCalledWith('ws', {
      name: NAMES,
      key: ['acc', 'system/'],
      points: expect.any(Number)
    });
    expect(screen.queryByRole('button', { name: 'acc' })).toBeNull();
    expect(screen.getByText(/have not logged metrics per step/)).toBeTruthy();

    cleanup();
    const other = await opened();
    other.client.listCurves.mockResolvedValue({
      items: [
        {
          name: 'a',
          run: 1,
          key: 'acc',
          total: 1,
          places: [0],
          values: [1],
          times: null,
          steps: {}
        }
      ]
    });
    await openCurves();
    expect(
      screen.getByRole('button', { name: 'acc' }).getAttribute('aria-pressed')
    ).toBe('true');
  });

  it('lists the values in which the tasks differ, in columns', async () => {
    const { onOpenLog } = await opened();
    const list = within(
      screen.getByRole('navigation', { name: 'Compared tasks' })
    );
    const line = list.getByRole('button', { name: 'lr=0.1, opt==1+1' });
    expect([...line.children].map(each => each.textContent)).toEqual([
      '0.1',
      '=1+1'
    ]);
    // What is missing leaves its place to nothing else.
    const last = list.getByRole('button', { name: 'lr=0.01' });
    expect(last.textContent).toBe('0.01–');
    fireEvent.click(last);
    expect(onOpenLog).toHaveBeenCalledWith('h');
    expect(list.getByTitle('opt')).toBeTruthy();
  });

  it('keeps the width to which the list is dragged', async () => {
    const { onOptions } = await opened();
    const list = screen.getByRole('navigation', { name: 'Compared tasks' });
    const edge = within(list).getByTitle(/Drag to resize/);
    edge.setPointerCapture = () => undefined;
    const move = (type: string, clientX: number) =>
      fireEvent(edge, new MouseEvent(type, { bubbles: true, clientX }));
    move('pointerdown', 100);
    move('pointermove', 450);
    expect(list.style.width).toBe('350px');
    expect(onOptions).toHaveBeenLastCalledWith(
      expect.objectContaining({ listWidth: 350 })
    );
    fireEvent.doubleClick(edge);
    expect(list.style.width).toBe('');
  });
});

describe('what is made of a comparison', () => {
  it('finds the parameter that counts, and takes it for plots', () => {
    const found = shown();
    expect(importances(found).map(({ key }) => key)).toEqual(['lr', 'opt']);
    expect(importances(found)[0].fraction).toBeGreaterThan(0.9);
    expect(scatterAxes(found, DEFAULT_OPTIONS)).toMatchObject({
      x: { key: 'lr' },
      y: { key: 'acc' },
      isLogX: false
    });
    const heat = heatmapAxes(found, DEFAULT_OPTIONS);
    expect([heat?.x.key, heat?.y.key]).toEqual(['lr', 'opt']);
    expect(heat && heatmapOf(found, heat)).not.toBeNull();
    expect(parallelOf(found)).not.toBeNull();
    expect(parallelOf(shown(NAMES))).toBeNull();
  });

  it('is a table that no spreadsheet takes for formulas', () => {
    const text = csvOf(shown(['c']));
    const lines = text.trimEnd().split('\r\n');
    expect(lines[0]).toBe('name,status,lr,opt,acc');
    expect(lines[1]).toBe("a,completed,0.1,'=1+1,0.5");
    expect(lines).toHaveLength(8);
    expect(lines[7]).toBe('h,failed,0.01,,');
  });

  it('is one page that runs nothing', () => {
    const evil = '</title><script>alert(1)</script>';
    const found = shown();
    const chart = parallelOf(found);
    const page = reportOf(trans, evil, found, [
      {
        name: evil,
        chart: chart ?? (() => ({ paint: () => undefined })),
        width: 600,
        height: 300
      }
    ]);
    const parsed = new DOMParser().parseFromString(page, 'text/html');
    expect(parsed.querySelector('script')).toBeNull();
    expect(parsed.querySelector('b')).toBeNull();
    expect(parsed.title).toBe(evil);
    expect(parsed.querySelectorAll('tbody tr')).toHaveLength(8);
    expect(parsed.querySelectorAll('td.best')).toHaveLength(1);
    expect(parsed.querySelector('svg')).not.toBeNull();
    expect(page).toContain(PAPER.background);
    expect(page).not.toMatch(/https?:\/\/(?!www\.w3\.org)/);
  });

  it('takes nothing odd out of a state', () => {
    expect(asOptions(null)).toEqual(DEFAULT_OPTIONS);
    expect(
      asOptions({
        tab: 'evil',
        smoothing: 7,
        axis: 3,
        curves: ['a', 1],
        isTransposed: 'yes',
        isLogY: true,
        colouring: 'task'
      })
    ).toEqual({
      ...DEFAULT_OPTIONS,
      smoothing: 0.99,
      curves: ['a'],
      isLogY: true,
      colouring: 'task'
    });
  });
});
