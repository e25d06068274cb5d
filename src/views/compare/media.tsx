/** Images and other media of the compared tasks, next to each other. */
import * as React from 'react';

import type { Medium } from '../../client/types';
import type { IMediaRow, MediaModel } from '../../model/media';
import { MAX_MEDIA_TASKS, mediumAt, stepsOf } from '../../model/media';
import { Radios } from '../shared/choice';
import type { ITrans } from '../shared/context';
import { useTrans } from '../shared/context';
import { Banner } from '../shared/banner';
import { Button, Link, TextInput } from '../shared/button';
import { EmptyState } from '../shared/emptystate';
import { FileContent, maxBytesOf } from '../shared/filecontent';
import { bytes } from '../shared/format';
import { useRequest } from '../shared/request';
import { InFrontContext, useStore } from '../shared/store';
import type { IComparedTask, IComparisonView } from './comparisonview';
import type { IOptions } from './options';

/** Names that are shown; more are found with the filter. */
const MAX_ROWS = 100;

/** How far outside of the visible part media are loaded already. */
const MARGIN = '200px';

export interface IMediaTabProps {
  model: MediaModel;
  shown: IComparisonView;
  options: IOptions;
  onOptions: (change: Partial<IOptions>) => void;
  onOpenLog: (task: string) => void;
}

/** A row per name, a column per task, and a slider over the steps. */
export function MediaTab(props: IMediaTabProps): JSX.Element {
  const { model, shown, options } = props;
  const trans = useTrans();
  const { items, isCut, error } = useStore(model);
  const isInFront = React.useContext(InFrontContext);
  const [filter, setFilter] = React.useState('');
  // Null for the last step, also when there are more.
  const [chosen, setChosen] = React.useState<number | null>(null);
  React.useEffect(() => {
    if (isInFront) {
      model.setVisibleTasks(shown.tasks.map(({ row }) => row));
    } else {
      model.pause();
    }
  }, [model, shown.tasks, isInFront]);
  React.useEffect(() => () => model.pause(), [model]);

  const rows = React.useMemo(() => model.rowsOf(items ?? []), [model, items]);
  const found = React.useMemo(() => matching(rows, filter), [rows, filter]);
  const steps = React.useMemo(() => stepsOf(found), [found]);
  const step =
    chosen === null || steps.length === 0
      ? (steps[steps.length - 1] ?? null)
      : nearest(steps, chosen);
  const visible = found.slice(0, MAX_ROWS);
  return (
    <>
      <Banner kind="error" onRetry={() => model.refresh()}>
        {error?.message}
      </Banner>
      {rows.length > 0 && (
        <div
          className="pyr-controls pyr-media-controls"
          role="toolbar"
          aria-label={trans.__('Media')}
        >
          <TextInput
            type="search"
            value={filter}
            placeholder={trans.__('Filter names')}
            aria-label={trans.__('Filter names')}
            onValue={setFilter}
          />
          {steps.length > 1 && (
            <StepSlider steps={steps} step={step} onStep={setChosen} />
          )}
          <Radios
            label={trans.__('Size')}
            value={options.mediaSize}
            options={[
              ['small', trans.__('Small')],
              ['medium', trans.__('Medium')],
              ['large', trans.__('Large')]
            ]}
            onChange={mediaSize => props.onOptions({ mediaSize })}
          />
        </div>
      )}
      {items === null ? (
        !error && <p className="pyr-loading">{trans.__('Loading…')}</p>
      ) : rows.length === 0 ? (
        <EmptyState
          icon="image"
          title={trans.__('No media')}
          text={trans.__(
            'These tasks have no images, HTML pages, audio, video or tables. Log matplotlib figures with pyruns_jupyter.track(plot=fig, step=…), save files in pyruns_jupyter.artifact_dir(), or log images with TensorBoard or W&B.'
          )}
        />
      ) : visible.length === 0 ? (
        <EmptyState
          icon="search"
          title={trans.__('No matching names')}
          text={trans.__('No name of an image or file contains “%1”.', filter)}
        >
          <Button
            label={trans.__('Clear the filter')}
            onClick={() => setFilter('')}
          />
        </EmptyState>
      ) : (
        <MediaTable {...props} rows={visible} step={step} isCut={isCut} />
      )}
      {[
        isCut &&
          trans.__(
            'Not all media are listed, because there are too many. Compare fewer tasks to see the others. At most 2,000 files and images of a run are listed.'
          ),
        found.length > MAX_ROWS &&
          trans.__(
            'Showing %1 of %2 names. Filter the names to see others.',
            MAX_ROWS,
            found.length
          ),
        shown.tasks.length > MAX_MEDIA_TASKS &&
          trans.__(
            'Showing the media of the first %1 tasks. Hide tasks in the list to see others.',
            MAX_MEDIA_TASKS
          )
      ].map(
        (note, at) =>
          note && (
            <p key={at} className="pyr-hint pyr-media-note">
              {note}
            </p>
          )
      )}
    </>
  );
}

