import { LineMap } from '../linemap';
import { encode, FakeTerminal } from './faketerminal';

/** Lines of many lengths, some of which are wrapped. */
function linesOf(count: number): string[] {
  return Array.from(
    { length: count },
    (_, index) => `${index}${'.'.repeat((index * 7) % 31)}`
  );
}

/** Writes lines as a log that begins at byte 500, in pieces of a length. */
function written(lines: string[], size: number, most?: number) {
  const terminal = new FakeTerminal(most);
  const map = new LineMap(terminal);
  const data = encode(lines.map(line => `${line}\n`).join(''));
  for (let at = 0; at < data.length; at += size) {
    const piece = data.subarray(at, at + size);
    map.add(500 + at, piece);
    terminal.write(piece, () => undefined);
    terminal.parseAll();
  }
  return { terminal, map, end: 500 + data.length };
}

describe('LineMap', () => {
  it.each([7, 64, 40000])(
    'finds the row of each line and the line of each row (%d bytes at a time)',
    size => {
      const lines = linesOf(3000);
      const { terminal, map, end } = written(lines, size);
      let offset = 500;
      lines.forEach((line, index) => {
        if (index % 9 === 0) {
          const row = map.rowOf(offset) as number;
          expect(terminal.rows[row].isWrapped).toBe(false);
          expect(line.startsWith(terminal.rows[row].text)).toBe(true);
          expect(map.offsetOf(row)).toBe(offset);
        }
        offset += line.length + 1;
      });
      expect([map.start, map.end]).toEqual([500, end]);
      expect(map.rowOf(499)).toBeNull();
      expect(map.rowOf(end)).toBeNull();
    }
  );

  it.each([7, 64, 40000])(
    'knows what has scrolled out at the top (%d bytes at a time)',
    size => {
      const lines = linesOf(5000);
      const { terminal, map } = written(lines, size, 500);
      const start = map.start as number;
      expect(start).toBeGreaterThan(500);
      let offset = 500;
      let seen = 0;
      for (const line of lines) {
        const row = map.rowOf(offset);
        if (row !== null && offset >= start) {
          expect(line.startsWith(terminal.rows[row].text)).toBe(true);
          seen++;
        }
        offset += line.length + 1;
      }
      expect(seen).toBeGreaterThan(150);
      // What was forgotten takes no memory.
      const kept = map
        .chunks()
        .reduce((sum, { bytes }) => sum + bytes.length, 0);
      expect(kept).toBeLessThan(33 * 1024 + 500 * 10);
    }
  );

  it('gives back bytes as text', () => {
    const { map } = written(['alpha', 'beta', 'gamma'], 4);
    expect(map.text(506, 4)).toBe('beta');
    expect(map.text(498, 4)).toBe('al');
    expect(map.text(600, 4)).toBe('');
  });
});

/** Writes a log into a real terminal, in chunks as they come from a server. */
async function shown(log: string, size = 4000) {
  // jsdom has no canvas; the terminal looks for one when it is loaded.
  jest.spyOn(HTMLCanvasElement.prototype, 'getContext').mockReturnValue(null);
  const { Terminal } = await import('@xterm/xterm');
  const terminal = new Terminal({
    cols: 60,
    rows: 12,
    scrollback: 200,
    convertEol: true,
    allowProposedApi: true
  });
  const { active } = terminal.buffer;
  const map = new LineMap({
    mark: () => terminal.registerMarker(0),
    isWrapped: row => active.getLine(row)?.isWrapped ?? false,
    get length() {
      return active.length;
    }
  });
  const write = (bytes: Uint8Array) =>
    new Promise<void>(resolve => terminal.write(bytes, resolve));
  const data = encode(log);
  for (let at = 0; at < data.length; at += size) {
    map.add(at, data.subarray(at, at + size));
    await write(data.subarray(at, at + size));
  }
  const text = () =>
    Array.from({ length: active.length }, (_, row) =>
      active.getLine(row)?.translateToString(true)
    ).join('\n');
  return { terminal, map, write, text, end: data.length };
}

const HEAD_LINES = linesOf(40);
const HEAD = `${HEAD_LINES.join('\n')}\n`;
const TAIL = '\nfinished\n';

/** One bar, as tqdm draws it. */
const BAR = Array.from(
  { length: 14_000 },
  (_, step) =>
    `\r${step}|${'#'.repeat(step % 40)}${' '.repeat(40 - (step % 40))}|`
).join('');

/** Several bars, as rich draws them: up, and all of them anew. */
const BARS = Array.from(
  { length: 5_000 },
  (_, step) =>
    [1, 2, 3, 4].map(bar => `\u001b[2Kbar ${bar}: step ${step}\n`).join('') +
    '\u001b[4A\r'
).join('');

describe('LineMap, of rows that are written over and over', () => {
  it.each([
    ['one bar', BAR],
    ['several bars', BARS]
  ])('keeps what is needed to show %s', async (_, bars) => {
    const log = HEAD + bars + TAIL;
    const { terminal, map, text, end } = await shown(log);
    const kept = map.chunks().reduce((sum, { bytes }) => sum + bytes.length, 0);
    expect(end).toBeGreaterThan(400_000);
    expect(kept).toBeLessThan(300_000);
    expect(terminal.markers.length).toBeLessThan(12);
    // What stands above is found, and so is what is written now.
    const line = HEAD_LINES[17];
    const offset = log.indexOf(`${line}\n`);
    const row = map.rowOf(offset) as number;
    expect(text().split('\n')[row]).toBe(line);
    expect(map.offsetOf(row)).toBe(offset);
    expect([map.start, map.end]).toEqual([0, end]);
    expect(map.text(end - 9, 9)).toBe('finished\n');
    expect(map.rowOf(HEAD.length + 200_000)).not.toBeNull();
    // Written anew, it looks the same.
    const again = await shown('');
    for (const { bytes } of map.chunks()) {
      await again.write(bytes);
    }
    expect(again.text()).toBe(text());
    terminal.dispose();
    again.terminal.dispose();
  });

  it('never keeps more than some bytes', () => {
    // A hundred rows that take a megabyte each.
    const terminal = new FakeTerminal(1000);
    const map = new LineMap(terminal);
    const piece = new Uint8Array(32 * 1024).fill(13);
    for (let at = 0; at < 100 * 32; at++) {
      map.add(at * piece.length, piece);
      terminal.rows.push({ text: '', isWrapped: false });
    }
    const kept = map.chunks().reduce((sum, { bytes }) => sum + bytes.length, 0);
    expect(kept).toBeLessThanOrEqual(17 * 1024 * 1024);
    expect(map.end).toBe(100 * 32 * piece.length);
  });
});
