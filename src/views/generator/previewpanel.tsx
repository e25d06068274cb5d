import * as React from 'react';

import type { FieldError } from '../../client/types';
import type { DraftModel } from '../../model/draft';
import type { IDraftState } from '../../model/draftstate';
import type { Engine } from '../../model/runoptions';
import { isRunField } from '../../model/runoptions';
import type { IDraftPreview } from '../../model/studyform';
import { Link } from '../shared/button';
import type { ITrans } from '../shared/context';
import { useTrans } from '../shared/context';
import { countOfTasks, exactValue, shortKeys } from '../shared/format';
import { Icon } from '../shared/icons';
import { CreateForm, namesByPattern } from './create';
import { splitName, TaskName } from '../shared/tasklines';
import {
  ModeSwitch,
  PreviewTable,
  searchErrorsOf,
  SearchSpaceTable
} from './studyform';

const MAX_NOTICES = 5;

export interface IPreviewPanelProps {
  model: DraftModel;
  state: IDraftState;
  errors: readonly FieldError[];
  /** Whether the user may create, and start, tasks. */
  canWrite: boolean;
  canExecute: boolean;
  /** Where tasks run unless the options say otherwise. */
  engine: Engine;
  prefix: string;
  /** Whether trials can be chosen from earlier results. */
  canBeAdaptive: boolean;
  onError: (error: FieldError) => void;
  onCreate: (run: boolean) => void;
  onBegin: () => void;
}

/** The buttons that make tasks, and what the draft would make. */
export function PreviewPanel(props: IPreviewPanelProps): JSX.Element {
  const trans = useTrans();
  const { state, errors, prefix } = props;
  const { preview, previewProblem } = state;
  const nameErrors = errors.filter(
    error => error.field === 'name' && !error.line
  );
  const runErrors = errors.filter(
    error => !error.line && isRunField(error.field)
  );
  const searchErrors = state.search ? searchErrorsOf(errors) : [];
  const placed = [...nameErrors, ...runErrors, ...searchErrors];
  const others = errors.filter(error => !placed.includes(error));
  return (
    <aside
      className="pyr-column pyr-preview-panel"
      aria-label={trans.__('Preview')}
    >
      {props.canBeAdaptive && (
        <ModeSwitch
          isSearch={state.search !== null}
          onChange={isSearch =>
            isSearch
              ? void props.model.beginSearching()
              : props.model.setSearch(null)
          }
        />
      )}
      <CreateForm
        {...props}
        nameErrors={nameErrors}
        runErrors={runErrors}
        searchErrors={searchErrors}
      />
      <Places errors={others} isError onShow={props.onError} />
      <div className="pyr-preview-head" aria-live="polite">
        <p className={`pyr-count ${errors.length ? 'pyr-is-dim' : ''}`}>
          {countLine(trans, state, errors.length > 0)}
        </p>
        {!state.search && <Axes preview={preview} />}
        {namesByPattern(state) && nameErrors.length === 0 && (
          <p id={`${prefix}@name-help`} className="pyr-note">
            {trans.__(
              'Use a pattern such as %1 to name tasks by their values.',
              patternOf(preview)
            )}
          </p>
        )}
        {preview !== null &&
          preview.duplicates > 0 &&
          !preview.notices?.length && (
            <p className="pyr-note">
              {trans._n(
                '%1 duplicate configuration skipped.',
                '%1 duplicate configurations skipped.',
                preview.duplicates
              )}
            </p>
          )}
        {state.parameters &&
          !state.search &&
          (preview?.rows.length ?? 0) > 0 && (
            <p className="pyr-note">
              <Link
                aria-pressed={state.commands}
                onClick={() => props.model.setCommands(!state.commands)}
              >
                {state.commands
                  ? trans.__('Hide commands')
                  : trans.__('Show commands')}
              </Link>
            </p>
          )}
        <Places
          errors={preview?.notices?.slice(0, MAX_NOTICES) ?? []}
          onShow={props.onError}
        />
        {previewProblem && (
          <p className="pyr-note pyr-note-warning" role="status">
            <Icon name="warning" />
            {previewProblem.isUnreachable
              ? trans.__('The server does not respond. Retrying…')
              : previewProblem.message}
          </p>
        )}
      </div>
      {state.search ? (
        <SearchSpaceTable preview={preview} dim={errors.length > 0} />
      ) : (
        <Table preview={preview} dim={errors.length > 0} />
      )}
    </aside>
  );
}

