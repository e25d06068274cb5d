/** The charts of a study. */
import type { StudyDetail } from '../../client/types';
import { records, valuedTrials } from '../../model/studies';
import type { Chart, IDot } from '../shared/chart';
import { rampColour, scatterChart, seriesColour } from '../shared/chart';
import type { ITrans } from '../shared/context';
import { exactValue } from '../shared/format';
import { isWide } from './comparisonview';

/** The value of each trial and the best so far; null without any. */
export function historyOf(
  trans: ITrans,
  study: StudyDetail,
  isDark: boolean
): Chart | null {
  const trials = valuedTrials(study);
  if (trials.length === 0) {
    return null;
  }
  const best = records(study);
  const last = trials[trials.length - 1].number;
  return scatterChart({
    xName: trans.__('trial'),
    yName: study.objective,
    dots: trials.map(trial => ({
      id: trial.task,
      name: trial.task,
      x: trial.number,
      y: trial.value,
      isPartial: trial.state !== 'complete',
      colour: seriesColour(0, isDark),
      details: [
        ...(trial.state === 'pruned'
          ? [{ name: trans.__('pruned'), value: pointOf(trial.pruned) }]
          : []),
        ...(trial.state === 'open'
          ? [{ name: trans.__('current'), value: '' }]
          : []),
        ...Object.entries(trial.values).map(([name, value]) => ({
          name,
          value: exactValue(value)
        }))
      ]
    })),
    steps: {
      colour: seriesColour(1, isDark),
      points: [
        ...best.map(({ number, value }) => ({ x: number, y: value })),
        ...best.slice(-1).map(({ value }) => ({ x: last, y: value }))
      ]
    }
  });
}

function pointOf(step: number | null): string {
  return step === null ? '' : `@ ${step}`;
}

/**
 * The objective over each parameter; later trials have more contrast with the
 * background.
 */
export function slicesOf(
  trans: ITrans,
  study: StudyDetail,
  isDark: boolean
): { key: string; chart: Chart }[] {
  const trials = valuedTrials(study).filter(
    trial => trial.state === 'complete'
  );
  const keys = [
    ...new Set(trials.flatMap(({ values }) => Object.keys(values)))
  ];
  const last = Math.max(1, ...trials.map(trial => trial.number));
  return keys.map(key => {
    const values = trials.map(trial => trial.values[key]);
    const numbers = values.map(value =>
      typeof value === 'number' ? value : NaN
    );
    const isNumeric = numbers.every(Number.isFinite);
    const labels = isNumeric ? undefined : [...new Set(values.map(exactValue))];
    return {
      key,
      chart: scatterChart({
        xName: key,
        yName: study.objective,
        xLabels: labels,
        isLogX: isNumeric && isWide(numbers),
        dots: trials.map((trial, index): IDot => {
          const age = trial.number / last;
          return {
            id: trial.task,
            name: trial.task,
            x: labels
              ? labels.indexOf(exactValue(values[index]))
              : numbers[index],
            y: trial.value,
            colour: rampColour(isDark ? 0.25 + 0.75 * age : 0.9 - 0.9 * age),
            details: [{ name: trans.__('trial'), value: String(trial.number) }]
          };
        })
      })
    };
  });
}
