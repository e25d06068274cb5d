/** What can be asked of tasks, and what became of it. */
import * as React from 'react';

import { asClientError } from '../../client/errors';
import type { Action, ActionResult, TaskRow } from '../../client/types';
import type { ActionOptions, WorkspaceModel } from '../../model/workspace';
import type { Confirm } from '../shared/ask';
import type { ITrans } from '../shared/context';
import { useTrans } from '../shared/context';

export interface IActions {
  /** The last failure as a sentence. */
  failure: string | null;
  setFailure: (sentence: string | null) => void;
  /** What was done, where the table may not show it. */
  note: string | null;
  setNote: (sentence: string | null) => void;
  /** Do something; a refusal is told as a failure. */
  act: (
    action: Action,
    names: readonly string[],
    options?: ActionOptions
  ) => Promise<ActionResult | null>;
  /** Stop tasks; asks when one of them runs. */
  stop: (names: readonly string[], running: number) => Promise<void>;
  duplicate: (names: readonly string[]) => Promise<void>;
  /** Move the selected tasks one place in the order given by hand. */
  move: (names: readonly string[], direction: 'up' | 'down') => void;
  undo: () => Promise<void>;
}

export function useActions(
  model: WorkspaceModel,
  confirm: Confirm,
  jobs: number
): IActions {
  const trans = useTrans();
  const [failure, setFailure] = React.useState<string | null>(null);
  const [note, setNote] = React.useState<string | null>(null);

  const attempt = async (
    doing: () => Promise<ActionResult>
  ): Promise<ActionResult | null> => {
    setFailure(null);
    setNote(null);
    try {
      const result = await doing();
      setFailure(refusal(trans, result.refused));
      return result;
    } catch (error) {
      setFailure(asClientError(error).message);
      return null;
    }
  };
  const act: IActions['act'] = (action, names, options = {}) =>
    attempt(() =>
      model.act(action, names, action === 'run' ? { run: { jobs } } : options)
    );

  return {
    failure,
    setFailure,
    note,
    setNote,
    act,
    stop: async (names, running) => {
      const accepted =
        running === 0 ||
        (await confirm({
          title: trans._n(
            'Stop %1 running task?',
            'Stop %1 running tasks?',
            running
          ),
          body: trans.__('What they have not saved is lost; their logs stay.'),
          accept: trans.__('Stop')
        }));
      if (accepted) {
        await act('cancel', names);
      }
    },
    duplicate: async names => {
      const made = (await act('duplicate', names))?.made ?? [];
      if (made.length > 0) {
        model.select(made, 'replace');
        setNote(
          made.length === 1
            ? trans.__('Duplicated as %1.', made[0])
            : trans.__('%1 tasks were duplicated.', made.length)
        );
      }
    },
    move: (names, direction) => {
      const place = placeToMove(model, names, direction);
      if (place) {
        void act('move', place.names, place.options);
      }
    },
    undo: async () => {
      await attempt(() => model.undo());
    }
  };
}

/** Where tasks go that are moved by one place; null where there is no such. */
export function placeToMove(
  model: WorkspaceModel,
  names: readonly string[],
  direction: 'up' | 'down'
): { names: string[]; options: ActionOptions } | null {
  const { rows, listing } = model.getSnapshot();
  if (listing.sort !== 'order' || names.length === 0) {
    return null;
  }
  const chosen = new Set(names);
  const places = rows.flatMap((row, index) =>
    row && chosen.has(row.name) ? [index] : []
  );
  if (places.length < chosen.size) {
    return null;
  }
  const isUp = direction === 'up';
  const end = isUp ? places[0] : places[places.length - 1];
  const moved = places.map(place => rows[place]) as TaskRow[];
  const neighbour = rows[end + (isUp ? -1 : 1)];
  // Pinned tasks stand above all others, whatever the order.
  if (!neighbour || moved.some(row => row.pinned !== neighbour.pinned)) {
    return null;
  }
  const isAscending = listing.order === 'asc';
  const sorted = moved.map(row => row.name);
  return {
    names: isAscending ? sorted : sorted.reverse(),
    options:
      isUp === isAscending
        ? { before: neighbour.name }
        : { after: neighbour.name }
  };
}

/** What was refused, as one sentence. */
export function refusal(
  trans: ITrans,
  refused: readonly { name: string; message: string }[]
): string | null {
  if (refused.length === 0) {
    return null;
  }
  const [first] = refused;
  const sentence = first.message.includes(first.name)
    ? first.message
    : `${first.name}: ${first.message}`;
  return refused.length === 1
    ? sentence
    : trans._n(
        '%2 (and %1 more)',
        '%2 (and %1 more)',
        refused.length - 1,
        sentence
      );
}
