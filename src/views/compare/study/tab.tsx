/** A study: its status and its results so far. */
import * as React from 'react';

import type { StudyDetail } from '../../../client/types';
import type { CompareModel } from '../../../model/compare';
import { MAX_TRIALS } from '../../../model/studyform';
import type { StudiesModel } from '../../../model/studies';
import { isInfeasible } from '../../../model/studies';
import type { IActionContext } from '../../actions/action';
import { chooseTasks, isOffered } from '../../actions/action';
import type { IActions } from '../../actions/controls';
import { ActionButton, useActions } from '../../actions/controls';
import {
  MORE_TRIALS,
  stateWord,
  STUDY_ACTIONS,
  trialsToResume
} from '../../actions/studies';
import type { Confirm } from '../../shared/confirm';
import { useConfirm } from '../../shared/confirm';
import type { IChartTheme } from '../../shared/chart/theme';
import { Choice, Toggle } from '../../shared/choice';
import { useTrans } from '../../shared/context';
import { formatNumber } from '../../shared/format';
import { useStore } from '../../shared/store';
import { Banner } from '../../shared/banner';
import { Link } from '../../shared/button';
import { EmptyState } from '../../shared/emptystate';
import { serverSentence } from '../../shared/serversentences';
import type { FocusModel } from '../focus';
import type { IOptions } from '../options';
import { PlotPanel } from './plotpanel';

/** The buttons of a study, of which those that fit its state are shown. */
const STUDY_BUTTONS = [
  'pause-study',
  'cancel-study',
  'resume-study',
  'delete-study'
] as const;

export interface IStudyTabProps {
  model: CompareModel;
  studies: StudiesModel;
  theme: IChartTheme;
  confirm?: Confirm;
  canExecute?: boolean;
  canWrite?: boolean;
  focus: FocusModel;
  options: IOptions;
  onOptions: (change: Partial<IOptions>) => void;
  onOpenLog: (task: string) => void;
}

export function StudyTab(props: IStudyTabProps): JSX.Element {
  const { studies, model } = props;
  const trans = useTrans();
  const state = useStore(studies);
  const { study: compared } = useStore(model);
  const [confirm, question] = useConfirm(props.confirm);
  const actions = useActions();
  const { detail, items } = state;
  if (items === null || (!detail && items.length > 0)) {
    return <p className="pyr-loading">{trans.__('Loading…')}</p>;
  }
  if (!detail) {
    return (
      <EmptyState
        icon="search"
        title={trans.__('No studies yet')}
        text={trans.__(
          'Choose “Adaptive” in New tasks to run trials one by one, each chosen from earlier results.'
        )}
      />
    );
  }
  return (
    <>
      <div className="pyr-controls">
        <Choice
          label={trans.__('Study')}
          value={detail.name}
          options={items.map(({ name, state: each }) => [
            name,
            `${name} · ${stateWord(trans, each)}`
          ])}
          onChange={name => void studies.choose(name)}
        />
        <Toggle
          label={trans.__('Compare its tasks')}
          checked={compared === detail.name}
          onChange={isCompared => model.follow(isCompared ? detail : null)}
        />
        <StudyActions
          study={detail}
          actions={actions}
          context={{
            workspace: model.ws,
            trans,
            confirm,
            canExecute: props.canExecute ?? true,
            canWrite: props.canWrite ?? true,
            chosen: chooseTasks([], []),
            show: {},
            studies
          }}
        />
      </div>
      {question}
      {[actions.failure, ...state.damaged].map(message => (
        <Banner key={message} kind="error">
          {message}
        </Banner>
      ))}
      <StudyStatus
        study={detail}
        onOpenLog={props.onOpenLog}
        onFront={() => props.onOptions({ studyPlot: 'pareto' })}
      />
      <PlotPanel
        {...props}
        state={state}
        study={detail}
        isDark={props.theme.isDark}
      />
    </>
  );
}

function StudyActions(props: {
  study: StudyDetail;
  context: IActionContext;
  actions: IActions;
}): JSX.Element {
  const { study, context, actions } = props;
  const trans = useTrans();
  const [more, setMore] = React.useState(MORE_TRIALS);
  const wanted = trialsToResume(study, more);
  const isComplete = study.trials.length >= study.n;
  return (
    <>
      {STUDY_BUTTONS.filter(id => isOffered(STUDY_ACTIONS[id], context)).map(
        id => (
          <React.Fragment key={id}>
            <ActionButton
              action={STUDY_ACTIONS[id]}
              context={context}
              actions={actions}
              {...(id === 'resume-study' && {
                args: { trials: wanted },
                title: trans.__('Continue the study up to %1 trials', wanted),
                ...(wanted > MAX_TRIALS && { disabled: true })
              })}
            />
            {id === 'resume-study' && isComplete && (
              <label className="pyr-control">
                <span>{trans.__('for')}</span>
                <input
                  type="number"
                  className="pyr-input pyr-study-more"
                  min={1}
                  max={MAX_TRIALS - study.trials.length}
                  value={more}
                  aria-label={trans.__('Number of additional trials')}
                  onChange={event =>
                    setMore(
                      Math.max(1, Math.round(Number(event.target.value)) || 1)
                    )
                  }
                />
                <span>{trans.__('more trials')}</span>
              </label>
            )}
          </React.Fragment>
        )
      )}
    </>
  );
}

/** Progress and best trials of a study. */
function StudyStatus(props: {
  study: StudyDetail;
  onOpenLog: (task: string) => void;
  /** Show the Pareto front. */
  onFront: () => void;
}): JSX.Element {
  const { study } = props;
  const trans = useTrans();
  const { open, complete, pruned, failed } = study.counts;
  const done = complete + pruned + failed;
  const infeasible = study.trials.filter(
    trial => trial.state === 'complete' && isInfeasible(trial)
  ).length;
  const front = study.objectives.length > 1 ? study.pareto_front.length : 0;
  const parts = [
    open > 0 && trans.__('%1 running', open),
    pruned > 0 && trans.__('%1 pruned', pruned),
    failed > 0 && trans.__('%1 failed', failed),
    infeasible > 0 && trans.__('%1 infeasible', infeasible)
  ].filter(Boolean);
  return (
    <div className="pyr-study">
      <p className="pyr-study-line">
        <span className={`pyr-study-state pyr-study-${study.state}`}>
          {stateWord(trans, study.state)}
        </span>
        <span>
          {trans.__('%1 of %2 trials', done, study.n)}
          {parts.length > 0 && ` · ${parts.join(' · ')}`}
        </span>
        {study.best && study.best.value !== null && (
          <span className="pyr-study-best">
            {trans.__('best %1', study.objective)}{' '}
            <b>{formatNumber(study.best.value)}</b>{' '}
            <Link
              title={trans.__('Open log')}
              onClick={() => props.onOpenLog(study.best!.task)}
            >
              {study.best.task}
            </Link>
          </span>
        )}
        {front > 0 && (
          <Link onClick={props.onFront}>
            {trans._n(
              '1 trial on the Pareto front',
              '%1 trials on the Pareto front',
              front
            )}
          </Link>
        )}
      </p>
      <progress
        className="pyr-study-progress"
        max={Math.max(study.n, done)}
        value={done}
        aria-label={trans.__('Finished trials')}
      />
      {study.message && (
        <p className="pyr-note">{serverSentence(trans, study.message)}</p>
      )}
      {study.state === 'active' && !study.driven && (
        <p className="pyr-note">
          {trans.__('Waiting for the study driver to start…')}
        </p>
      )}
    </div>
  );
}
