import { act, fireEvent, render, screen } from '@testing-library/react';
import * as React from 'react';

import type { Dimension, Study, StudyDetail } from '../../../client/types';
import { FakeStream, NO_MEDIA } from '../../../model/__tests__/fake';
import { LR, detail, study, trial } from '../../../model/__tests__/searches';
import { CompareModel } from '../../../model/compare';
import { plainTrans } from '../../shared/context';
import { CompareView } from '..';
import { DEFAULT_OPTIONS } from '../options';

const TRIALS = [
  trial(1, 0.5),
  trial(2, 0.7),
  trial(3, 0.2, {
    state: 'pruned',
    status: 'cancelled',
    pruned: 4,
    started_at: 1,
    finished_at: 2
  }),
  trial(4, null)
];

const OPT: Dimension = { ...LR, key: 'opt', kind: 'choice', log: false };

class Server {
  detail: StudyDetail = detail(TRIALS, {
    state: 'active',
    best: TRIALS[1],
    driven: true
  });
  others: readonly Study[] = [];
  changes: unknown[] = [];

  listStudies = async () => ({
    available: true,
    items: [study('s', { state: this.detail.state }), ...this.others],
    damaged: ['old.json is no study.']
  });
  getStudy = async (ws: string, name: string) => ({
    ...this.detail,
    name,
    dimensions: [LR, OPT]
  });
  getStudyImportance = async () => ({
    objective: 'acc',
    trials: 4,
    parameters: [
      { key: 'lr', importance: 0.75 },
      { key: 'opt', importance: 0.25 }
    ],
    message: ''
  });
  changeStudy = async (ws: string, name: string, change: unknown) => {
    this.changes.push(change);
    this.detail = { ...this.detail, state: 'stopped' };
    return this.detail;
  };
  removeStudy = async () => {
    this.changes.push('removed');
  };
  compareManyTasks = jest.fn(async () => ({
    tasks: [],
    missing: [],
    parameters: [],
    figures: [],
    failures: []
  }));
  listCurves = async () => ({ items: [] });
  listMedia = NO_MEDIA.listMedia;
  readMedium = NO_MEDIA.readMedium;
  streamEvents = () => new FakeStream();
}

// Without a canvas nothing is painted; jsdom would complain about each.
HTMLCanvasElement.prototype.getContext = () => null;

