import { PageConfig, URLExt } from '@jupyterlab/coreutils';

import { LINK_PATTERN } from '../deeplink';
import { demoPlugin } from '../demo';
import { linkTo, readLink, withoutLink } from '../links';
import { CommandIDs } from '../tokens';
import { answer, dialog, makeLab, settle } from './lab';

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
    // Lab writes the address again, without `reset`.
    const again = URLExt.objectToQueryString(
      URLExt.queryStringToObject(url.search)
    );
    expect(readLink(again)).toEqual({ workspace, query });
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

/** Fail like the files of a version that was replaced meanwhile. */
const gone = () => {
  throw new Error('Loading chunk 1 failed.');
};

describe('a link that cannot be opened', () => {
  afterEach(async () => {
    jest.dontMock('../links');
    await answer('OK');
  });

  it.each([
    ['there is no such workspace', 'There is none.', false],
    ['its code is missing', 'Loading chunk 1 failed.', true]
  ])('says so: %s', async (_, message, isGone) => {
    if (isGone) {
      jest.doMock('../links', gone);
    }
    const { commands } = makeLab();
    await commands.execute(CommandIDs.openLink, { search: '?pyruns=none' });
    await settle();
    expect(dialog()?.textContent).toContain('Couldn’t open this link');
    expect(dialog()?.textContent).toContain(message);
  });
});

describe('a demo whose code is missing', () => {
  it('says so', async () => {
    jest.doMock('../demopage', gone);
    PageConfig.setOption('pyrunsDemoUrl', 'worker.js');
    const { app, core } = makeLab();
    void demoPlugin.activate(app, core);
    await settle();
    expect(dialog()?.textContent).toContain('Loading chunk 1 failed.');
    PageConfig.setOption('pyrunsDemoUrl', '');
    jest.dontMock('../demopage');
    await answer('OK');
  });
});
