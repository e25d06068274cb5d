import type { Study, StudyDetail } from '../../client/types';
import type { StudiesModel } from '../../model/studies';
import type { IQuestion } from '../shared/confirm';
import type { ITrans } from '../shared/context';
import type {
  Args,
  IAction,
  IActionContext,
  IResult,
  ISituation
} from './action';

/** How many trials are added to a study that is complete. */
export const MORE_TRIALS = 20;

/** Changes a study. */
const CHANGE = {
  needs: 'execute',
  args: ['study'],
  done: (trans: ITrans, { study, state }: IResult) =>
    state === null
      ? ''
      : `${study}: ${stateWord(trans, state as Study['state'])}`,
  isPossible: ({ studies }: ISituation) =>
    studies?.getSnapshot().isBusy !== true
} as const;

/** Actions on the studies of a workspace. */
export const STUDY_ACTIONS = {
  'list-studies': {
    icon: 'table',
    label: trans => trans.__('List studies'),
    caption: trans => trans.__('Return the studies of the workspace'),
    isForPrograms: true,
    run: async ({ workspace, studies }) => ({
      workspace,
      studies: (await load(studies, shownStudy(studies))).items
    })
  },
  'open-study': {
    icon: 'compare',
    label: trans => trans.__('Open study'),
    caption: trans => trans.__('Show the results of a study'),
    args: ['study'],
    run: async (context, args) => {
      const { workspace, show } = context;
      const { name } = await find(context, args);
      show.study?.([name]);
      return { workspace, study: name, opened: 'study' };
    }
  },
  'pause-study': {
    ...CHANGE,
    icon: 'pause',
    label: trans => trans.__('Pause study'),
    caption: trans => trans.__('Start no more trials; running trials finish'),
    isOffered: situation => isRunning(situation) !== false,
    run: change(studies => studies.change({ action: 'stop', running: false }))
  },
  'resume-study': {
    ...CHANGE,
    icon: 'run',
    label: trans => trans.__('Resume study'),
    caption: trans => trans.__('Start more trials of a study'),
    args: ['study', 'trials'],
    isOffered: situation => isRunning(situation) !== true,
    run: change((studies, study, { trials = trialsToResume(study) }) =>
      studies.change({ action: 'resume', n: trials })
    )
  },
  'cancel-study': {
    ...CHANGE,
    icon: 'stop',
    label: trans => trans.__('Cancel study'),
    caption: trans => trans.__('Start no more trials and stop running trials'),
    isOffered: situation => isRunning(situation) !== false,
    run: change(
      studies => studies.change({ action: 'stop', running: true }),
      (trans, name) => ({
        title: trans.__('Cancel study %1?', name),
        body: trans.__('Running trials are stopped. Logs are kept.'),
        accept: trans.__('Cancel study')
      })
    )
  },
  'delete-study': {
    icon: 'delete',
    label: trans => trans.__('Delete study'),
    caption: trans =>
      trans.__('Delete the record of a study; its tasks are kept'),
    needs: 'write',
    args: ['study'],
    isPossible: CHANGE.isPossible,
    isOffered: situation => isRunning(situation) !== true,
    run: change(
      studies => studies.remove(),
      (trans, name) => ({
        title: trans.__('Delete study %1?', name),
        body: trans.__('Its tasks are kept; the study record is removed.'),
        accept: trans.__('Delete study')
      })
    )
  }
} satisfies Record<string, IAction<IActionContext>>;

/** Return the state of a study in words. */
export function stateWord(trans: ITrans, state: Study['state']): string {
  const words: Record<Study['state'], string> = {
    active: trans.__('Running'),
    stopped: trans.__('Stopped'),
    finished: trans.__('Finished'),
    failed: trans.__('Stopped after errors')
  };
  return words[state];
}

/** Return whether the study that is shown is active, if one is shown. */
function isRunning({ studies }: ISituation): boolean | undefined {
  const state = studies?.getSnapshot().detail?.state;
  return state && state === 'active';
}

/** Return the number of trials after which a resumed study stops. */
export function trialsToResume(
  { n, trials: { length } }: StudyDetail,
  more = MORE_TRIALS
): number {
  return length < n ? n : length + more;
}

/** Return the name of the study that is shown or being loaded; '' for the newest. */
function shownStudy(studies: StudiesModel | undefined): string {
  const { detail, chosen } = studies?.getSnapshot() ?? {};
  return detail?.name ?? chosen ?? '';
}

/** Load the studies and the details of one: the one that is shown, or the newest. */
async function load(studies: StudiesModel | undefined, name: string) {
  await studies?.choose(name);
  const { items, detail, error } = studies?.getSnapshot() ?? {};
  if (error) {
    throw error;
  }
  return { items: items ?? [], detail };
}

async function find(
  { studies, trans }: IActionContext,
  { study = shownStudy(studies) }: Args
): Promise<StudyDetail> {
  const { detail } = await load(studies, study);
  if (!detail) {
    throw new Error(trans.__('This workspace has no studies.'));
  }
  if (study && detail.name !== study) {
    throw new Error(trans.__('No study is named “%1”.', study));
  }
  return detail;
}

/** Change a study, if the user confirms it; its state is null once it is deleted. */
function change(
  act: (studies: StudiesModel, study: StudyDetail, args: Args) => Promise<void>,
  question?: (trans: ITrans, name: string) => IQuestion
): NonNullable<IAction<IActionContext>['run']> {
  return async (context, args): Promise<IResult> => {
    const { studies, trans, workspace, confirm } = context;
    const study = await find(context, args);
    const { name } = study;
    if (studies && (!question || (await confirm(question(trans, name))))) {
      // Meanwhile the page may show another study.
      await find(context, { study: name });
      await act(studies, study, args);
    }
    const left = studies?.getSnapshot().items?.find(each => each.name === name);
    return { workspace, study: name, state: left?.state ?? null };
  };
}