describe('the search tab', () => {
  let server: Server;
  let model: CompareModel;
  const onOpenLog = jest.fn();
  let ended: { dispose(): void }[] = [];
  afterEach(() => ended.forEach(each => each.dispose()));

  const show = async (
    confirm = async () => true,
    others: readonly Study[] = []
  ) => {
    server = new Server();
    server.others = others;
    model = new CompareModel({ client: server, ws: 'w' });
    render(
      <CompareView
        model={model}
        title={study('s').name}
        trans={plainTrans}
        options={{ ...DEFAULT_OPTIONS, tab: 'search' }}
        confirm={confirm}
        onOpenLog={onOpenLog}
      />
    );
    await act(async () => undefined);
    ended = [model];
    return { studies: model.studies };
  };

  it('tells how a search stands', async () => {
    await show();
    expect(screen.getByText('Running')).toBeInTheDocument();
    expect(
      screen.getByText('3 of 10 trials · 1 running · 1 pruned')
    ).toBeInTheDocument();
    expect(screen.getByText(/^0\.70*$/)).toBeInTheDocument();
    expect(screen.getByText('old.json is no study.')).toBeInTheDocument();
    expect(screen.getByRole('progressbar')).toHaveAttribute('value', '3');
    fireEvent.click(screen.getByRole('button', { name: 's_2' }));
    expect(onOpenLog).toHaveBeenCalledWith('s_2');
  });

  it('stops it, goes on and forgets it', async () => {
    await show();
    await act(async () => {
      fireEvent.click(screen.getByRole('button', { name: 'Pause study' }));
    });
    expect(screen.getByText('Stopped')).toBeInTheDocument();
    await act(async () => {
      fireEvent.click(screen.getByRole('button', { name: 'Resume study' }));
    });
    await act(async () => {
      fireEvent.click(screen.getByRole('button', { name: 'Delete study' }));
    });
    expect(server.changes).toEqual([
      { action: 'stop', running: false },
      { action: 'resume', n: 10 },
      'removed'
    ]);
  });

  it('compares its tasks as they come', async () => {
    const { studies } = await show();
    await act(async () => {
      fireEvent.click(screen.getByLabelText('Compare its tasks'));
    });
    expect(model.getSnapshot().names).toEqual(['s_1', 's_2', 's_3', 's_4']);
    expect(model.getSnapshot().targetMetric).toBe('acc');
    await act(async () => {
      model.remove('s_3');
      server.detail = detail([...TRIALS, trial(5, null)], { state: 'active' });
      await studies.change({ action: 'stop' });
    });
    expect(model.getSnapshot().names).toEqual(['s_1', 's_2', 's_4', 's_5']);
    await act(async () => model.setNames(['other']));
    expect(model.getSnapshot().study).toBe('');
  });

  it('shows the plot of a tab', async () => {
    await show();
    const choose = (name: string) =>
      act(async () => {
        fireEvent.click(screen.getAllByRole('tab', { name }).pop()!);
      });
    expect(
      screen.getByRole('img', {
        name: 'acc of each trial and best value so far'
      })
    ).toBeInTheDocument();
    expect(
      screen.getByRole('img', { name: 'acc over lr' })
    ).toBeInTheDocument();
    expect(screen.queryByRole('tab', { name: 'Pareto front' })).toBeNull();
    await choose('Importance');
    expect(
      screen.getByRole('img', { name: 'lr 75%, opt 25%' })
    ).toBeInTheDocument();
    await choose('Contour');
    fireEvent.change(screen.getByLabelText('X axis'), {
      target: { value: 'opt' }
    });
    expect(
      screen.getByRole('img', { name: 'acc over opt and lr' })
    ).toBeInTheDocument();
    await choose('Timeline');
    expect(screen.getByText('Pruned')).toBeInTheDocument();
  });

  it('compares it with other studies of its objective', async () => {
    const loss = study('loss', {
      objectives: [{ metric: 'loss', direction: 'minimize' }]
    });
    const { studies } = await show(undefined, [study('other'), loss]);
    const group = screen.getByRole('group', {
      name: 'Compare with other studies'
    });
    expect(group).toHaveTextContent('Compare withother');
    await act(async () => {
      fireEvent.click(screen.getByRole('button', { name: 'other' }));
    });
    expect(studies.getSnapshot().compared).toHaveLength(1);
    expect(screen.getByRole('button', { name: 'other' })).toHaveAttribute(
      'aria-pressed',
      'true'
    );
  });

  it('leads to the Pareto front of several objectives', async () => {
    const { studies } = await show();
    server.detail = detail(
      [
        trial(1, null, { state: 'complete', objective_values: [0.5, 3] }),
        trial(2, null, {
          state: 'complete',
          objective_values: [0.9, 9],
          is_feasible: false
        })
      ],
      {
        objectives: [
          { metric: 'acc', direction: 'maximize' },
          { metric: 'latency', direction: 'minimize' }
        ],
        pareto_front: ['s_1']
      }
    );
    await act(async () => studies.change({ action: 'stop' }));
    expect(screen.getByText(/1 infeasible/)).toBeInTheDocument();
    await act(async () => {
      fireEvent.click(screen.getByLabelText('Compare its tasks'));
    });
    expect(model.getSnapshot().goals).toEqual({
      acc: 'maximize',
      latency: 'minimize'
    });
    await act(async () => {
      fireEvent.click(
        screen.getByRole('button', { name: '1 trial on the Pareto front' })
      );
    });
    expect(
      screen.getByRole('img', {
        name: /latency over acc of each complete trial/
      })
    ).toBeInTheDocument();
  });
});
