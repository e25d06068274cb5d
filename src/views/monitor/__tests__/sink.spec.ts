import { TerminalSink } from '../sink';
import { encode, FakeTerminal } from './faketerminal';

const HIT = { length: 1, line: 0, text: '' };

// Time stands still unless it is told to go on.
beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

describe('TerminalSink', () => {
  it('gives one piece at a time and tells when all is shown', () => {
    const terminal = new FakeTerminal();
    const sink = new TerminalSink(terminal);
    const done = jest.fn();
    sink.write(encode('x'.repeat(150000)), 0, done);
    sink.write(encode('end'), 150000, done);
    expect(terminal.given).toHaveLength(1);
    while (terminal.parse()) {
      expect(terminal.given.length).toBeLessThanOrEqual(1);
    }
    expect(terminal.text).toHaveLength(150003);
    expect(done).toHaveBeenCalledTimes(2);
  });

  it('lets nothing from before a clear come after it', () => {
    const terminal = new FakeTerminal();
    const sink = new TerminalSink(terminal);
    const old = jest.fn();
    sink.write(encode('old'), 0, old);
    sink.write(encode('older'), 3, old);
    sink.clear();
    const done = jest.fn();
    sink.write(encode('new'), 0, done);
    // The terminal parses "old" only now.
    terminal.parseAll();
    expect(terminal.text).toBe('new');
    expect(old).not.toHaveBeenCalled();
    expect(done).toHaveBeenCalledTimes(1);
  });

  it('holds back while it is paused', () => {
    const terminal = new FakeTerminal();
    const sink = new TerminalSink(terminal);
    const done = jest.fn();
    sink.paused = true;
    sink.write(encode('later'), 0, done);
    expect(terminal.parse()).toBe(false);
    sink.paused = false;
    terminal.parse();
    expect(done).toHaveBeenCalledTimes(1);
  });

  it('parses in one frame and leaves the next one for drawing', () => {
    const terminal = new FakeTerminal();
    const sink = new TerminalSink(terminal);
    const done = jest.fn();
    sink.write(encode('x'.repeat(150000)), 0, done);
    terminal.parse();
    expect(terminal.given).toHaveLength(1);
    jest.advanceTimersByTime(10);
    terminal.parse();
    expect(terminal.given).toHaveLength(0);
    jest.advanceTimersByTime(6);
    expect(terminal.given).toHaveLength(0);
    jest.advanceTimersByTime(16);
    expect(terminal.given).toHaveLength(1);
    terminal.parseAll();
    expect(done).toHaveBeenCalledTimes(1);
  });

  it('replaces what it shows by bytes that do not continue it', () => {
    const terminal = new FakeTerminal();
    const sink = new TerminalSink(terminal);
    const done = jest.fn();
    sink.write(encode('slow\n'), 0, done);
    sink.write(encode('line\n'), 5, done);
    sink.write(encode('latest\n'), 5000, done);
    sink.write(encode('lines\n'), 5007, done);
    terminal.parse();
    // The second line is not waited for, and the reset comes with what follows.
    expect(terminal.given).toHaveLength(2);
    terminal.parseAll();
    expect(terminal.text).toBe('latest\nlines\n');
    expect([terminal.resets, sink.start, sink.lines.end]).toEqual([
      1, 5000, 5013
    ]);
    expect(done).toHaveBeenCalledTimes(2);
  });

  it('draws less often for a while after bytes were left out', () => {
    const terminal = new FakeTerminal();
    const sink = new TerminalSink(terminal);
    const framesUntilMore = (offset: number) => {
      sink.write(encode('x'.repeat(40000)), offset, () => undefined);
      jest.advanceTimersByTime(10); // the time for parsing is over
      terminal.parseAll();
      jest.advanceTimersByTime(6);
      let frames = 1;
      while (terminal.given.length === 0 && frames < 10) {
        jest.advanceTimersByTime(16);
        frames++;
      }
      terminal.parseAll();
      jest.advanceTimersByTime(96);
      return frames;
    };
    expect(framesUntilMore(0)).toBe(2);
    expect(framesUntilMore(500000)).toBe(2);
    expect(framesUntilMore(540000)).toBe(4);
    jest.advanceTimersByTime(3200);
    expect(framesUntilMore(580000)).toBe(2);
  });

  it('replaces nothing while it is paused', () => {
    const terminal = new FakeTerminal();
    const sink = new TerminalSink(terminal);
    sink.write(encode('read this\n'), 0, () => undefined);
    terminal.parseAll();
    sink.paused = true;
    expect(sink.isFollowing).toBe(false);
    sink.write(encode('latest\n'), 5000, () => undefined);
    terminal.parseAll();
    expect(terminal.text).toBe('read this\n');
    sink.paused = false;
    terminal.parseAll();
    expect(terminal.text).toBe('latest\n');
  });

  it.each([
    ['push out', 4, true],
    ['replace', 5000, false]
  ])(
    'leaves the end before bytes that would %s what is looked at',
    (_, offset, isFull) => {
      const terminal = new FakeTerminal();
      const left = jest.fn();
      let isFollowing = true;
      const sink = new TerminalSink(terminal, {
        isFollowing: () => isFollowing,
        isFull: () => isFull,
        onLeave: left
      });
      const done = jest.fn();
      sink.write(encode('one\n'), 0, done);
      terminal.parseAll();
      isFollowing = false;
      sink.paused = true;
      sink.write(encode('two\n'), offset, done);
      sink.write(encode('three\n'), offset + 4, done);
      sink.paused = false;
      terminal.parseAll();
      expect(terminal.text).toBe('one\n');
      expect(left.mock.calls).toEqual([[4]]);
      expect(done).toHaveBeenCalledTimes(1);
    }
  );

  it('ignores a terminal that answers after its end', () => {
    const terminal = new FakeTerminal();
    const sink = new TerminalSink(terminal);
    const done = jest.fn();
    sink.write(encode('late'), 0, done);
    sink.dispose();
    terminal.parse();
    expect(done).not.toHaveBeenCalled();
  });

  it('writes what came before in front, and loses nothing of what waits', () => {
    const terminal = new FakeTerminal();
    const rewritten = jest.fn();
    const sink = new TerminalSink(terminal, {
      top: () => 105,
      onRewritten: rewritten
    });
    const done = jest.fn();
    sink.write(encode('one\ntwo\n'), 100, done);
    // Not parsed yet, and one more waits.
    sink.write(encode('three\n'), 108, done);
    expect(sink.prepend(encode('zero\n'), 95)).toBe(108);
    terminal.parseAll();
    expect(terminal.text).toBe('zero\none\ntwo\nthree\n');
    expect(done).toHaveBeenCalledTimes(2);
    expect(rewritten).toHaveBeenCalledWith(105);
    expect(sink.start).toBe(95);
  });

  it('writes no line twice when the first rows are gone', () => {
    const terminal = new FakeTerminal(5);
    const sink = new TerminalSink(terminal, {}, 5);
    const log = 'l0\nl1\nl2\nl3\nl4\nl5\nl6\nl7\n';
    sink.write(encode(log), 0, () => undefined);
    terminal.parseAll();
    expect(sink.start).toBe(12);
    sink.prepend(encode('l2\nl3\n'), 6);
    terminal.parseAll();
    expect(sink.lines.text(0, 100)).toBe(log.slice(6));
  });

  it('puts nothing in front of bytes that do not follow', () => {
    const terminal = new FakeTerminal();
    const sink = new TerminalSink(terminal);
    const done = jest.fn();
    sink.write(encode('latest\n'), 5000, done);
    terminal.parseAll();
    // What was asked for before the first rows went out.
    expect(sink.prepend(encode('old\n'), 100)).toBe(104);
    terminal.parseAll();
    expect(terminal.text).toBe('old\n');
  });

  it('lets the end go where there is no room for all', () => {
    const terminal = new FakeTerminal(2000);
    const sink = new TerminalSink(terminal, {}, 2000);
    const done = jest.fn();
    for (let index = 0; index < 8; index++) {
      sink.write(encode('line\n'.repeat(200)), 10000 + index * 1000, done);
      terminal.parseAll();
    }
    // One is being parsed, one waits for that.
    sink.write(encode('not yet\n'), 18000, done);
    sink.write(encode('not yet either\n'), 18008, done);
    const before = encode('more\n'.repeat(1000));
    const end = sink.prepend(before, 5000);
    expect(end).toBeGreaterThan(10000);
    expect(end).toBeLessThan(18000);
    terminal.parseAll();
    expect(sink.start).toBe(5000);
    expect(sink.lines.end).toBe(end);
    expect(terminal.text).not.toContain('not yet');
    expect(done).toHaveBeenCalledTimes(8);
  });

  it('brings into sight what is shown or on its way, and nothing else', () => {
    const terminal = new FakeTerminal();
    const revealed = jest.fn();
    const sink = new TerminalSink(terminal, { onReveal: revealed });
    expect(sink.reveal({ ...HIT, offset: 3 })).toBe(false);
    sink.write(encode('abc\n'), 0, () => undefined);
    sink.write(encode('def\n'), 4, () => undefined);
    expect(sink.reveal({ ...HIT, offset: 5 })).toBe(true);
    expect(revealed).not.toHaveBeenCalled();
    terminal.parseAll();
    expect(revealed).toHaveBeenCalledTimes(1);
    expect(sink.reveal({ ...HIT, offset: 8 })).toBe(false);

    // What has been cleared for it, in a frame without time to parse more.
    jest.advanceTimersByTime(10);
    sink.clear();
    sink.write(encode('ghi\n'), 90, () => undefined);
    expect(sink.reveal({ ...HIT, offset: 91 })).toBe(true);
    jest.advanceTimersByTime(40);
    terminal.parseAll();
    expect(revealed).toHaveBeenCalledTimes(2);
  });
});
