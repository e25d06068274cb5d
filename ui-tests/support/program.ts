import type { ChildProcess } from 'child_process';
import { spawn } from 'child_process';
import * as path from 'path';

/**
 * A Python module of the tests that serves as long as its input is open, and
 * says in a line of JSON how to reach it.
 */
export class Program<T> {
  private constructor(
    private readonly _child: ChildProcess,
    readonly told: T
  ) {}

  /** Start a module in the project's folder and wait for what it says. */
  static async start<T>(module: string, folder: string): Promise<Program<T>> {
    const child = spawn('python', ['-m', module, folder], {
      cwd: path.join(__dirname, '..', '..'),
      stdio: ['pipe', 'pipe', 'inherit']
    });
    const told = await new Promise<T>((resolve, reject) => {
      child.stdout.once('data', line => resolve(JSON.parse(String(line))));
      child.once('exit', code => reject(new Error(`${module} ended: ${code}`)));
    });
    return new Program(child, told);
  }

  /** Let it end, wait until it has tidied up, and tell its exit code. */
  async stop(): Promise<number | null> {
    if (this._child.exitCode === null) {
      const gone = new Promise(resolve => this._child.once('exit', resolve));
      this._child.stdin?.end();
      await gone;
    }
    return this._child.exitCode;
  }
}
