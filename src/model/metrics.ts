/** The order of metrics, and their aggregates. */

/** Whether the lowest or the highest value of a metric is the best. */
export type Goal = 'minimize' | 'maximize';

export type Goals = Readonly<Record<string, Goal>>;

/** Progress, time and learning rate. */
const COUNTER =
  /^(?:.*[._/-])?(?:epochs?|steps?|iters?|iterations?|global_step|time|seconds|elapsed|lr|learning_rate)$/i;

/** Aggregates of a metric, such as `min(loss)` or `mean(loss, 10)`. */
const AGGREGATE =
  /^(?:last|best|min|max|mean|at)\(\s*(?:"((?:\\.|[^"\\])*)"|([^"(),]+?))\s*(?:,\s*[^\s(),]+\s*)?\)$/;

/** Return the metric of an aggregate, null for other keys. */
export function aggregatedMetric(key: string): string | null {
  const [, quoted, plain] = AGGREGATE.exec(key) ?? [];
  return plain ?? quoted?.replace(/\\(.)/g, '$1') ?? null;
}

/** Return an aggregate of a metric, whose name is in quotes if necessary. */
export function aggregateOf(name: string, metric: string): string {
  const quoted = /^\s|["(),\\]|\s$/.test(metric)
    ? `"${metric.replace(/["\\]/g, '\\$&')}"`
    : metric;
  return `${name}(${quoted})`;
}

/** The aggregates of metrics that are suggested; `best` needs a goal. */
export function suggestedAggregates(
  metrics: readonly string[],
  goals: Readonly<Record<string, unknown>>
): string[] {
  const results = metrics.filter(metric => !isCounter(metric));
  return byWeight(results, goals).flatMap(metric =>
    [...(goals[metric] ? ['best'] : []), 'min', 'max', 'mean'].map(name =>
      aggregateOf(name, metric)
    )
  );
}

/** The aggregates that can be chosen: the chosen ones, then a typed one, then suggestions that contain the text. */
export function aggregateChoices(
  text: string,
  chosen: readonly string[],
  metrics: readonly string[],
  goals: Readonly<Record<string, unknown>>
): string[] {
  const typed = text.trim();
  const own = aggregatedMetric(typed) === null ? [] : [typed];
  const found = [...chosen, ...own, ...suggestedAggregates(metrics, goals)];
  return [...new Set(found)].filter(each =>
    each.toLowerCase().includes(typed.toLowerCase())
  );
}

/** Sort: metrics with a goal first, counters last; otherwise the order stays. */
export function byWeight(
  keys: readonly string[],
  goals: Readonly<Record<string, unknown>> = {}
): string[] {
  const weight = (key: string) => (isCounter(key) ? 2 : goals[key] ? 0 : 1);
  return [...keys].sort((a, b) => weight(a) - weight(b));
}

/** Return whether a metric measures the progress of a run. */
export function isCounter(key: string): boolean {
  return COUNTER.test(key);
}
