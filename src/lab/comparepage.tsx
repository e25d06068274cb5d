import * as React from 'react';

import type { Workspace } from '../client/types';
import { asSavedComparison, CompareModel } from '../model/compare';
import { TaskListModel } from '../model/tasklist';
import { asOptions } from '../views/compare/options';
import { workspaceTitle } from '../views/shared/title';
import type { IViewOptions } from './pagefactory';
import { confirmInLab, toJson } from './request';

/** The page that shows tasks side by side; it comes back with the same ones. */
export async function makeCompare(
  options: IViewOptions,
  workspace: Workspace
): Promise<JSX.Element> {
  const { pyruns, owner, open, show, state, trans } = options;
  const { CompareView } = await import('../views/compare');
  const key = `pyruns-jupyter:compare:${workspace.id}`;
  const looks = `${key}:looks`;
  const kept = asSavedComparison(await state?.fetch(key).catch(() => null));
  const saved =
    show.names.length > 0 || show.study
      ? { ...kept, names: [...show.names], study: '' }
      : kept;
  const model = owner.own(
    new CompareModel({
      client: pyruns.client,
      ws: workspace.id,
      saved,
      save: changed => void state?.save(key, toJson(changed))
    })
  );
  const { studies } = model;
  show.studies = studies;
  const tasks = owner.own(new TaskListModel(pyruns.client, workspace.id));
  const first = asOptions(await state?.fetch(looks).catch(() => null));

  // Made once: the lines of all tasks are rendered again for another handler.
  const openLog = (task: string) => open('monitor', workspace.id, { task });
  const choose = () => open('manager', workspace.id);

  const Compared = (): JSX.Element => {
    const [at, setAt] = React.useState(first);
    React.useEffect(() => {
      show.onShow = ({ names, study, tab }) => {
        if (tab) {
          setAt(old => ({ ...old, tab }));
        }
        if (study) {
          setAt(old => ({ ...old, tab: 'search' }));
          void studies.choose(study).then(found => {
            if (found) {
              model.follow(found);
            }
          });
        } else if (names && names.length > 0) {
          model.setNames(names);
        }
      };
      show.onShow({ names: show.names, study: show.study, tab: show.tab });
      // A reload restores the current view, not the initial one.
      show.names = [];
      show.study = '';
      show.tab = undefined;
      return () => {
        show.onShow = null;
      };
    }, []);
    return (
      <CompareView
        model={model}
        title={workspaceTitle(trans, workspace)}
        trans={trans}
        options={at}
        onOptions={changed => {
          setAt(changed);
          void state?.save(looks, toJson(changed));
        }}
        confirm={confirmInLab(trans)}
        {...pyruns.session.rights}
        onOpenLog={openLog}
        onChoose={choose}
        tasks={tasks}
        onTemplate={names => open('generator', workspace.id, { names })}
      />
    );
  };
  return <Compared />;
}
