/** How much a parameter alone tells about a figure. */

/** Numbers with more different values than this are put into groups. */
const MAX_GROUPS = 6;

export interface IImportance {
  readonly key: string;
  /** Part of the variance that the parameter explains alone, from 0 to 1. */
  readonly part: number;
  /** From -1 (the figure falls with it) to 1 (it rises); null for texts. */
  readonly rises: number | null;
  /** Tasks that have both. */
  readonly tasks: number;
}

/**
 * How important a parameter is for a figure.
 *
 * The tasks are put into groups by the parameter's value (numbers with many
 * values into six groups of equal size), and what is told is ε², the part of
 * the variance between the groups, without what chance alone gives to many
 * groups: (SSB - (k-1)·MSW) / SST, at least 0. Source: T. L. Kelley, "An
 * unbiased correlation ratio measure", PNAS 21 (1935). The direction is
 * Spearman's rank correlation.
 *
 * @param values - of the parameter, one a task
 * @param numbers - the same as numbers, null where it has texts
 * @param figures - of the figure, NaN where a task has none
 * @returns null where fewer than three tasks, or no differences, tell anything
 */
export function importanceOf(
  key: string,
  values: readonly unknown[],
  numbers: readonly number[] | null,
  figures: readonly number[]
): IImportance | null {
  const places = figures.flatMap((value, at) =>
    Number.isFinite(value) && (!numbers || Number.isFinite(numbers[at]))
      ? [at]
      : []
  );
  const ys = places.map(at => figures[at]);
  const groups = groupsOf(places, values, numbers);
  const count = new Set(groups).size;
  const mean = average(ys);
  const total = sum(ys.map(y => (y - mean) ** 2));
  if (places.length < 3 || count < 2 || count >= places.length || total === 0) {
    return null;
  }
  const members = new Map<number, number[]>();
  groups.forEach((group, index) => {
    members.set(group, [...(members.get(group) ?? []), ys[index]]);
  });
  const between = sum(
    [...members.values()].map(each => each.length * (average(each) - mean) ** 2)
  );
  const within = (total - between) / (places.length - count);
  const part = (between - (count - 1) * within) / total;
  return {
    key,
    part: Math.min(1, Math.max(0, part)),
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
  const different = [...new Set(texts)];
  if (!numbers || different.length <= MAX_GROUPS) {
    return texts.map(text => different.indexOf(text));
  }
  const order = ranks(places.map(at => numbers[at]));
  // Equal values have equal ranks and so stay in one group.
  return order.map(rank =>
    Math.floor((rank / places.length) * MAX_GROUPS * 0.999999)
  );
}

/** Ranks from 0; equal numbers have the mean of theirs. */
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