/** The rows whose names contain all words of a filter. */
function matching(rows: readonly IMediaRow[], filter: string): IMediaRow[] {
  const words = filter.toLowerCase().split(/\s+/);
  return rows.filter(({ name }) =>
    words.every(word => name.toLowerCase().includes(word))
  );
}

/** The last step that is not after another one, else the first. */
function nearest(steps: readonly number[], step: number): number {
  return [...steps].reverse().find(each => each <= step) ?? steps[0];
}

/** Moves over the steps that exist, also with the arrow keys. */
function StepSlider(props: {
  steps: readonly number[];
  step: number | null;
  onStep: (step: number | null) => void;
}): JSX.Element {
  const { steps, step, onStep } = props;
  const trans = useTrans();
  const last = steps.length - 1;
  return (
    <label className="pyr-control pyr-media-step">
      <span>{trans.__('Step')}</span>
      <input
        type="range"
        aria-label={trans.__('Step')}
        min={0}
        max={last}
        value={step === null ? last : steps.indexOf(step)}
        aria-valuetext={trans.__('Step %1', step ?? '')}
        onChange={({ target }) => {
          const at = Number(target.value);
          onStep(at === last ? null : steps[at]);
        }}
      />
      <output>{step}</output>
    </label>
  );
}

function MediaTable(
  props: IMediaTabProps & {
    rows: readonly IMediaRow[];
    step: number | null;
    isCut: boolean;
  }
): JSX.Element {
  const { model, shown, options, rows, step } = props;
  const trans = useTrans();
  const tasks = shown.tasks.slice(0, MAX_MEDIA_TASKS);
  return (
    <div
      className={`pyr-fill pyr-media pyr-media-${options.mediaSize}`}
      tabIndex={0}
      role="region"
      aria-label={trans.__('Media')}
    >
      <table>
        <thead>
          <tr>
            {tasks.map(task => (
              <th key={task.row.name} scope="col">
                <TaskHead task={task} onOpenLog={props.onOpenLog} />
              </th>
            ))}
          </tr>
        </thead>
        {rows.map(row => (
          <tbody key={row.key}>
            <tr>
              <th
                scope="rowgroup"
                className="pyr-media-name"
                colSpan={tasks.length}
              >
                <span className="pyr-cut" title={row.name}>
                  {row.name}
                </span>
              </th>
            </tr>
            <tr>
              {tasks.map(({ row: { name: task } }) => {
                const media = row.byTask.get(task);
                return (
                  <Cell
                    key={task}
                    model={model}
                    task={task}
                    name={row.name}
                    kind={row.kind}
                    medium={media ? mediumAt(media, step) : null}
                    isListed={media !== undefined}
                    isCut={props.isCut}
                    step={step}
                  />
                );
              })}
            </tr>
          </tbody>
        ))}
      </table>
    </div>
  );
}

function TaskHead(props: {
  task: IComparedTask;
  onOpenLog: (task: string) => void;
}): JSX.Element {
  const { row, label, colour } = props.task;
  const trans = useTrans();
  return (
    <span className="pyr-line pyr-media-task">
      <span className="pyr-swatch" style={{ background: colour }} />
      <Link
        title={[...new Set([row.name, label, trans.__('Open log')])].join('\n')}
        onClick={() => props.onOpenLog(row.name)}
      >
        {label}
      </Link>
    </span>
  );
}

