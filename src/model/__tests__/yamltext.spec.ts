import { isMap, isScalar, parseDocument, Scalar, YAMLMap } from 'yaml';

import { entriesOf } from '../yamlscan';
import { alternativesOf, safeValue, valueText, withValue } from '../yamltext';

const DRAFT = `# what the script takes
lr: 0.01 | 0.1 | 1  # learning rate
"batch size": 32
layers: [64, 32] | [128, 64]   # per layer
opt: "a#b" # quoted
train:
  epochs: 1:10:2

  # how it stops
  stop: {patience: 3, delta: 0.1}
seeds:
  - 1
  - 2
note: |
  two # lines
  of text

url: http://x.org/#here
empty:
last: (1 | 2)
`;

function raw(text: string): Record<string, string> {
  return Object.fromEntries(
    entriesOf(text)
      .filter(entry => !entry.section)
      .map(entry => [entry.path, entry.text])
  );
}

describe('entriesOf', () => {
  it('finds every value as it is written', () => {
    expect(raw(DRAFT)).toEqual({
      lr: '0.01 | 0.1 | 1',
      'batch size': '32',
      layers: '[64, 32] | [128, 64]',
      opt: '"a#b"',
      'train.epochs': '1:10:2',
      'train.stop': '{patience: 3, delta: 0.1}',
      seeds: '- 1\n  - 2',
      note: '|\n  two # lines\n  of text',
      url: 'http://x.org/#here',
      empty: '',
      last: '(1 | 2)'
    });
  });

  it('tells lines, depth and comments', () => {
    const entries = entriesOf(DRAFT);
    const by = (path: string) => entries.find(item => item.path === path)!;
    expect(by('lr')).toMatchObject({ line: 2, comment: 'learning rate' });
    expect(by('train')).toMatchObject({ section: true, depth: 0 });
    expect(by('train.stop')).toMatchObject({ line: 10, depth: 1 });
    expect(by('layers').comment).toBe('per layer');
  });

  it('agrees with a YAML parser on valid documents', () => {
    const text = [
      '%YAML 1.2',
      '---',
      'a: 1',
      "'b c': 'it''s' # c",
      'c: [1,',
      '  2] # two lines',
      'd:',
      '- x',
      '- y: 1',
      '  z: 2',
      'e: &anchor 5',
      'f: >-',
      '  folded',
      '',
      '  text',
      'g: {a: "#", b: [1]}',
      'h:',
      '    i:',
      '        j: plain # c',
      '        k: two words',
      '          and more',
      '    l: -1',
      '-m: 1',
      'n: "a: b"'
    ].join('\n');
    const document = parseDocument(text);
    expect(document.errors).toEqual([]);
    const found = raw(text);
    const walk = (map: YAMLMap, prefix: string) => {
      for (const pair of map.items) {
        const path = prefix + String((pair.key as Scalar).value);
        const value = pair.value as Scalar | YAMLMap;
        if (isMap(value) && !value.flow) {
          walk(value, `${path}.`);
          continue;
        }
        const [start, end] = value.range!;
        // The parser's range begins after an anchor and may hold the last line end.
        const expected = text.slice(start, end).trimEnd();
        expect(found[path].endsWith(expected)).toBe(true);
        if (isScalar(value) && !value.anchor) {
          expect(found[path]).toBe(expected);
        }
        delete found[path];
      }
    };
    walk(document.contents as YAMLMap, '');
    expect(found).toEqual({});
  });

  it('does not swallow the next key while a bracket or quote is open', () => {
    expect(raw('a: [1, 2\nb: 3\n')).toEqual({ a: '[1, 2', b: '3' });
    expect(raw('a: "x\nb: 3\n')).toEqual({ a: '"x', b: '3' });
    expect(raw('a: (1 | \nb: 3\n')).toEqual({ a: '(1 |', b: '3' });
  });

  it('reads nothing out of nonsense', () => {
    expect(entriesOf('')).toEqual([]);
    expect(entriesOf('just words\n- a\n\t\n')).toEqual([]);
  });
});

describe('withValue', () => {
  it('changes one value and nothing else', () => {
    const changed = withValue(DRAFT, 'layers', '[8]');
    expect(changed).toBe(DRAFT.replace('[64, 32] | [128, 64]', '[8]'));
    expect(withValue(changed, 'layers', '[64, 32] | [128, 64]')).toBe(DRAFT);
    expect(withValue(DRAFT, 'train.epochs', '3')).toBe(
      DRAFT.replace('1:10:2', '3')
    );
    expect(withValue(DRAFT, 'lr', '0.01 | 0.1 | 1 ')).toBe(DRAFT);
  });

  it('keeps line ends, comments and alignment', () => {
    const text = 'a:    1 # one\r\nb: x\r\n';
    expect(withValue(text, 'a', '2 | 3')).toBe('a:    2 | 3 # one\r\nb: x\r\n');
    expect(withValue(text, 'new', '1')).toBe(`${text}new: 1\r\n`);
  });

  it('empties and fills a value', () => {
    const empty = withValue('a: 1 # one\nb: 2\n', 'a', '');
    expect(empty).toBe('a: # one\nb: 2\n');
    expect(raw(empty)).toEqual({ a: '', b: '2' });
    expect(withValue(empty, 'a', '1')).toBe('a: 1 # one\nb: 2\n');
  });

  it('puts a block beside its key when it becomes one line', () => {
    const text = 'seeds: # which\n  - 1\n  - 2\nb: 1\n';
    expect(withValue(text, 'seeds', '1 | 2')).toBe(
      'seeds: 1 | 2  # which\nb: 1\n'
    );
    expect(withValue(text, 'seeds', '- 1\n  - 3')).toBe(
      'seeds: # which\n  - 1\n  - 3\nb: 1\n'
    );
  });

  it('adds a missing key where its section is', () => {
    const text = 'train:\n    epochs: 1\nb: 1';
    expect(withValue(text, 'train.lr', '0.1')).toBe(
      'train:\n    epochs: 1\n    lr: 0.1\nb: 1'
    );
    expect(withValue(text, 'eval.top', '5')).toBe(
      'train:\n    epochs: 1\nb: 1\neval:\n  top: 5\n'
    );
    expect(withValue('', 'a', '1')).toBe('a: 1\n');
  });

  it('never lets typed text become a comment', () => {
    const changed = withValue('a: 1 # one\n', 'a', 'color #fff');
    expect(raw(changed)).toEqual({ a: '"color #fff"' });
    expect(safeValue('#fff')).toBe('"#fff"');
    expect(safeValue(' "x # y" ')).toBe('"x # y"');
    expect(safeValue('[1, 2] | [3]')).toBe('[1, 2] | [3]');
  });
});

describe('values', () => {
  it('splits alternatives outside quotes and brackets', () => {
    expect(alternativesOf('adam | sgd')).toEqual(['adam', 'sgd']);
    expect(alternativesOf('"a|b" | [1 | 2]|c\\|d')).toEqual([
      '"a|b"',
      '[1 | 2]',
      'c\\|d'
    ]);
    expect(alternativesOf('')).toEqual([]);
  });

  it('writes JSON values as YAML that reads the same', () => {
    const values = [
      1,
      0.5,
      'adam',
      'two words',
      '1',
      'true',
      'a: b',
      '',
      [1, 'x'],
      true
    ];
    for (const value of values) {
      expect(parseDocument(valueText(value)).toJS()).toEqual(value);
    }
    expect(valueText(null)).toBe('');
  });
});
