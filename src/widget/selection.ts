import type { WorkspaceModel } from '../model/workspace';
import type { Trait } from './traits';

/**
 * Keep the selection of a table and a trait the same.
 *
 * @returns how to end that
 */
export function syncSelection(
  tasks: WorkspaceModel,
  trait: Trait<readonly string[]>
): () => void {
  const selected = (): string[] => [...tasks.getSnapshot().selection];
  tasks.select([...trait.get()], 'replace');
  const ends = [
    tasks.subscribe(() => trait.set(selected())),
    trait.listen(names => {
      if (JSON.stringify(names) !== JSON.stringify(selected())) {
        tasks.select([...names], 'replace');
      }
    })
  ];
  return () => ends.forEach(end => end());
}