/** One medium of one task, loaded when it is in sight. */
const Cell = React.memo(function Cell(props: {
  model: MediaModel;
  task: string;
  name: string;
  kind: Medium['kind'];
  /** Null if there is none up to the step. */
  medium: Medium | null;
  /** Whether media of this name are listed for the task, at any step. */
  isListed: boolean;
  /** Whether the list is incomplete. */
  isCut: boolean;
  step: number | null;
}) {
  const { medium, task, name } = props;
  const trans = useTrans();
  const [place, isVisible] = useIsVisible();
  return (
    <td
      ref={place}
      data-kind={props.kind}
      className={medium ? undefined : 'pyr-is-missing'}
    >
      <div className="pyr-media-content">
        {medium ? (
          isVisible && (
            <Content
              model={props.model}
              medium={medium}
              label={captionOf(trans, name, task, medium)}
            />
          )
        ) : (
          <span className="pyr-hint">
            {props.isListed
              ? trans.__('Nothing logged up to this step')
              : props.isCut
                ? trans.__('Not listed')
                : trans.__('Not logged')}
          </span>
        )}
      </div>
      <Caption medium={medium} step={props.step} />
    </td>
  );
});

function captionOf(
  trans: ITrans,
  name: string,
  task: string,
  { step }: Medium
): string {
  return step === null
    ? trans.__('%1 of %2', name, task)
    : trans.__('%1 of %2 at step %3', name, task, step);
}

/**
 * The step of a medium, which is marked if it is an earlier one than the
 * slider's, and whether only its beginning is shown.
 */
function Caption(props: {
  medium: Medium | null;
  step: number | null;
}): JSX.Element {
  const trans = useTrans();
  const { medium, step } = props;
  const of = medium?.step ?? null;
  const { maxBytes, isWhole } = maxBytesOf(medium?.kind ?? 'text');
  const isPart = medium && !isWhole && medium.size > maxBytes;
  return (
    <div className="pyr-note pyr-media-caption">
      {of === null ? (
        !isPart && '\u00a0'
      ) : of === step ? (
        trans.__('Step %1', of)
      ) : (
        <em title={trans.__('The last one before step %1', step ?? '')}>
          {trans.__('Step %1 (earlier)', of)}
        </em>
      )}
      {isPart && ` ${trans.__('Showing the first %1.', bytes(maxBytes))}`}
    </div>
  );
}

function Content(props: {
  model: MediaModel;
  medium: Medium;
  label: string;
}): JSX.Element | null {
  const { model, medium, label } = props;
  const trans = useTrans();
  const { maxBytes, isWhole } = maxBytesOf(medium.kind);
  const isTooLarge = isWhole && medium.size > maxBytes;
  const key = JSON.stringify(medium);
  const question = React.useMemo(
    () =>
      isTooLarge
        ? null
        : (signal: AbortSignal) => model.read(medium, maxBytes, signal),
    // Another list may have the same medium as another object.
    // eslint-disable-next-line react-hooks/exhaustive-deps
    [model, key, isTooLarge, maxBytes]
  );
  const { value, error, ask } = useRequest(question);
  // What was shown before stays until the next one is loaded.
  const last = React.useRef<{ medium: Medium; blob: Blob } | null>(null);
  if (value) {
    last.current = { medium, blob: value };
  }
  if (isTooLarge) {
    return (
      <span className="pyr-hint">
        {trans.__('Too large to show (%1)', bytes(medium.size))}
      </span>
    );
  }
  if (error) {
    return (
      <span className="pyr-hint" role="alert">
        {error.message}{' '}
        <Button label={trans.__('Retry')} onClick={() => void ask()} />
      </span>
    );
  }
  return (
    last.current && (
      <div className={`pyr-media-file${value ? '' : ' pyr-is-dim'}`}>
        <FileContent
          kind={medium.kind}
          path={last.current.medium.path}
          label={label}
          blob={last.current.blob}
        />
      </div>
    )
  );
}

/** Whether an element is in or near the visible part of the page. */
function useIsVisible(): [React.RefObject<HTMLTableCellElement>, boolean] {
  const place = React.useRef<HTMLTableCellElement>(null);
  const isKnown = typeof IntersectionObserver !== 'undefined';
  const [isVisible, setVisible] = React.useState(!isKnown);
  React.useEffect(() => {
    if (!place.current || !isKnown) {
      return;
    }
    const observer = new IntersectionObserver(
      entries => setVisible(entries[entries.length - 1].isIntersecting),
      { rootMargin: MARGIN }
    );
    observer.observe(place.current);
    return () => observer.disconnect();
  }, [isKnown]);
  return [place, isVisible];
}
