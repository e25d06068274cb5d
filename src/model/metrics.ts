/** Which figures say most about a task, judged by their names. */

const RESULT =
  /acc|loss|score|f1|auc|reward|return|perplexity|ppl|err|mse|mae|map|iou|bleu|rouge|dice|psnr|ssim|precision|recall/i;

/** What only counts or sets the pace. */
const COUNTER =
  /^(?:.*[._/-])?(?:epochs?|steps?|iters?|iterations?|global_step|time|seconds|elapsed|lr|learning_rate)$/i;

/** Figures of which less is better. */
const LESS =
  /loss|err(?:or)?s?$|perplexity|ppl|mse|mae|rmse|time|latency|seconds/i;

/** Results first, then the rest, counters last; equal ones as they come. */
export function byWeight(keys: readonly string[]): string[] {
  const weight = (key: string) =>
    isCounter(key) ? 2 : RESULT.test(key) ? 0 : 1;
  return [...keys].sort((a, b) => weight(a) - weight(b));
}

/** Whether a figure tells how good a run is. */
export function isResult(key: string): boolean {
  return RESULT.test(key) && !isCounter(key);
}

/** Whether a figure tells how far a run is, not how good. */
export function isCounter(key: string): boolean {
  return COUNTER.test(key);
}

/** Whether less of a figure is better. */
export function isLessBetter(key: string): boolean {
  return LESS.test(key);
}
