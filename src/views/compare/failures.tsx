import * as React from 'react';

import type { FailureGroup, RunOptions } from '../../client/types';
import type { TaskListModel } from '../../model/tasklist';
import { ACTIONS } from '../actions';
import type { IPageProps, ITaskContext } from '../actions/action';
import { chooseTasks } from '../actions/action';
import type { IActions } from '../actions/controls';
import { ActionButton, useActions } from '../actions/controls';
import { Banner } from '../shared/banner';
import { useConfirm } from '../shared/confirm';
import type { ITrans } from '../shared/context';
import { useTrans } from '../shared/context';
import { countOfTasks, exactValue } from '../shared/format';
import { Button, Link } from '../shared/button';
import { EmptyState } from '../shared/emptystate';
import type { FocusModel } from './focus';

/** Tasks of a group that are listed before *more*. */
const MAX_NAMES = 8;

export interface IFailuresProps extends Omit<IPageProps, 'trans'> {
  groups: readonly FailureGroup[];
  onOpenLog: (task: string) => void;
  focus: FocusModel;
  /** Performs actions on the failed tasks; without it, none are offered. */
  tasks?: TaskListModel;
  /** Open New tasks with the configurations of tasks. */
  onTemplate?: (tasks: readonly string[]) => void;
}

/** Failed tasks grouped by error, with the values they have in common. */
export function Failures(props: IFailuresProps): JSX.Element {
  const { tasks } = props;
  const trans = useTrans();
  const actions = useActions();
  const [confirm, question] = useConfirm(props.confirm);
  const contextOf = (
    model: TaskListModel,
    names: readonly string[]
  ): ITaskContext => ({
    workspace: model.ws,
    trans,
    model,
    confirm,
    canExecute: props.canExecute ?? true,
    canWrite: props.canWrite ?? true,
    chosen: chooseTasks([], names),
    show: { template: props.onTemplate }
  });
  if (props.groups.length === 0) {
    return (
      <EmptyState
        icon="completed"
        title={trans.__('None of these tasks failed')}
        text={trans.__('Failed tasks, grouped by error.')}
      />
    );
  }
  return (
    <div className="pyr-failures">
      {question}
      <Banner kind="error" onClose={() => actions.setFailure('')}>
        {actions.failure}
      </Banner>
      {props.groups.map((group, index) => (
        <FailureCard key={index} {...props} group={group}>
          {tasks && (
            <FailureActions
              group={group}
              context={contextOf(tasks, group.names)}
              actions={actions}
            />
          )}
        </FailureCard>
      ))}
    </div>
  );
}

/** Ways to run the tasks of a group again. */
function FailureActions(props: {
  group: FailureGroup;
  context: ITaskContext;
  actions: IActions;
}): JSX.Element {
  const { context, actions } = props;
  const { remedies = [] } = props.group;
  const trans = useTrans();
  return (
    <div className="pyr-failure-actions">
      {remedies.map(({ kind, run }, index) => (
        <ActionButton
          key={kind}
          {...{ context, actions, ...remedyTexts(trans, kind, run) }}
          action={ACTIONS['run-tasks']}
          args={{ options: run }}
          accent={index === 0}
        />
      ))}
      <ActionButton
        {...{ context, actions }}
        action={ACTIONS['run-tasks']}
        label={trans.__('Run again')}
      />
      {context.show.template && (
        <ActionButton
          {...{ context, actions }}
          action={ACTIONS['use-task-as-template']}
        />
      )}
    </div>
  );
}

type Remedy = NonNullable<FailureGroup['remedies']>[number]['kind'];

/** Label and help of the button for a remedy. */
function remedyTexts(
  trans: ITrans,
  kind: Remedy,
  { gpus }: RunOptions
): { label: string; title: string } {
  switch (kind) {
    case 'exclusive_gpus':
      return {
        label: trans._n(
          'Run again with an exclusive GPU',
          'Run again with %1 exclusive GPUs',
          gpus ?? 1
        ),
        title: trans.__('Queue these tasks with exclusive GPUs')
      };
    case 'sequential':
      return {
        label: trans.__('Run again sequentially'),
        title: trans.__('Queue these tasks with a concurrency of 1')
      };
  }
}

function FailureCard(props: {
  group: FailureGroup;
  onOpenLog: (task: string) => void;
  focus: FocusModel;
  /** Buttons. */
  children?: React.ReactNode;
}): JSX.Element {
  const { message, names, others, shared, advice } = props.group;
  const trans = useTrans();
  const [isAll, setAll] = React.useState(false);
  return (
    <section className="pyr-failure">
      <h3>
        <span className="pyr-failure-count">
          {countOfTasks(trans, names.length)}
        </span>
        <code>{message || trans.__('Unknown reason; see the log.')}</code>
      </h3>
      {shared.length > 0 && (
        <ul className="pyr-failure-shared">
          {shared.map(({ key, value, others: same }) => (
            <li key={key}>
              {sharedText(trans, names.length)}{' '}
              <code>
                {key}={exactValue(value)}
              </code>
              <span className="pyr-failure-others">
                {same === 0
                  ? trans._n(
                      'not true of the other task',
                      'not true of the other %1 tasks',
                      others
                    )
                  : trans.__(
                      'also true of %1 of the other %2 tasks',
                      same,
                      others
                    )}
              </span>
            </li>
          ))}
        </ul>
      )}
      {shared.length === 0 && names.length > 1 && (
        <p className="pyr-hint">
          {trans.__(
            'These tasks share no parameter value that distinguishes them from the other tasks.'
          )}
        </p>
      )}
      {advice && <p className="pyr-failure-advice">{advice}</p>}
      <ul className="pyr-failure-names">
        {(isAll ? names : names.slice(0, MAX_NAMES)).map(name => (
          <li key={name}>
            <Link
              title={trans.__('Open log')}
              onClick={() => props.onOpenLog(name)}
              onPointerEnter={() => props.focus.set(name)}
              onPointerLeave={() => props.focus.set(null)}
            >
              {name}
            </Link>
          </li>
        ))}
        {!isAll && names.length > MAX_NAMES && (
          <li>
            <Button
              label={trans.__('%1 more', names.length - MAX_NAMES)}
              onClick={() => setAll(true)}
            />
          </li>
        )}
      </ul>
      {props.children}
    </section>
  );
}

function sharedText(trans: ReturnType<typeof useTrans>, count: number): string {
  return count === 2 ? trans.__('Both:') : trans.__('All %1:', count);
}
