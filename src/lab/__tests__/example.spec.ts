import type { JupyterFrontEnd } from '@jupyterlab/application';

import { openExample } from '../example';
import { CommandIDs } from '../tokens';

function lab(isThere: boolean) {
  const contents = {
    get: jest.fn(() => (isThere ? Promise.resolve({}) : Promise.reject())),
    save: jest.fn(async (path: string, file: { content: string }) => file)
  };
  const commands = { execute: jest.fn(async () => undefined) };
  const app = { commands, serviceManager: { contents } };
  return { app: app as unknown as JupyterFrontEnd, commands, contents };
}

describe('openExample', () => {
  it('creates the script and opens it', async () => {
    const { app, commands, contents } = lab(false);
    await openExample(app);
    const [path, file] = contents.save.mock.calls[0];
    expect(file.content).toContain('pyruns.track(epoch=epoch');
    expect(commands.execute).toHaveBeenCalledWith(
      CommandIDs.openWorkspace,
      expect.objectContaining({ path })
    );
  });

  it('keeps a script that is there', async () => {
    const { app, commands, contents } = lab(true);
    await openExample(app);
    expect(contents.save).not.toHaveBeenCalled();
    expect(commands.execute).toHaveBeenCalledTimes(1);
  });
});
