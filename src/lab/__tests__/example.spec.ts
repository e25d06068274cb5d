import type { JupyterFrontEnd } from '@jupyterlab/application';
import { ServerConnection } from '@jupyterlab/services';

import { openExample } from '../example';
import { CommandIDs } from '../tokens';

/** A lab whose server answers the request for the script with a status. */
function lab(status: 200 | 404 | 500) {
  const contents = {
    get: jest.fn(async () => {
      if (status !== 200) {
        throw new ServerConnection.ResponseError({ status } as Response, 'no');
      }
      return {};
    }),
    save: jest.fn(async (path: string, file: { content: string }) => file)
  };
  const commands = { execute: jest.fn(async () => undefined) };
  const app = { commands, serviceManager: { contents } };
  return { app: app as unknown as JupyterFrontEnd, commands, contents };
}

describe('openExample', () => {
  it('creates the script and opens it', async () => {
    const { app, commands, contents } = lab(404);
    await openExample(app);
    const [path, file] = contents.save.mock.calls[0];
    expect(file.content).toContain('pyruns.track(epoch=epoch');
    expect(commands.execute).toHaveBeenCalledWith(
      CommandIDs.openWorkspace,
      expect.objectContaining({ path })
    );
  });

  it('keeps a script that is there', async () => {
    const { app, commands, contents } = lab(200);
    await openExample(app);
    expect(contents.save).not.toHaveBeenCalled();
    expect(commands.execute).toHaveBeenCalledTimes(1);
  });

  it('writes nothing when it cannot tell whether there is one', async () => {
    const { app, commands, contents } = lab(500);
    await expect(openExample(app)).rejects.toThrow('no');
    expect(contents.save).not.toHaveBeenCalled();
    expect(commands.execute).not.toHaveBeenCalled();
  });
});
