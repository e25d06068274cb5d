import * as fs from 'fs';

/** The processes that work in a folder or name it, which may be any text, in their command lines. */
export function processesOf(folder: string): number[] {
  return fs
    .readdirSync('/proc')
    .filter(name => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter(name => {
      try {
        return (
          fs.readFileSync(`/proc/${name}/cmdline`, 'utf-8').includes(folder) ||
          fs.readlinkSync(`/proc/${name}/cwd`).startsWith(folder)
        );
      } catch {
        return false; // It ended meanwhile.
      }
    })
    .map(Number);
}

/** Leave no process behind that works below a folder: schedulers and runs outlive their server. */
export async function stopEverything(folder: string): Promise<void> {
  for (;;) {
    const found = processesOf(folder);
    if (found.length === 0) {
      return;
    }
    for (const pid of found) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It ended meanwhile.
      }
    }
    await new Promise(resolve => setTimeout(resolve, 50));
  }
}
