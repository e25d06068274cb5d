import type { JupyterFrontEndPlugin } from '@jupyterlab/application';

import { followActivity } from './activity';
import { ICore } from './tokens';

/** The prefix of Lab's own title: `(2▶ 5…) ` for two running and five queued tasks. */
const PREFIX = /^\((?:\d+▶)? ?(?:\d+…)?\) /;

/** Return the prefix of the title; empty without active tasks. */
export function titlePrefix(running: number, queued: number): string {
  const parts = [
    running > 0 ? `${running}▶` : '',
    queued > 0 ? `${queued}…` : ''
  ].filter(Boolean);
  return parts.length > 0 ? `(${parts.join(' ')}) ` : '';
}

export const tabTitlePlugin: JupyterFrontEndPlugin<void> = {
  id: 'pyruns-jupyter:tab-title',
  description: 'Shows the number of active tasks in the browser tab.',
  autoStart: true,
  requires: [ICore],
  activate: (app, pyruns: ICore): void => {
    const show = () => {
      const { activity } = pyruns.session.getSnapshot();
      const counts = activity?.getSnapshot().counts;
      const { titleRuns } = pyruns.settings.getSnapshot();
      const prefix =
        titleRuns && counts ? titlePrefix(counts.running, counts.queued) : '';
      const title = prefix + document.title.replace(PREFIX, '');
      if (title !== document.title) {
        document.title = title;
      }
    };
    followActivity(pyruns.session, show);
    pyruns.settings.subscribe(show);
    // Lab replaces the title when another tab is activated.
    const element = document.querySelector('title');
    if (element) {
      new MutationObserver(show).observe(element, { childList: true });
    }
  }
};
