import { act, fireEvent, render, screen } from '@testing-library/react';
import * as React from 'react';

import type { StudyDetail } from '../../../client/types';
import { FakeStream, NO_MEDIA } from '../../../model/__tests__/fake';
import { detail, study, trial } from '../../../model/__tests__/searches';
import { CompareModel } from '../../../model/compare';
import { StudiesModel } from '../../../model/studies';
import { toSvg } from '../../shared/chart';
import { plainTrans } from '../../shared/context';
import { CompareView } from '..';
import { DEFAULT_OPTIONS } from '../options';
import { historyOf, slicesOf } from '../studycharts';

const TRIALS = [
  trial(1, 0.5),
  trial(2, 0.7),
  trial(3, 0.2, { state: 'pruned', status: 'cancelled', pruned: 4 }),
  trial(4, null)
];

class Server {
  detail: StudyDetail = detail(TRIALS, {
    state: 'active',
    best: TRIALS[1],
    driven: true
  });
  changes: unknown[] = [];

  listStudies = async () => ({
    available: true,
    items: [study('s', { state: this.detail.state })],
    damaged: ['old.json is no study.']
  });
  getStudy = async () => this.detail;
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

  const show = async (confirm = async () => true) => {
    server = new Server();
    const studies = new StudiesModel({ client: server, ws: 'w' });
    model = new CompareModel({ client: server, ws: 'w', studies });
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
    return { studies };
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
});

describe('its charts', () => {
  it('shows each trial, and the best so far as steps', () => {
    const chart = historyOf(plainTrans, detail(TRIALS), false);
    const svg = toSvg(chart!, 600, 240);
    expect(svg.match(/<circle/g)).toHaveLength(3);
    expect(svg).toContain('acc');
    expect(historyOf(plainTrans, detail([trial(1, null)]), false)).toBeNull();
  });

  it('shows the objective over each parameter of what completed', () => {
    const slices = slicesOf(plainTrans, detail(TRIALS), false);
    expect(slices.map(each => each.key)).toEqual(['lr', 'opt']);
    const svg = toSvg(slices[1].chart, 400, 200);
    expect(svg).toContain('adam');
    expect(svg.match(/<circle/g)).toHaveLength(2);
  });
});
