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
      for (const line of lines) {
        const row = map.rowOf(offset) as number;
        expect(terminal.rows[row].isWrapped).toBe(false);
        expect(line.startsWith(terminal.rows[row].text)).toBe(true);
        expect(map.offsetOf(row)).toBe(offset);
        offset += line.length + 1;
      }
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
