import type { TranslationBundle } from '@jupyterlab/translation';

import type { IconName } from '../views/shared/icons';
import type { Argument } from './argumentschemas';
import type { Page } from './pagefactory';
import { CommandIDs } from './tokens';

interface IPageTexts {
  /** In a toolbar. */
  readonly icon: IconName;
  /** The command that opens it. */
  readonly command: string;
  readonly label: string;
  readonly caption: string;
  readonly args?: readonly Argument[];
  /** The title of its tab, with the name of the workspace. */
  readonly title: (name: string) => string;
  /** What its toolbar is called. */
  readonly toolbar?: string;
}

/** What each page is called, and the command that opens it. */
export const pageTexts = (
  trans: TranslationBundle
): Readonly<Record<Page, IPageTexts>> => ({
  dashboard: {
    icon: 'dashboard',
    command: CommandIDs.openDashboard,
    label: trans.__('Dashboard'),
    caption: trans.__(
      'Show machine and GPU utilization, running tasks and the queue'
    ),
    title: name => trans.__('%1: Dashboard', name)
  },
  generator: {
    icon: 'add',
    command: CommandIDs.openGenerator,
    label: trans.__('New tasks'),
    caption: trans.__('Create tasks from a configuration'),
    args: ['file'],
    title: name => trans.__('%1: New tasks', name)
  },
  manager: {
    icon: 'table',
    command: CommandIDs.openManager,
    label: trans.__('Tasks'),
    caption: trans.__('Show all tasks'),
    args: ['query', 'source'],
    title: name => trans.__('%1: Tasks', name),
    toolbar: trans.__('Task actions')
  },
  monitor: {
    icon: 'log',
    command: CommandIDs.openMonitor,
    label: trans.__('Logs'),
    caption: trans.__('Follow the logs'),
    args: ['task', 'beside'],
    title: name => trans.__('%1: Logs', name),
    toolbar: trans.__('Log actions')
  },
  compare: {
    icon: 'compare',
    command: CommandIDs.openCompare,
    label: trans.__('Compare'),
    caption: trans.__('Compare tasks: table, curves and plots'),
    args: ['names', 'study', 'tab'],
    title: name => trans.__('%1: Compare', name)
  }
});
