/** Estimates how important parameters are for a metric. */

/** How many groups of values are compared. */
const MAX_GROUPS = 6;

export interface IImportance {
  readonly key: string;
  /** Fraction of the variance that the parameter alone explains. */
  readonly fraction: number;
  /** From -1 (the metric falls with it) to 1 (it rises); null for texts. */
  readonly rises: number | null;
  /** Number of tasks that have both. */
  readonly tasks: number;
}

/**
 * Estimate the importance of a parameter for a metric.
 *
 * The tasks are grouped by the parameter's value (numbers with many values
 * into six groups of equal size). The result is ε², the fraction of the
 * variance between the groups, corrected for chance:
 * (SSB - (k-1)·MSW) / SST, at least 0. Source: T. L. Kelley, "An unbiased
 * correlation ratio measure", PNAS 21 (1935). The direction is Spearman's rank
 * correlation.
 *
 * @param values - the values of the parameter, one per task
 * @param numbers - the same as numbers, null if one is a text
 * @param metrics - the values of the metric, NaN if a task has none
 * @returns null with fewer than three tasks, or without differences
 */
export function importanceOf(
  key: string,
  values: readonly unknown[],
  numbers: readonly number[] | null,
  metrics: readonly number[]
): IImportance | null {
  const places = metrics.flatMap((value, at) =>
    Number.isFinite(value) && (!numbers || Number.isFinite(numbers[at]))
      ? [at]
      : []
  );
  const ys = places.map(at => metrics[at]);
  const groups = groupsOf(places, values, numbers);
  const count = new Set(groups).size;
  const mean = average(ys);
  const total = sum(ys.map(y => (y - mean) ** 2));
  if (places.length < 3 || count < 2 || count >= places.length || total === 0) {
    return null;
  }
  const members = new Map<number, number[]>();
  groups.forEach((group, index) => {
    const found = members.get(group);
    if (found) {
      found.push(ys[index]);
    } else {
      members.set(group, [ys[index]]);
    }
  });
  const between = sum(
    [...members.values()].map(each => each.length * (average(each) - mean) ** 2)
  );
  const within = (total - between) / (places.length - count);
  const fraction = (between - (count - 1) * within) / total;
  return {
    key,
    fraction: Math.min(1, Math.max(0, fraction)),
    rises: numbers
      ? correlation(ranks(places.map(at => numbers[at])), ranks(ys))
      : null,
    tasks: places.length
  };
}

function groupsOf(
  places: readonly number[],
  values: readonly unknown[],
  numbers: readonly number[] | null
): number[] {
  const texts = places.map(at => JSON.stringify(values[at]));
  const different = new Map(
    [...new Set(texts)].map((text, group) => [text, group])
  );
  if (!numbers || different.size <= MAX_GROUPS) {
    return texts.map(text => different.get(text)!);
  }
  const order = ranks(places.map(at => numbers[at]));
  // Equal values have equal ranks, and so are in the same group.
  return order.map(rank =>
    Math.floor((rank / places.length) * MAX_GROUPS * 0.999999)
  );
}

/** Return ranks from 0; equal numbers have their mean rank. */
function ranks(numbers: readonly number[]): number[] {
  const order = numbers
    .map((_, at) => at)
    .sort((a, b) => numbers[a] - numbers[b]);
  const found = new Array<number>(numbers.length);
  for (let from = 0; from < order.length;) {
    let until = from;
    while (
      until + 1 < order.length &&
      numbers[order[until + 1]] === numbers[order[from]]
    ) {
      until++;
    }
    for (let at = from; at <= until; at++) {
      found[order[at]] = (from + until) / 2;
    }
    from = until + 1;
  }
  return found;
}

function correlation(a: readonly number[], b: readonly number[]): number {
  const [meanA, meanB] = [average(a), average(b)];
  const both = sum(a.map((x, at) => (x - meanA) * (b[at] - meanB)));
  const size = Math.sqrt(
    sum(a.map(x => (x - meanA) ** 2)) * sum(b.map(y => (y - meanB) ** 2))
  );
  return size === 0 ? 0 : both / size;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, value) => total + value, 0);
}

function average(numbers: readonly number[]): number {
  return numbers.length === 0 ? 0 : sum(numbers) / numbers.length;
}
