import { act, fireEvent, render, screen } from '@testing-library/react';
import * as React from 'react';

import { LogModel } from '../../../model/log';
import { FakeClient } from '../../../model/__tests__/fake';
import type { LogMetrics } from '../../../client/types';
import { LogMetricsPreview } from '../logmetrics';
import type { ITrans } from '../../shared/context';
import { plainTrans, withTrans } from '../../shared/context';

const FOUND: LogMetrics = {
  patterns: [],
  is_active: false,
  metrics: [
    { key: 'epoch', is_step: true, count: 2, first: 1, last: 2 },
    { key: 'loss', is_step: false, count: 2, first: 0.5, last: 0.25 }
  ],
  lines: [
    { offset: 10, text: 'epoch 1 loss: 0.5', values: { epoch: 1, loss: 0.5 } }
  ],
  matched: 2,
  searched: [0, 60],
  messages: []
};

const Preview = withTrans((props: { log: LogModel; trans: ITrans }) => (
  <LogMetricsPreview log={props.log} />
));

async function opened(answers: readonly (LogMetrics | Error)[]) {
  const asked: (readonly string[])[] = [];
  const client = Object.assign(new FakeClient().asClient, {
    previewLogMetrics: (_ws: string, _task: string, query: object) => {
      asked.push((query as { pattern: string[] }).pattern);
      const answer = answers[asked.length - 1];
      return answer instanceof Error
        ? Promise.reject(answer)
        : Promise.resolve(answer);
    }
  });
  const log = new LogModel(client, 'ws');
  log.open('a', 1);
  render(<Preview log={log} trans={plainTrans} />);
  const details = screen.getByRole('group') as HTMLDetailsElement;
  expect(asked).toEqual([]);
  await act(async () => {
    details.open = true;
    fireEvent(details, new Event('toggle'));
  });
  return { asked, log };
}

describe('metrics in the text of a log', () => {
  it('shows what is found, and the setting for it', async () => {
    const { asked, log } = await opened([
      FOUND,
      { ...FOUND, patterns: ["it's (?P<x>.)"], is_active: true }
    ]);
    expect(asked).toEqual([[]]);
    expect(screen.getByText('loss').closest('tr')?.textContent).toBe(
      'loss20.2500'
    );
    expect(screen.getByText('log_metrics: auto')).not.toBeNull();
    expect(screen.getByText('2 lines match:')).not.toBeNull();
    const reveal = jest
      .spyOn(log, 'reveal')
      .mockImplementation(() => undefined);
    fireEvent.click(screen.getByText('epoch 1 loss: 0.5'));
    expect(reveal.mock.calls[0][0].offset).toBe(10);

    fireEvent.change(screen.getByRole('textbox'), {
      target: { value: "it's (?P<x>.)\n\n" }
    });
    await act(async () => {
      fireEvent.click(screen.getByText('Preview'));
    });
    expect(asked[1]).toEqual(["it's (?P<x>.)"]);
    expect(screen.getByText("log_metrics: ['it''s (?P<x>.)']")).not.toBeNull();
    log.dispose();
  });

  it('shows why a pattern is refused', async () => {
    const { log } = await opened([new Error('The pattern ( is not valid.')]);
    expect(screen.getByRole('alert').textContent).toContain('not valid');
    expect(screen.queryByRole('table')).toBeNull();
    log.dispose();
  });
});
