import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ISettingRegistry } from '@jupyterlab/settingregistry';

import type { ActivityModel } from '../model/activity';
import { DEFAULTS, followSettings } from './settings';
import { ICore } from './tokens';

/** What stands before Lab's own title: `(2▶ 5…) `, two run and five wait. */
const PREFIX = /^\((?:\d+▶)? ?(?:\d+…)?\) /;

/** The beginning of a title; empty when nothing runs or waits. */
export function titlePrefix(running: number, queued: number): string {
  const parts = [
    running > 0 ? `${running}▶` : '',
    queued > 0 ? `${queued}…` : ''
  ].filter(Boolean);
  return parts.length > 0 ? `(${parts.join(' ')}) ` : '';
}

export const tabTitlePlugin: JupyterFrontEndPlugin<void> = {
  id: 'pyruns-jupyter:tab-title',
  description: "Tells in the title of the browser's tab what runs.",
  autoStart: true,
  requires: [ICore],
  optional: [ISettingRegistry],
  activate: (
    app: JupyterFrontEnd,
    pyruns: ICore,
    registry: ISettingRegistry | null
  ): void => {
    let isWanted = DEFAULTS.titleRuns;
    let activity: ActivityModel | null = null;
    let stop: () => void = () => undefined;

    const show = () => {
      const counts = activity?.getSnapshot().counts;
      const prefix =
        isWanted && counts ? titlePrefix(counts.running, counts.queued) : '';
      const title = prefix + document.title.replace(PREFIX, '');
      if (title !== document.title) {
        document.title = title;
      }
    };
    const follow = () => {
      const { activity: now } = pyruns.session.getSnapshot();
      if (now !== activity) {
        stop();
        activity = now;
        stop = now?.subscribe(show) ?? (() => undefined);
        show();
      }
    };
    pyruns.session.subscribe(follow);
    followSettings(registry, settings => {
      isWanted = settings.titleRuns;
      show();
    });
    // Lab writes its own title whenever another page comes to the front.
    const element = document.querySelector('title');
    if (element) {
      new MutationObserver(show).observe(element, { childList: true });
    }
  }
};
