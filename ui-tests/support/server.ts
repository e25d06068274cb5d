import * as fs from 'fs';
import type { ChildProcess } from 'child_process';
import { spawn } from 'child_process';
import * as path from 'path';

import { stopEverything } from './processes';

const TOKEN = 'ui-tests';
/** Until a server answers: Python imports for some seconds, on a busy machine for a minute or two. */
const START_TIMEOUT = 150 * 1000;

/** What a server of a test's own differs in. */
export interface IServerOptions {
  environment?: NodeJS.ProcessEnv;
  /** What answers as soon as the server can be used. */
  probe?: string;
  /** Its port, relative to that of the server that all tests share. */
  port?: number;
}

/** A JupyterLab of a test's own, which it may kill and start again. */
export class LabServer {
  constructor(
    readonly root: string,
    {
      environment = {},
      probe = 'pyruns/api/status',
      port = 1
    }: IServerOptions = {}
  ) {
    this._environment = environment;
    this._probe = probe;
    this.port = Number(process.env.PYRUNS_UI_PORT || 8895) + port;
  }

  readonly port: number;

  get url(): string {
    return `http://localhost:${this.port}`;
  }

  /** Start and wait until it answers. */
  async start(): Promise<void> {
    this._process = spawn(
      'jupyter',
      [
        'lab',
        '--allow-root',
        '--config',
        path.join(__dirname, '..', 'jupyter_server_test_config.py')
      ],
      {
        env: {
          ...process.env,
          ...this._environment,
          PYRUNS_UI_PORT: String(this.port),
          PYRUNS_UI_ROOT: this.root
        },
        stdio: 'ignore'
      }
    );
    const headers = { Authorization: `token ${TOKEN}` };
    const end = Date.now() + START_TIMEOUT;
    while (Date.now() < end) {
      try {
        const answer = await fetch(`${this.url}/${this._probe}`, {
          headers
        });
        if (answer.ok) {
          return;
        }
      } catch {
        // Not listening yet.
      }
      await new Promise(resolve => setTimeout(resolve, 250));
    }
    throw new Error(`No server answers at ${this.url}`);
  }

  /** Kill it without a chance to clean up, and wait until it is gone. */
  async kill(): Promise<void> {
    const child = this._process;
    this._process = null;
    if (child && child.exitCode === null) {
      const gone = new Promise(resolve => child.once('exit', resolve));
      child.kill('SIGKILL');
      await gone;
    }
  }

  /** Kill the server with all that runs in its folder, and remove the folder. */
  async remove(): Promise<void> {
    await this.kill();
    await stopEverything(this.root);
    fs.rmSync(this.root, { recursive: true, force: true });
  }

  private readonly _environment: NodeJS.ProcessEnv;
  private readonly _probe: string;
  private _process: ChildProcess | null = null;
}
