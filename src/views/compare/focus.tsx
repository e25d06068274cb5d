import * as React from 'react';

import { Store } from '../../model/store';
import { ChartView } from '../shared/chart';
import { useStore } from '../shared/store';

/**
 * The task under the pointer. A store, not the state of a component: only what
 * shows the old or the new task is rendered when it changes.
 */
export class FocusModel extends Store<{ readonly task: string | null }> {
  constructor() {
    super({ task: null });
  }

  readonly set = (task: string | null): void => this.update({ task });
}

/** Whether a task is under the pointer, wherever it is shown. */
export function useIsFocused(focus: FocusModel, task: string): boolean {
  return React.useSyncExternalStore(
    focus.subscribe,
    () => focus.getSnapshot().task === task
  );
}

/**
 * A line of a task that scrolls out of a long list is removed without an event:
 * the keyboard stays in the list, and the task is no longer highlighted.
 */
export function useLeaving(
  line: React.RefObject<HTMLElement>,
  list: string,
  focus: FocusModel,
  task: string
): void {
  React.useLayoutEffect(() => {
    const node = line.current;
    return () => {
      if (node?.contains(document.activeElement)) {
        node.closest<HTMLElement>(list)?.focus({ preventScroll: true });
      }
      if (focus.getSnapshot().task === task) {
        focus.set(null);
      }
    };
  }, [line, list, focus, task]);
}

/** A chart of tasks that highlights the focused one. */
export function FocusChart({
  focus,
  ...props
}: Omit<React.ComponentProps<typeof ChartView>, 'focus' | 'onPick'> & {
  focus: FocusModel;
}): JSX.Element {
  const { task } = useStore(focus);
  return <ChartView {...props} focus={task} onPick={focus.set} />;
}
