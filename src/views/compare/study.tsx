/** A study: its status and its results so far. */
import * as React from 'react';

import type { StudyDetail } from '../../client/types';
import type { CompareModel } from '../../model/compare';
import { MAX_TRIALS } from '../../model/studyform';
import type { IStudiesState, StudiesModel } from '../../model/studies';
import type { Confirm } from '../shared/confirm';
import { useConfirm } from '../shared/confirm';
import type { IChartTheme } from '../shared/chart/theme';
import { Choice, Toggle } from '../shared/choice';
import { useTrans } from '../shared/context';
import { formatNumber } from '../shared/format';
import { useStore } from '../shared/store';
import { Banner } from '../shared/banner';
import { Button, Link } from '../shared/button';
import { EmptyState } from '../shared/emptystate';
import { stateWord } from '../shared/study';
import type { FocusModel } from './focus';
import { FocusChart } from './focus';
import { historyOf, slicesOf } from './studycharts';

/** Trials that are added by default when a study is resumed. */
const MORE_TRIALS = 20;

export interface IStudyTabProps {
  model: CompareModel;
  studies: StudiesModel;
  theme: IChartTheme;
  confirm?: Confirm;
  canExecute?: boolean;
  focus: FocusModel;
  onOpenLog: (task: string) => void;
}

export function StudyTab(props: IStudyTabProps): JSX.Element {
  const { studies, model } = props;
  const trans = useTrans();
  const state = useStore(studies);
  const { study: compared } = useStore(model);
  const { detail, items } = state;
  if (items === null || (!detail && items.length > 0)) {
    return <p className="pyr-loading">{trans.__('Loading…')}</p>;
  }
  if (!detail) {
    return (
      <EmptyState
        icon="search"
        title={trans.__('No study yet')}
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
        <StudyActions {...props} state={state} study={detail} />
      </div>
      {[state.refusal, ...state.damaged].map(message => (
        <Banner key={message} kind="error">
          {message}
        </Banner>
      ))}
      <StudyStatus study={detail} onOpenLog={props.onOpenLog} />
      <Plots {...props} study={detail} />
    </>
  );
}

function StudyActions(
  props: IStudyTabProps & { state: IStudiesState; study: StudyDetail }
): JSX.Element | null {
  const { studies, state, study, canExecute = true } = props;
  const trans = useTrans();
  const [confirm, question] = useConfirm(props.confirm);
  const [more, setMore] = React.useState(MORE_TRIALS);
  if (!canExecute) {
    return null;
  }
  if (study.state === 'active') {
    return (
      <Button
        icon="stop"
        label={trans.__('Stop the study')}
        title={trans.__('Cancel queued trials; running trials finish')}
        disabled={state.isBusy}
        onClick={() => void studies.stop()}
      />
    );
  }
  const trials = study.trials.length;
  const wanted = Math.max(study.n, trials + more);
  const remove = async () => {
    const isSure = await confirm({
      title: trans.__('Delete study %1?', study.name),
      body: trans.__('Its tasks are kept; the study record is removed.'),
      accept: trans.__('Delete study')
    });
    if (isSure) {
      await studies.remove();
    }
  };
  return (
    <>
      <span className="pyr-control">
        <Button
          icon="run"
          label={trans.__('Resume')}
          title={trans.__('Continue the study up to %1 trials', wanted)}
          disabled={state.isBusy || wanted > MAX_TRIALS}
          onClick={() => void studies.resume(wanted)}
        />
        {trials >= study.n && (
          <label className="pyr-control">
            <span>{trans.__('for')}</span>
            <input
              type="number"
              className="pyr-input pyr-search-more"
              min={1}
              max={MAX_TRIALS - trials}
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
      </span>
      <Button
        label={trans.__('Delete study…')}
        disabled={state.isBusy}
        onClick={() => void remove()}
      />
      {question}
    </>
  );
}

/** Progress and best trial of a study. */
function StudyStatus(props: {
  study: StudyDetail;
  onOpenLog: (task: string) => void;
}): JSX.Element {
  const { study } = props;
  const trans = useTrans();
  const { open, complete, pruned, failed } = study.counts;
  const done = complete + pruned + failed;
  const parts = [
    open > 0 && trans.__('%1 running', open),
    pruned > 0 && trans.__('%1 pruned', pruned),
    failed > 0 && trans.__('%1 failed', failed)
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
      </p>
      <progress
        className="pyr-study-progress"
        max={Math.max(study.n, done)}
        value={done}
        aria-label={trans.__('Finished trials')}
      />
      {study.message && <p className="pyr-note">{study.message}</p>}
      {study.state === 'active' && !study.driven && (
        <p className="pyr-note">
          {trans.__('Waiting for the study driver to start…')}
        </p>
      )}
    </div>
  );
}

function Plots(props: IStudyTabProps & { study: StudyDetail }): JSX.Element {
  const { study, theme } = props;
  const trans = useTrans();
  const history = React.useMemo(
    () => historyOf(trans, study, theme.isDark),
    [trans, study, theme.isDark]
  );
  const slices = React.useMemo(
    () => slicesOf(trans, study, theme.isDark),
    [trans, study, theme.isDark]
  );
  if (!history) {
    return (
      <EmptyState
        icon="curve"
        title={trans.__('Not enough data')}
        text={trans.__(
          'Waiting for the first trial to report %1.',
          study.objective
        )}
      />
    );
  }
  const picks = { focus: props.focus, onOpen: props.onOpenLog };
  return (
    <div className="pyr-study-plots">
      <figure className="pyr-study-history">
        <figcaption>
          {trans.__('Optimization history')}
          <span className="pyr-hint">
            {trans.__(
              'Line: best value so far. Hollow dots: pruned or running trials.'
            )}
          </span>
        </figcaption>
        <FocusChart
          chart={history}
          label={trans.__(
            '%1 of each trial and best value so far',
            study.objective
          )}
          height={240}
          {...picks}
        />
      </figure>
      {slices.length > 0 && (
        <p className="pyr-hint pyr-study-hint">
          {theme.isDark
            ? trans.__('Objective by parameter. Lighter dots are later trials.')
            : trans.__('Objective by parameter. Darker dots are later trials.')}
        </p>
      )}
      {slices.map(({ key, chart }) => (
        <figure key={key}>
          <figcaption>{key}</figcaption>
          <FocusChart
            chart={chart}
            label={trans.__('%1 over %2', study.objective, key)}
            height={200}
            {...picks}
          />
        </figure>
      ))}
    </div>
  );
}
