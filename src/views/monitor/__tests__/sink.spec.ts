import type { IWritable } from '../sink';
import { TerminalSink } from '../sink';

/** Parses what it was given when it is told to, like a terminal. */
class SlowTerminal implements IWritable {
  text = '';
  given: { data: Uint8Array; callback: () => void }[] = [];

  write(data: Uint8Array, callback: () => void): void {
    this.given.push({ data, callback });
  }

  reset(): void {
    this.text = '';
  }

  parse(): boolean {
    const next = this.given.shift();
    if (!next) {
      return false;
    }
    this.text += new TextDecoder().decode(next.data);
    next.callback();
    return true;
  }
}

const encode = (text: string) => new TextEncoder().encode(text);

describe('TerminalSink', () => {
  it('gives one piece at a time and tells when all is shown', () => {
    const terminal = new SlowTerminal();
    const sink = new TerminalSink(terminal);
    const done = jest.fn();
    sink.write(encode('x'.repeat(150000)), done);
    sink.write(encode('end'), done);
    expect(terminal.given).toHaveLength(1);
    while (terminal.parse()) {
      expect(terminal.given.length).toBeLessThanOrEqual(1);
    }
    expect(terminal.text).toHaveLength(150003);
    expect(done).toHaveBeenCalledTimes(2);
  });

  it('lets nothing from before a clear come after it', () => {
    const terminal = new SlowTerminal();
    const sink = new TerminalSink(terminal);
    const old = jest.fn();
    sink.write(encode('old'), old);
    sink.write(encode('older'), old);
    sink.clear();
    const done = jest.fn();
    sink.write(encode('new'), done);
    while (terminal.parse()) {
      // The terminal parses "old" only now.
    }
    expect(terminal.text).toBe('new');
    expect(old).not.toHaveBeenCalled();
    expect(done).toHaveBeenCalledTimes(1);
  });

  it('holds back while it is paused', () => {
    const terminal = new SlowTerminal();
    const sink = new TerminalSink(terminal);
    const done = jest.fn();
    sink.paused = true;
    sink.write(encode('later'), done);
    expect(terminal.parse()).toBe(false);
    sink.paused = false;
    terminal.parse();
    expect(done).toHaveBeenCalledTimes(1);
  });

  it('ignores a terminal that answers after its end', () => {
    const terminal = new SlowTerminal();
    const sink = new TerminalSink(terminal);
    const done = jest.fn();
    sink.write(encode('late'), done);
    sink.dispose();
    terminal.parse();
    expect(done).not.toHaveBeenCalled();
  });
});
