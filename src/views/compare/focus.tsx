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