function countLine(
  trans: ITrans,
  { preview, search }: IDraftState,
  wrong: boolean
): string {
  if (preview === null) {
    return '…';
  }
  if (wrong && preview.count === 0) {
    return search ? trans.__('No studies yet') : trans.__('No tasks yet');
  }
  if (search) {
    const { count } = preview;
    return trans._n('1 trial', '%2 trials', count, count.toLocaleString());
  }
  return countOfTasks(trans, preview.count);
}

/** What is wrong, or allowed but may not be meant; a click leads to its place. */
function Places(props: {
  errors: readonly FieldError[];
  isError?: boolean;
  onShow: (error: FieldError) => void;
}): JSX.Element | null {
  const { errors, isError } = props;
  const trans = useTrans();
  return errors.length === 0 ? null : (
    <ul className={isError ? 'pyr-errors' : 'pyr-notices'}>
      {errors.map((error, index) => (
        <li key={index}>
          <button
            type="button"
            className={isError ? 'pyr-error-item' : 'pyr-note pyr-notice-item'}
            onClick={() => props.onShow(error)}
            title={trans.__('Go to error')}
          >
            {isError && <Icon name="warning" />}
            <span>
              {error.line ? <b>{trans.__('Line %1: ', error.line)}</b> : null}
              {error.message}
            </span>
          </button>
        </li>
      ))}
    </ul>
  );
}

/** How the number comes about: lr 3 × seed 2. */
function Axes({
  preview
}: {
  preview: IDraftPreview | null;
}): JSX.Element | null {
  if (!preview || preview.axes.length < 2) {
    return null;
  }
  return (
    <p className="pyr-faint">
      {preview.axes.map((axis, index) => (
        <React.Fragment key={axis.key}>
          {index > 0 &&
            (axis.kind === 'zip' && preview.axes[index - 1].kind === 'zip'
              ? ' + '
              : ' × ')}
          <span className="pyr-axis">
            {axis.key} <b>{axis.count}</b>
          </span>
        </React.Fragment>
      ))}
    </p>
  );
}

/** A name pattern for what is swept: `{lr}-{seed}`. */
function patternOf(preview: IDraftPreview | null): string {
  const fields = (preview?.axes ?? []).slice(0, 2).map(axis => `{${axis.key}}`);
  return (fields.length ? fields : ['{n}']).join('-');
}

/** Exactly what differs between the tasks. */
function Table(props: {
  preview: IDraftPreview | null;
  dim: boolean;
}): JSX.Element {
  const trans = useTrans();
  const { count = 0, rows = [], axes = [] } = props.preview ?? {};
  const swept = axes.map(axis => axis.key);
  const keys = [
    ...swept.filter(key => rows.some(row => key in row.values)),
    ...Object.keys(rows[0]?.values ?? {}).filter(key => !swept.includes(key))
  ];
  const titles = shortKeys(keys);
  return (
    <PreviewTable
      label={trans.__('Tasks to create')}
      dim={props.dim}
      rows={rows}
      columns={[
        {
          id: '',
          title: trans.__('Task'),
          cell: ({ name, values }) => (
            <TaskName {...splitName({ name, swept: values })} />
          ),
          text: ({ name }) => name
        },
        ...keys.map((key, at) => ({
          id: key,
          title: titles[at],
          fullTitle: key,
          className: 'pyr-preview-value',
          cell: ({ values }: { values: Record<string, unknown> }) =>
            exactValue(values[key])
        })),
        ...(rows[0]?.command === undefined
          ? []
          : [
              {
                id: '$command',
                title: trans.__('Command'),
                className: 'pyr-preview-value',
                cell: ({ command }: { command?: string }) => command ?? ''
              }
            ])
      ]}
    >
      {count > rows.length && rows.length > 0 && (
        <p className="pyr-note">
          {trans.__(
            'Showing the first %1 of %2.',
            rows.length,
            count.toLocaleString()
          )}
        </p>
      )}
    </PreviewTable>
  );
}
