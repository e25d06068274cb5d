import AxeBuilder from '@axe-core/playwright';
import type { IJupyterLabPageFixture } from '@jupyterlab/galata';
import type { Page } from '@playwright/test';
import { expect } from '@playwright/test';

import { useTheme } from './journey';

/** Fail softly with what axe finds in a part of the page, in both themes. */
export async function expectAccessible(
  page: IJupyterLabPageFixture,
  name: string,
  part = '.pyr-page:not(.lm-mod-hidden)'
): Promise<void> {
  expect.soft(await violations(page, part), name).toEqual([]);
  // In the dark only colours are others.
  await useTheme(page, 'dark');
  const dark = await violations(page, part, ['color-contrast']);
  expect.soft(dark, `${name}, dark`).toEqual([]);
  await useTheme(page, 'light');
}

/** What axe finds, by default by all rules, as a list that can be read. */
async function violations(
  page: Page,
  part: string,
  rules: string[] = []
): Promise<string[]> {
  await page.evaluate(coloursRest);
  const axe = new AxeBuilder({ page })
    // Else a page is opened for the results; frames of other origins are not there.
    .setLegacyMode()
    .include(part)
    // The terminal's own rows are a picture of text; its owner tells readers.
    .exclude('.xterm');
  const found = await (rules.length > 0 ? axe.withRules(rules) : axe).analyze();
  return found.violations.flatMap(({ id, help, nodes }) =>
    nodes.map(
      node =>
        `${id} (${help}): ${node.html.slice(0, 160)} ${node.failureSummary ?? ''}`
    )
  );
}

/** Wait in the page until what moves from one colour to another has arrived. */
async function coloursRest(): Promise<void> {
  // Transitions begin with the frame after the change.
  for (let frame = 0; frame < 2; frame++) {
    await new Promise(resolve => requestAnimationFrame(resolve));
  }
  await Promise.allSettled(
    document
      .getAnimations()
      .filter(animation => animation instanceof CSSTransition)
      .map(transition => transition.finished)
  );
}
