import { compareConfigs } from '../configdiff';

describe('compareConfigs', () => {
  it('compares keys, whatever their order, comments and ways of writing', () => {
    const text = '# one\nlr: 1e-2\nopt:\n  name: adam\nonly: 1\n';
    const other = 'opt: # other\n  name: sgd\nlr: 0.01\nmore: 2\n';
    expect(
      compareConfigs(text, other)
        .filter(key => !key.isSame)
        .map(({ path, value, other: its }) => [path, value, its])
    ).toEqual([
      ['opt.name', 'adam', 'sgd'],
      ['only', '1', null],
      ['more', null, '2']
    ]);
  });

  it('finds nothing between equal texts', () => {
    const text = 'a: 1\nb: [1, 2]\nc: "x"\n';
    expect(compareConfigs(text, text).every(key => key.isSame)).toBe(true);
  });
});
