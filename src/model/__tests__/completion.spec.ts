import { complete } from '../completion';

const VOCABULARY = {
  keys: ['lr', 'optimizer.lr', 'optimizer.name', 'acc', 'learning rate'],
  metrics: ['acc', 'val loss'],
  aggregates: ['best(acc)', 'min(acc)', 'min(val loss)'],
  values: new Map([['optimizer.name', ['adam', 'sgd', 'a b']]])
};

/** Offer at the bar in a text, and put the first item in. */
function at(marked: string): { items: readonly string[]; text: string } | null {
  const caret = marked.indexOf('|');
  const text = marked.replace('|', '');
  const found = complete(text, caret, VOCABULARY);
  return (
    found && {
      items: found.items,
      text: text.slice(0, found.from) + found.items[0] + text.slice(found.to)
    }
  );
}

describe('complete', () => {
  it('offers keys by their beginning, then by a part of them', () => {
    expect(at('l|')?.items).toEqual([
      'lr',
      'learning rate',
      'log:',
      'optimizer.lr'
    ]);
    expect(at('acc>0.9 opt|')?.text).toBe('acc>0.9 optimizer.lr');
    expect(at('(a OR -sta|')?.text).toBe('(a OR -status:');
  });

  it('offers values behind an operator, quoted where they need it', () => {
    expect(at('status:f|')?.text).toBe('status:failed');
    expect(at('status:failed,can|')?.text).toBe('status:failed,cancelled');
    expect(at('optimizer.name=|')?.items).toEqual(['adam', 'sgd', '"a b"']);
    expect(at('has:opt|')?.items).toEqual(['optimizer.lr', 'optimizer.name']);
    expect(at('has:al|')?.text).toBe('has:alert');
    expect(at('ale|')?.text).toBe('alert:');
    expect(at('lr<|')).toBeNull();
  });

  it('offers aggregates of metrics, and metrics in them', () => {
    expect(at('mi|')?.items).toEqual(['min(acc)', 'min(val loss)']);
    expect(at('lr>1 -min(|')?.items).toEqual(['acc)', 'val loss)']);
    expect(at('mean(ac|)>1')?.text).toBe('mean(acc)>1');
    expect(at('at(ac|')?.text).toBe('at(acc, ');
    expect(at('has:bes|')?.text).toBe('has:best(acc)');
    expect(at('(ac|')?.text).toBe('(acc');
  });

  it('replaces the rest of the word, and leaves the others alone', () => {
    expect(at('x stat|us:failed y')?.text).toBe('x status: y');
  });

  it('is silent where nothing is known', () => {
    expect(at('|')).toBeNull();
    expect(at('"status:f|')).toBeNull();
    expect(at('name:/sta|')).toBeNull();
    expect(at('zzz|')).toBeNull();
    expect(at('lr|')?.items).not.toContain('lr');
  });
});
