import type { WorkspaceModel } from '../model/workspace';
import type { IWidgetModel } from './types';

function same(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((name, index) => name === b[index]);
}

/**
 * Keep the selection and the widget's trait `selected` the same.
 *
 * @returns how to end that
 */
export function syncSelection(
  tasks: WorkspaceModel,
  model: IWidgetModel
): () => void {
  const names = (): string[] => [...(model.get('selected') as string[])];
  tasks.select(names(), 'replace');
  const onTrait = (): void => {
    const wanted = names();
    if (!same([...tasks.getSnapshot().selection], wanted)) {
      tasks.select(wanted, 'replace');
    }
  };
  const end = tasks.subscribe(() => {
    const selected = [...tasks.getSnapshot().selection];
    if (!same(names(), selected)) {
      model.set('selected', selected);
      model.save_changes();
    }
  });
  model.on('change:selected', onTrait);
  return () => {
    model.off('change:selected', onTrait);
    end();
  };
}
