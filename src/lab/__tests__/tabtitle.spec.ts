import { titlePrefix } from '../tabtitle';

describe('titlePrefix', () => {
  it('tells what runs and waits, and nothing when all is done', () => {
    expect(titlePrefix(2, 0)).toBe('(2▶) ');
    expect(titlePrefix(2, 5)).toBe('(2▶ 5…) ');
    expect(titlePrefix(0, 5)).toBe('(5…) ');
    expect(titlePrefix(0, 0)).toBe('');
  });
});
