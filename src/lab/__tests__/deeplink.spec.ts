import { LINK_PATTERN, linkTo, readLink, withoutLink } from '../deeplink';

const BASE = 'http://h:8888/user/me/';

describe('links to tasks', () => {
  it.each([
    ['proj/_pyruns_/train', 'status:failed lr<0.01'],
    ['a b/ü&x=1#y?/_pyruns_/tr%20ain', 'log:"out of memory" & #1 + 100%'],
    ['w', ''],
    ['w', '<img src=x onerror=alert(1)>\nline two'],
    ['w', '&token=1&pyruns=other']
  ])('come back as they were: %s %s', (workspace, query) => {
    const link = linkTo(BASE, '/lab', { workspace, query });
    const url = new URL(link);
    expect(url.pathname).toBe('/user/me/lab');
    expect(url.hash).toBe('');
    expect(LINK_PATTERN.test(url.pathname + url.search)).toBe(true);
    expect(readLink(url.search)).toEqual({ workspace, query });
    expect([...url.searchParams.keys()]).toEqual(
      query ? ['pyruns', 'query'] : ['pyruns']
    );
  });

  it('are read beside other parameters, which stay', () => {
    expect(readLink('?reset&pyruns=/a/_pyruns_/b/&query=x')).toEqual({
      workspace: 'a/_pyruns_/b',
      query: 'x'
    });
    expect(withoutLink('?a=1&pyruns=w&query=x')).toBe('?a=1');
    expect(withoutLink('?pyruns=w')).toBe('');
    expect(readLink('?query=x')).toBeNull();
    expect(readLink('?pyruns=')).toBeNull();
    expect(readLink('')).toBeNull();
    expect(LINK_PATTERN.test('/lab?notpyruns=1')).toBe(false);
  });

  it('are not longer than an address', () => {
    expect(readLink(`?pyruns=w&query=${'x'.repeat(1e5)}`)?.query).toHaveLength(
      8000
    );
  });
});
