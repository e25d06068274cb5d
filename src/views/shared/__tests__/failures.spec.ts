import type { FailureGroup } from '../../../client/types';
import { plainTrans } from '../context';
import { failuresSentence } from '../failures';

const group = (
  count: number,
  message: string,
  change: Partial<FailureGroup> = {}
): FailureGroup => ({
  message,
  names: Array.from({ length: count }, (_, at) => `${message}${at}`),
  others: 500 - count,
  shared: [],
  ...change
});

describe('failures as a sentence', () => {
  it('names the causes and what distinguishes them', () => {
    const groups = [
      group(11, 'CUDA out of memory.', {
        shared: [{ key: 'bs', value: 512, others: 0 }]
      }),
      group(3, 'ValueError: loss is nan', {
        shared: [{ key: 'seed', value: 1, others: 300 }]
      })
    ];
    expect(failuresSentence(plainTrans, groups, 500)).toBe(
      '14 of 500 tasks failed: 11 CUDA out of memory, all with bs=512; 3 ValueError: loss is nan'
    );
  });

  it('is bounded', () => {
    const groups = [
      group(4, 'x'.repeat(500)),
      group(3, ''),
      group(2, 'b'),
      group(2, 'c'),
      group(1, 'd')
    ];
    expect(failuresSentence(plainTrans, groups, 12)).toBe(
      `12 of 12 tasks failed: 4 ${'x'.repeat(59)}…; 3 unknown reason; 2 b; 3 others`
    );
    expect(failuresSentence(plainTrans, groups.slice(1), 8)).toContain(
      '; 1 other'
    );
  });
});
