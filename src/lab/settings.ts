/** The settings of the extension in Lab. */
import type { ISettingRegistry } from '@jupyterlab/settingregistry';

// Lab's own settings are needed from the start.

import { Store } from '../model/store';
import { SETTINGS } from './tokens';

export interface ISettings {
  readonly notifyFailed: boolean;
  readonly notifyDone: boolean;
  readonly notifySilent: boolean;
  readonly notifyAlerts: boolean;
  /** Show the number of running and queued tasks in the browser tab. */
  readonly titleRuns: boolean;
  /** Show GPU utilization in the status bar. */
  readonly statusGpus: boolean;
  /** Default for the maximum number of parallel tasks. */
  readonly jobs: number;
  /** The page that opens after tasks were created. */
  readonly afterCreation: 'tasks' | 'log' | 'nothing';
}

/** As in `schema/plugin.json`, for a Lab without settings. */
export const DEFAULTS: ISettings = {
  notifyFailed: true,
  notifyDone: true,
  notifySilent: true,
  notifyAlerts: true,
  titleRuns: true,
  statusGpus: true,
  jobs: 1,
  afterCreation: 'tasks'
};

/** The settings, as soon as they are known. */
export class SettingsStore extends Store<ISettings> {
  constructor(registry: ISettingRegistry | null) {
    super(DEFAULTS);
    registry
      ?.load(SETTINGS)
      .then(loaded => {
        const read = () =>
          this.update({
            ...DEFAULTS,
            ...(loaded.composite as Partial<ISettings>)
          });
        read();
        loaded.changed.connect(read);
      })
      // Without settings, the defaults apply.
      .catch(() => undefined);
  }
}
