import { expect, test } from '@jupyterlab/galata';

test('Lab loads the extension', async ({ page }) => {
  const extensions = await page.evaluate(() => {
    const config = document.getElementById('jupyter-config-data');
    return JSON.parse(config?.textContent ?? '{}')['federated_extensions'];
  });
  expect(extensions).toContainEqual(
    expect.objectContaining({ name: 'pyruns-jupyter' })
  );
});

test('the server extension answers', async ({ page, request }) => {
  const answer = await request.get('/pyruns/api/status');
  expect(answer.status()).toBe(200);
  expect(await answer.json()).toHaveProperty('version');

  const stranger = await request.get('/pyruns/api/status', {
    headers: { Authorization: 'token wrong' }
  });
  expect(stranger.status()).toBe(403);
});
