import type { Args, IAction, IActionContext, ILogHandle } from './action';

/** Actions on the log in front. */
export const LOG_ACTIONS = {
  'follow-log': {
    icon: 'follow',
    label: trans => trans.__('Follow output'),
    caption: trans => trans.__('Jump to the end of the log and follow it'),
    isOn: ({ log }) => log?.isFollowing ?? false,
    ...onLog(log => log.follow())
  },
  'pause-log': {
    icon: 'pause',
    label: (trans, situation) =>
      situation?.log?.isPaused
        ? trans.__('Resume live output')
        : trans.__('Pause live output'),
    caption: trans => trans.__('Pause or resume live output'),
    isPossible: ({ log }) => log !== undefined && log.canPause,
    isOn: ({ log }) => log?.isPaused ?? false,
    ...onLog(log => log.setPaused(!log.isPaused))
  },
  'find-in-log': {
    icon: 'search',
    label: trans => trans.__('Find in the log (Ctrl+F)'),
    caption: trans => trans.__('Find text in the whole log'),
    args: ['text'],
    ...onLog((log, { text }) => log.find(text))
  },
  'wrap-log': {
    icon: 'wrap',
    label: trans => trans.__('Wrap long lines'),
    caption: trans => trans.__('Wrap or truncate long lines'),
    isOn: ({ log }) => log?.options.isWide === false,
    ...onLog(log => log.setOptions({ isWide: !log.options.isWide }))
  },
  'show-log-times': {
    icon: 'queued',
    label: trans => trans.__('Show timestamps'),
    caption: trans => trans.__('Show or hide timestamps'),
    isOn: ({ log }) => log?.options.hasTimes ?? false,
    ...onLog(log => log.setOptions({ hasTimes: !log.options.hasTimes }))
  },
  'show-log-curves': {
    icon: 'curve',
    label: trans => trans.__('Show the curves of the run'),
    caption: trans => trans.__('Show or hide curves next to the log'),
    isOn: ({ log }) => log?.options.hasCurves ?? false,
    ...onLog(log => log.setOptions({ hasCurves: !log.options.hasCurves }))
  },
  'show-log-stacks': {
    icon: 'stacks',
    label: trans => trans.__('Show stacks'),
    caption: trans =>
      trans.__(
        'Show what each process of the run is doing, with its Python stack'
      ),
    isOn: ({ log }) => log?.hasStacks ?? false,
    ...onLog(log => log.setStacks(!log.hasStacks))
  },
  'read-log-stacks': {
    icon: 'refresh',
    label: trans => trans.__('Read the stacks again'),
    caption: trans =>
      trans.__('Read the stacks of the running task whose log is active'),
    needs: 'execute',
    isPossible: ({ log }) => log !== undefined && log.canRequestStacks,
    ...onLog(log => {
      log.setStacks(true);
      return log.requestStacks();
    })
  },
  'copy-log': {
    icon: 'copy',
    label: trans => trans.__('Copy log'),
    caption: trans => trans.__('Copy the selected text, or the loaded output'),
    ...onLog(log => log.copy())
  },
  'download-log': {
    icon: 'download',
    label: trans => trans.__('Download the log'),
    caption: trans => trans.__('Download the log'),
    isPossible: ({ log }) => log !== undefined && log.canDownload,
    ...onLog(log => log.download())
  }
} satisfies Record<string, IAction<IActionContext>>;

/** The parts of an action that does something with the log in front. */
function onLog(
  act: (log: ILogHandle, args: Args) => void | Promise<void>
): Pick<IAction<IActionContext>, 'isOffered' | 'run'> {
  return {
    isOffered: ({ log }) => log !== undefined,
    run: async ({ log, trans, workspace }, args) => {
      if (!log) {
        throw new Error(trans.__('No log is active. Open a log first.'));
      }
      await act(log, args);
      return { workspace, tasks: [log.task] };
    }
  };
}
