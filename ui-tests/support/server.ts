import * as fs from 'fs';
import type { ChildProcess } from 'child_process';
import { spawn } from 'child_process';
import * as path from 'path';

const TOKEN = 'ui-tests';

/** A JupyterLab of a test's own, which it may kill and start again. */
export class LabServer {
  constructor(
    readonly port: number,
    readonly root: string,
    readonly environment: NodeJS.ProcessEnv = {},
    /** What answers as soon as the server can be used. */
    private readonly _probe = 'pyruns/api/status'
  ) {}

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
          ...this.environment,
          PYRUNS_UI_PORT: String(this.port),
          PYRUNS_UI_ROOT: this.root
        },
        stdio: 'ignore'
      }
    );
    const headers = { Authorization: `token ${TOKEN}` };
    for (let attempt = 0; attempt < 240; attempt++) {
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

  /**
   * Kill the server and remove its folder. The scheduler, which outlives the
   * server for a while, may add a file in between.
   */
  async remove(): Promise<void> {
    await this.kill();
    for (let tries = 1; ; tries++) {
      try {
        fs.rmSync(this.root, { recursive: true, force: true });
        return;
      } catch (error) {
        if (tries === 20) {
          throw error;
        }
        await new Promise(resolve => setTimeout(resolve, 500));
      }
    }
  }

  private _process: ChildProcess | null = null;
}
