import { execFileSync } from 'child_process';
import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';

/** A stand-in for NVIDIA's library, compiled for a test, whose GPUs the test sets. */
export class FakeNvml {
  constructor() {
    this._folder = fs.mkdtempSync(path.join(os.tmpdir(), 'pyruns-nvml-'));
    execFileSync('gcc', [
      '-shared',
      '-fPIC',
      '-Wl,-soname,libnvidia-ml.so.1',
      '-o',
      path.join(this._folder, 'libnvidia-ml.so.1'),
      path.join(__dirname, '../../tests/fakenvml/fakenvml.c')
    ]);
  }

  /** What a server needs to meet it. */
  get environment(): NodeJS.ProcessEnv {
    return {
      LD_LIBRARY_PATH: this._folder,
      FAKE_NVML_STATE: path.join(this._folder, 'gpus')
    };
  }

  /** Devices as tests/fakenvml/fakenvml.c reads them, at each call anew. */
  set(...devices: string[]): void {
    const file = path.join(this._folder, 'gpus');
    fs.writeFileSync(`${file}.new`, `${devices.join('\n')}\n`);
    fs.renameSync(`${file}.new`, file);
  }

  remove(): void {
    fs.rmSync(this._folder, { recursive: true, force: true });
  }

  private readonly _folder: string;
}
