/** Buttons and menu entries made from actions. */
import * as React from 'react';

import type { IAttempt } from '../shared/attempt';
import { useAttempt } from '../shared/attempt';
import { useTrans } from '../shared/context';
import type { IMenuItem } from '../shared/menu';
import type { IButtonProps } from '../shared/button';
import { Button } from '../shared/button';
import type { ActionId } from '.';
import { ACTIONS } from '.';
import type {
  Args,
  Group,
  IAction,
  IActionContext,
  IResult,
  ITaskContext
} from './action';
import { isOffered, isPossible, perform, refusal } from './action';

/** Performs actions, and keeps the messages of the last one. */
export interface IActions extends IAttempt {
  /** What was done, where the page may not show it; '' for nothing. */
  readonly note: string;
  readonly setNote: (note: string) => void;
  /** Null when it failed. */
  readonly perform: <C extends IActionContext>(
    action: IAction<C>,
    context: C,
    args?: Args
  ) => Promise<IResult | null>;
}

export function useActions(): IActions {
  const attempts = useAttempt();
  const [note, setNote] = React.useState('');
  return {
    ...attempts,
    note,
    setNote,
    perform: async (action, context, args) => {
      setNote('');
      const result = await attempts.attempt(() =>
        perform(action, context, args)
      );
      if (result) {
        attempts.setFailure(refusal(context.trans, result.refused));
        if (action.done && result.tasks?.length) {
          setNote(action.done(context.trans, result));
        }
      }
      return result;
    }
  };
}

export function ActionButton<C extends IActionContext>(
  props: {
    action: IAction<C>;
    context: C;
    actions: IActions;
    args?: Args;
  } & Partial<IButtonProps>
): JSX.Element {
  const { action, context, actions, args, ...rest } = props;
  const trans = useTrans();
  return (
    <Button
      icon={action.icon}
      label={action.label(trans, context)}
      title={action.caption(trans)}
      aria-pressed={action.isOn?.(context)}
      disabled={!isPossible(action, context)}
      onClick={() => void actions.perform(action, context, args)}
      {...rest}
    />
  );
}

/** Return the entries of a menu: the offered actions of some groups. */
export function actionItems(
  groups: readonly Group[],
  context: ITaskContext,
  actions: IActions
): IMenuItem[] {
  const { trans } = context;
  return groups.flatMap(group =>
    (Object.keys(ACTIONS) as ActionId[])
      .filter(
        id => ACTIONS[id].group === group && isOffered(ACTIONS[id], context)
      )
      .map((id, index) => ({
        id,
        label: ACTIONS[id].label(trans, context),
        icon: ACTIONS[id].icon,
        keys: ACTIONS[id].keys?.(trans),
        checked: ACTIONS[id].isOn?.(context),
        disabled: !isPossible(ACTIONS[id], context),
        separated: index === 0,
        run: () => void actions.perform(ACTIONS[id], context)
      }))
  );
}
