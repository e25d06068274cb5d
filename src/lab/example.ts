import type { JupyterFrontEnd } from '@jupyterlab/application';
import { ServerConnection } from '@jupyterlab/services';

import { ownArgs } from './caller';
import { CommandIDs } from './tokens';

const FILE = 'pyruns_example.py';

const SCRIPT = `"""An example for Pyruns: a model that learns faster or slower. Sweep its parameters under "New tasks"."""

import argparse
import math
import random
import time

import pyruns_jupyter as pyruns

parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.01, help="learning rate; try 0.1 | 0.01 | 0.001")
parser.add_argument("--optimizer", choices=["sgd", "adam"], default="adam")
parser.add_argument("--epochs", type=int, default=30)
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()

random.seed(args.seed)
best = 0.97 - abs(math.log10(args.lr) + 2) / 8 - (args.optimizer == "sgd") / 20
for epoch in range(1, args.epochs + 1):
    accuracy = best * (1 - math.exp(-epoch / 6)) + random.gauss(0, 0.005)
    loss = 2 * (1 - accuracy) + random.random() / 50
    pyruns.track(epoch=epoch, loss=loss, accuracy=accuracy)
    print(f"epoch {epoch}/{args.epochs}: loss {loss:.4f}, accuracy {accuracy:.4f}", flush=True)
    time.sleep(0.2)
`;

/**
 * Open the example script, created in the root folder if there is none.
 *
 * @throws Error if the server does not answer; nothing is written then
 */
export async function openExample(app: JupyterFrontEnd): Promise<void> {
  const { contents } = app.serviceManager;
  const isThere = await contents.get(FILE, { content: false }).then(
    () => true,
    error => {
      const { ResponseError } = ServerConnection;
      if (error instanceof ResponseError && error.response.status === 404) {
        return false;
      }
      throw error; // it may be there, and must not be overwritten
    }
  );
  if (!isThere) {
    await contents.save(FILE, {
      type: 'file',
      format: 'text',
      content: SCRIPT
    });
  }
  await app.commands.execute(CommandIDs.openWorkspace, ownArgs({ path: FILE }));
}
