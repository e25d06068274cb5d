/** How the extension behaves in Lab, as users set it. */
import { ISettingRegistry } from '@jupyterlab/settingregistry';

import { SETTINGS } from './tokens';

export interface ISettings {
  readonly notifyFailed: boolean;
  readonly notifyDone: boolean;
  readonly notifySilent: boolean;
  /** Tell in the title of the browser's tab what runs. */
  readonly titleRuns: boolean;
  /** Show the load of the GPUs in the status bar. */
  readonly statusGpus: boolean;
  /** How many tasks of one queueing run at a time, unless it is said. */
  readonly jobs: number;
  /** What opens after tasks were created. */
  readonly afterCreation: 'tasks' | 'log' | 'nothing';
}

/** As in `schema/plugin.json`, for a Lab without settings. */
export const DEFAULTS: ISettings = {
  notifyFailed: true,
  notifyDone: true,
  notifySilent: true,
  titleRuns: true,
  statusGpus: true,
  jobs: 1,
  afterCreation: 'tasks'
};

/** Call `heard` with the settings as soon as they are known and when they change. */
export function followSettings(
  registry: ISettingRegistry | null,
  heard: (settings: ISettings) => void
): void {
  registry
    ?.load(SETTINGS)
    .then(loaded => {
      const read = () =>
        heard({ ...DEFAULTS, ...(loaded.composite as Partial<ISettings>) });
      read();
      loaded.changed.connect(read);
    })
    // Without its settings it behaves as it comes.
    .catch(() => undefined);
}
