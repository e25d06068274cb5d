import type { JupyterFrontEndPlugin } from '@jupyterlab/application';

import { corePlugin, pyrunsPlugin } from './lab/core';
import { demoPlugin } from './lab/demo';
import { filesPlugin } from './lab/files';
import { linkPlugin } from './lab/deeplink';
import { notificationsPlugin } from './lab/notifications';
import { pagesPlugin } from './lab/pages';
import { runningPlugin } from './lab/running';
import { sidebarPlugin } from './lab/sidebar';
import { statusPlugin } from './lab/statusitem';
import { tabTitlePlugin } from './lab/tabtitle';
import { widgetFallbackPlugin } from './lab/widgetfallback';

export { CommandIDs, IPyruns } from './lab/tokens';

const plugins: JupyterFrontEndPlugin<unknown>[] = [
  corePlugin,
  pyrunsPlugin,
  sidebarPlugin,
  pagesPlugin,
  filesPlugin,
  linkPlugin,
  statusPlugin,
  runningPlugin,
  tabTitlePlugin,
  notificationsPlugin,
  widgetFallbackPlugin,
  demoPlugin
];

export default plugins;
