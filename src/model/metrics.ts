/** What the names of metrics suggest: results, counters, better direction. */

const RESULT =
  /acc|loss|score|f1|auc|reward|return|perplexity|ppl|err|mse|mae|map|iou|bleu|rouge|dice|psnr|ssim|precision|recall/i;

/** Progress, time and learning rate. */
const COUNTER =
  /^(?:.*[._/-])?(?:epochs?|steps?|iters?|iterations?|global_step|time|seconds|elapsed|lr|learning_rate)$/i;

/** Metrics of which less is better. */
const LESS =
  /loss|err(?:or)?s?$|perplexity|ppl|mse|mae|rmse|time|latency|seconds/i;

/** Sort: results first, counters last; otherwise the order stays. */
export function byWeight(keys: readonly string[]): string[] {
  const weight = (key: string) =>
    isCounter(key) ? 2 : RESULT.test(key) ? 0 : 1;
  return [...keys].sort((a, b) => weight(a) - weight(b));
}

/** Return whether a metric measures the quality of a run. */
export function isResult(key: string): boolean {
  return RESULT.test(key) && !isCounter(key);
}

/** Return whether a metric measures the progress of a run. */
export function isCounter(key: string): boolean {
  return COUNTER.test(key);
}

/** Return whether less of a metric is better. */
export function isLessBetter(key: string): boolean {
  return LESS.test(key);
}
