import type { ITrans } from '../context';
import { plainTrans } from '../context';
import { serverSentence } from '../serversentences';

/** Another word order, in which what varies is kept. */
const trans: ITrans = {
  __: (text, ...parts) => `[${plainTrans.__(text, ...parts)}]`,
  _n: text => text
};

describe('sentences of the server', () => {
  it.each([
    ['There is no driver for NVIDIA or AMD GPUs on this machine.'],
    ['The queue is paused.'],
    ['Exit code 1'],
    [
      'GPU utilization was below 30 % for 90 % of the run. The run may have waited for data, for example from a disk or the network.'
    ],
    ['Concurrency limit reached: 2 of 2 tasks are running (-j 2).'],
    ['Concurrency limit reached: 1 of 1 task is running (-j 1).'],
    [
      'Project limit reached: 4 of 4 tasks are running (max_jobs: 4). Change max_jobs in settings.yaml to run more.'
    ],
    ['Waiting for prepare, which is queued.'],
    ['Waiting for prepare, which is not queued.'],
    ["Stopped by the alert rule 'loss > 2 * min'. loss = 3%1."]
  ])('%s is translated, and stays as it is in English', text => {
    expect(serverSentence(trans, text)).toBe(`[${text}]`);
    expect(serverSentence(plainTrans, text)).toBe(text);
  });

  it('are looked up once', () => {
    const ask = jest.fn(trans.__);
    const asked = { ...trans, __: ask };
    expect(serverSentence(asked, 'Exit code 1')).toBe('[Exit code 1]');
    ask.mockClear();
    expect(serverSentence(asked, 'Exit code 2')).toBe('[Exit code 2]');
    expect(ask).not.toHaveBeenCalled();
  });

  it('are translated inside of others, and in lists', () => {
    expect(
      serverSentence(trans, 'The GPU driver stopped responding. Retrying.')
    ).toBe('[[The GPU driver stopped responding.] Retrying.]');
    expect(
      serverSentence(
        trans,
        'GPU 0: reserved by train/a; GPU 1: not known; GPU 2: utilization 90 % (at most 30 %).'
      )
    ).toBe(
      '[GPU 0: reserved by train/a]; GPU 1: not known; [GPU 2: utilization 90 % (at most 30 %)].'
    );
  });

  it('stay as they are if they are not known', () => {
    const text = 'RuntimeError: CUDA out of memory.';
    expect(serverSentence(trans, text)).toBe(text);
  });
});
