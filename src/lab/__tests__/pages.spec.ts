import { ownArgs } from '../caller';
import type { PageArea } from '../pages';
import { CommandIDs } from '../tokens';
import { makeLab } from './lab';

describe('a page that is still loading', () => {
  it('keeps what it is to show, of several requests the last', async () => {
    const { commands, opened } = makeLab();
    const { openCompare, openGenerator, openManager } = CommandIDs;
    const open = (command: string, args: object) =>
      commands.execute(command, ownArgs({ ...args }));
    await open(openCompare, {});
    await open(openCompare, { names: ['a', 'b'], tab: 'failures' });
    await open(openGenerator, {});
    await open(openGenerator, { file: 'a.yaml' });
    await open(openGenerator, {});
    await open(openManager, {});
    await open(openManager, { source: 'old/mlruns' });
    const [compare, generator, manager] = (opened as PageArea[])
      .map(({ showing }) => showing)
      .filter(Boolean);
    expect(compare).toMatchObject({ names: ['a', 'b'], tab: 'failures' });
    expect(generator).toMatchObject({ file: 'a.yaml' });
    expect(manager).toMatchObject({ source: 'old/mlruns' });

    await open(openCompare, { study: 's' });
    await open(openGenerator, { names: ['a', 'b'] });
    expect(compare).toMatchObject({ names: [], study: 's' });
    expect(generator).toMatchObject({ file: '', names: ['a', 'b'] });
  });
});
