import { plainTrans } from '../context';
import {
  bytes,
  duration,
  elapsed,
  exactValue,
  formatNumber,
  fullTime,
  percent,
  plainValue,
  relativeTime,
  roomText,
  shortKeys,
  shortValue,
  withoutFolders
} from '../format';

describe('shortKeys', () => {
  it('leaves of dotted keys what tells them apart', () => {
    expect(
      shortKeys([
        'optimizer.lr',
        'model.encoder.dim',
        'model.decoder.dim',
        'layers.0',
        'seed',
        'data.seed'
      ])
    ).toEqual([
      'lr',
      'encoder.dim',
      'decoder.dim',
      'layers.0',
      'seed',
      'data.seed'
    ]);
  });
});

describe('roomText', () => {
  it('has one unit for both', () => {
    const GIB = 1024 ** 3;
    expect(roomText(60 * GIB, 80 * GIB)).toBe('60 / 80 GiB');
    expect(roomText(GIB / 2, 80 * GIB)).toBe('0.5 / 80 GiB');
    expect(roomText(null, GIB)).toBe('–');
  });
});

describe('duration', () => {
  it.each([
    [null, ''],
    [0, '0 s'],
    [0.42, '0.4 s'],
    [12.7, '12 s'],
    [61, '1:01'],
    [7509, '2:05:09'],
    [273600, '3 d 04 h']
  ])('%s seconds is %s', (seconds, text) => {
    expect(duration(plainTrans, seconds)).toBe(text);
  });
});

describe('shortValue', () => {
  it.each([
    [0.00015, '0.00015'],
    [1.123324033e-5, '1.123e-5'],
    [0.1149756995, '0.1150'],
    [128, '128'],
    ['a text that is long', 'a text that is long']
  ])('%s is %s', (value, text) => {
    expect(shortValue(value)).toBe(text);
  });
});

describe('withoutFolders', () => {
  it.each([
    ['/a/b c/x.json is empty.', 'x.json is empty.'],
    ['/a/b/x.json is empty.', 'x.json is empty.'],
    ['See "/a/b/x.json" or 1/2 of it.', 'See "x.json" or 1/2 of it.'],
    ['Exit code 1', 'Exit code 1']
  ])('%s', (sentence, told) => {
    expect(withoutFolders(sentence)).toBe(told);
  });
});

describe('elapsed', () => {
  const row = { status: 'running', started_at: 100, duration: null };
  it('ticks while a task runs and stays when it is over', () => {
    expect(elapsed(row, 112900)).toBe(12);
    expect(elapsed({ ...row, status: 'failed', duration: 7.5 }, 0)).toBe(7.5);
    // The clock of the server may be ahead.
    expect(elapsed(row, 99000)).toBe(0);
  });
});

describe('relativeTime', () => {
  const now = new Date(2026, 2, 10, 15, 0, 0).getTime();
  const at = (...parts: [number, number, number, number, number]) =>
    new Date(...parts).getTime() / 1000;
  it('names the distance, the day or the date', () => {
    const tell = (time: number | null) => relativeTime(plainTrans, time, now);
    expect(tell(null)).toBe('');
    expect(tell(now / 1000 + 5)).toBe('just now');
    expect(tell(now / 1000 - 300)).toBe('5 min ago');
    expect(tell(at(2026, 2, 10, 9, 5))).toBe('today 09:05');
    expect(tell(at(2026, 2, 9, 23, 59))).toBe('yesterday 23:59');
    expect(tell(at(2026, 1, 3, 8, 0))).toMatch(/3.* 08:00$/);
    expect(tell(at(2025, 1, 3, 8, 0))).toMatch(/2025$/);
  });
  it('is empty where a damaged file has a time that no calendar has', () => {
    expect(relativeTime(plainTrans, -1e14, now)).toBe('');
    expect([fullTime(1e14), fullTime(-1e14), fullTime(NaN)]).toEqual([
      '',
      '',
      ''
    ]);
  });
  it('makes no format of its own for each row', () => {
    const making = [
      jest.spyOn(Date.prototype, 'toLocaleString'),
      jest.spyOn(Date.prototype, 'toLocaleDateString'),
      jest.spyOn(Intl, 'DateTimeFormat')
    ];
    relativeTime(plainTrans, at(2025, 1, 3, 8, 0), now);
    expect(fullTime(at(2025, 1, 3, 8, 0))).toContain('2025');
    for (const each of making) {
      expect(each).not.toHaveBeenCalled();
      each.mockRestore();
    }
  });
});

describe('figure', () => {
  it.each([
    [0, '0'],
    [97, '97'],
    [0.91234567, '0.9123'],
    [12.3456, '12.35'],
    [12345.678, '12346'],
    [0.00001, '1e-5'],
    [1.23456e-7, '1.235e-7'],
    [2.5e12, '2.5e12'],
    [NaN, 'NaN'],
    [-Infinity, '−∞']
  ])('%s is %s', (value, text) => {
    expect(formatNumber(value)).toBe(text);
  });
});

describe('values', () => {
  it('are one line of text', () => {
    expect(plainValue([1, 2])).toBe('[1,2]');
    expect(plainValue(true)).toBe('true');
    expect(plainValue(null)).toBe('');
    expect(plainValue(0.123456)).toBe('0.1235');
    expect(exactValue(0.123456)).toBe('0.123456');
  });
  it('of sizes and shares have units', () => {
    expect(bytes(512)).toBe('512 B');
    expect(bytes(1536)).toBe('1.5 KiB');
    expect(bytes(13 * 2 ** 30)).toBe('13 GiB');
    expect(percent(6.6)).toBe('7%');
  });
});
