import { expect, test } from '../support/test';

test('Lab loads the extension, whose commands can be understood and found', async ({
  page,
  baseURL
}) => {
  await page.goto(`${baseURL}/lab?reset`);
  const extensions = await page.evaluate(() => {
    const config = document.getElementById('jupyter-config-data');
    return JSON.parse(config?.textContent ?? '{}')['federated_extensions'];
  });
  expect(extensions).toContainEqual(
    expect.objectContaining({ name: 'pyruns-jupyter' })
  );
  const commands = await page.evaluate(async () => {
    const { commands: registry } = window.jupyterapp;
    const own = registry.listCommands().filter(id => id.startsWith('pyruns:'));
    return Promise.all(
      own.map(async id => ({
        id,
        label: registry.label(id),
        caption: registry.caption(id),
        hasIcon: Boolean(registry.icon(id)),
        args: (await registry.describedBy(id)).args
      }))
    );
  });
  expect(commands.length).toBeGreaterThan(9);
  for (const { id, label, caption, hasIcon, args } of commands) {
    expect([id, label, caption, hasIcon], id).toEqual([
      id,
      expect.stringMatching(/\w/),
      expect.stringMatching(/\w/),
      true
    ]);
    expect(args, id).toHaveProperty('properties');
  }
});

test('the server extension answers', async ({
  baseURL,
  playwright,
  request
}) => {
  const answer = await request.get('/pyruns/api/status');
  expect(answer.status()).toBe(200);
  expect(await answer.json()).toHaveProperty('version');

  // A context of its own: the page's has the cookie of a login.
  const stranger = await playwright.request.newContext({
    baseURL,
    extraHTTPHeaders: { Authorization: 'token wrong' }
  });
  expect((await stranger.get('/pyruns/api/status')).status()).toBe(403);
  await stranger.dispose();
});
