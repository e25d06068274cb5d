import * as React from 'react';

import type { Workspace } from '../client/types';
import { asSavedComparison, CompareModel } from '../model/compare';
import { CurveSetModel } from '../model/curveset';
import { asOptions } from '../views/compare/options';
import { workspaceTitle } from '../views/shared/title';
import type { IViewOptions } from './pageviews';
import { toJson } from './pageviews';

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
  const model = owner.own(
    new CompareModel({
      client: pyruns.client,
      ws: workspace.id,
      saved: show.names.length > 0 ? { ...kept, names: [...show.names] } : kept,
      save: saved => void state?.save(key, toJson(saved))
    })
  );
  show.onShow = ({ names }) => {
    if (names && names.length > 0) {
      model.setNames(names);
    }
  };
  return (
    <CompareView
      model={model}
      curves={owner.own(new CurveSetModel(pyruns.client, workspace.id))}
      title={workspaceTitle(trans, workspace)}
      trans={trans}
      options={asOptions(await state?.fetch(looks).catch(() => null))}
      onOptions={changed => void state?.save(looks, toJson(changed))}
      onOpenLog={task => open('monitor', workspace.id, { task })}
      onChoose={() => open('manager', workspace.id)}
    />
  );
}
