import * as React from 'react';

import type { FieldError, Parameter } from '../../client/types';
import type { DraftModel } from '../../model/draft';
import type { IAxis, IDraftPreview } from '../../model/studyform';
import type { IEntry } from '../../model/yamlscan';
import { useTrans } from '../shared/context';
import { Icon } from '../shared/icons';
import { Button, TextInput } from '../shared/button';
import { EmptyState } from '../shared/emptystate';
import { COMMAND_LINE, Field } from './field';
import type { IGroup, IRow } from './rows';
import {
  axesByPath,
  filterRows,
  groupsOf,
  PINNED,
  pinRows,
  placeholdersOf,
  searchRows
} from './rows';

/** The number of parameters from which there is a search box. */
const SEARCH_FROM = 8;

export interface IFormProps {
  model: DraftModel;
  /** What the draft's text consists of. */
  entries: readonly IEntry[];
  preview: IDraftPreview | null;
  /** Keys that are pinned to the top. */
  pinned: readonly string[];
  errors: ReadonlyMap<string, FieldError[]>;
  /** Makes the fields' ids unique in the page. */
  prefix: string;
  readOnly: boolean;
}

/** The parameters as fields. */
export function Form(props: IFormProps): JSX.Element {
  const trans = useTrans();
  const { model, entries, errors, prefix, readOnly } = props;
  const parameters = model.getSnapshot().parameters;
  const [search, setSearch] = React.useState('');
  /** With only what is changed: the keys that were when that was asked for. */
  const [kept, setKept] = React.useState<ReadonlySet<string> | null>(null);
  const [folded, setFolded] = React.useState<ReadonlySet<string>>(new Set());

  const isCommand = parameters?.kind === 'command';
  const commandLine = isCommand
    ? (entries.find(entry => entry.path === COMMAND_LINE)?.text ?? '')
    : '';
  const all = React.useMemo(
    () => [
      ...(parameters?.parameters ?? []),
      ...placeholdersOf(commandLine).map(placeholder)
    ],
    [parameters, commandLine]
  );
  const groups = React.useMemo(() => groupsOf(entries, all), [entries, all]);
  const axes = useAxes(props);
  const change = React.useCallback(
    (path: string, value: string) => model.setValue(path, value),
    [model]
  );
  const pin = React.useCallback(
    (path: string, isPinned: boolean) => model.setPinned(path, isPinned),
    [model]
  );
  const { pinned } = props;
  const count = groups.reduce((sum, group) => sum + group.rows.length, 0);
  const isChanged = (row: IRow) =>
    row.text !== null && row.text !== model.defaultOf(row.path);
  const ordered = pinRows(groups, pinned);
  const changed = ordered.flatMap(group => group.rows.filter(isChanged));
  const shown = searchRows(
    // A field does not vanish under the hands when its default is typed.
    kept
      ? filterRows(ordered, row => kept.has(row.path) || isChanged(row))
      : ordered,
    search
  );

  if (count === 0) {
    return (
      <EmptyState
        icon="filter"
        title={trans.__('No parameters found')}
        text={trans.__(
          'Enter keys and values in “YAML”, or create one task with the defaults.'
        )}
      />
    );
  }
  return (
    <div className="pyr-form">
      {count >= SEARCH_FROM && (
        <div className="pyr-line pyr-form-search">
          <Icon name="search" />
          <TextInput
            type="search"
            value={search}
            placeholder={trans.__('Filter %1 parameters', count)}
            aria-label={trans.__('Filter parameters')}
            onValue={setSearch}
          />
          <Button
            label={trans.__('Changed: %1', changed.length)}
            title={trans.__('Show only values that differ from the defaults')}
            aria-pressed={kept !== null}
            onClick={() =>
              setKept(kept ? null : new Set(changed.map(row => row.path)))
            }
          />
        </div>
      )}
      {isCommand && (
        <p className="pyr-faint">
          {parameters.parameters.some(({ name }) =>
            name.startsWith('constants.')
          )
            ? trans.__(
                'This script has no command-line parser. Set its constants, or enter a command line, with {name} for each value. A task with changed constants runs a copy of the script.'
              )
            : trans.__(
                'Couldn’t detect this script’s parameters. Enter its command line, with {name} for each value.'
              )}
        </p>
      )}
      {shown.length === 0 && (
        <p className="pyr-faint">
          {search
            ? trans.__('No parameter matches “%1”.', search)
            : trans.__('No changes from the defaults.')}
        </p>
      )}
      {shown.map((group, index) => (
        <Group
          key={group.name}
          group={group}
          first={index === 0}
          folded={folded.has(group.name) && !search}
          wrong={group.rows.some(row => errors.has(row.path))}
          swept={group.rows.filter(row => axes.has(row.path)).length}
          onFold={() => {
            const next = new Set(folded);
            if (!next.delete(group.name)) {
              next.add(group.name);
            }
            setFolded(next);
          }}
        >
          {group.rows.map(row => (
            <Field
              key={row.path}
              row={row}
              id={`${prefix}-${row.path}`}
              axis={axes.get(row.path)}
              errors={errors.get(row.path)}
              defaultText={model.defaultOf(row.path)}
              readOnly={readOnly}
              pinned={pinned.includes(row.path)}
              onPin={pin}
              onChange={change}
            />
          ))}
        </Group>
      ))}
    </div>
  );
}

/** A key that a free command line asks for, as a parameter. */
function placeholder(name: string): Parameter {
  return {
    name,
    type: 'str',
    default: null,
    required: true,
    help: '',
    group: '',
    choices: null,
    flags: []
  };
}

/** The axes by key; a mistake elsewhere does not take them away. */
function useAxes(props: IFormProps): ReadonlyMap<string, IAxis> {
  const { model, entries, preview } = props;
  const known = React.useRef<{ axis: IAxis; text: string | undefined }[]>([]);
  const fresh = model.getSnapshot().fresh;
  return React.useMemo(() => {
    const texts = new Map(entries.map(item => [item.path, item.text]));
    if (!preview || preview.errors.length === 0) {
      const axes = preview?.axes ?? [];
      if (fresh) {
        known.current = axes.map(axis => ({ axis, text: texts.get(axis.key) }));
      }
      return axesByPath(axes);
    }
    const still = known.current.filter(
      item => item.text === texts.get(item.axis.key)
    );
    return axesByPath([...still.map(item => item.axis), ...preview.axes]);
  }, [preview, fresh, entries]);
}

function Group(props: {
  group: IGroup;
  first: boolean;
  folded: boolean;
  wrong: boolean;
  swept: number;
  onFold: () => void;
  children: React.ReactNode;
}): JSX.Element {
  const trans = useTrans();
  const { group, folded, onFold } = props;
  if (!group.name && props.first) {
    return <div className="pyr-group">{props.children}</div>;
  }
  return (
    <section className="pyr-group">
      <h3>
        <button
          type="button"
          className="pyr-group-title"
          aria-expanded={!folded}
          onClick={onFold}
        >
          <span className={`pyr-fold ${folded ? 'pyr-is-folded' : ''}`}>
            <Icon name="down" />
          </span>
          {group.name === PINNED
            ? trans.__('Pinned')
            : group.name || trans.__('Other')}
          <span className="pyr-group-count">{group.rows.length}</span>
          {folded && props.swept > 0 && (
            <span className="pyr-chip">
              {trans._n('%1 sweep', '%1 sweeps', props.swept)}
            </span>
          )}
          {folded && props.wrong && (
            <span className="pyr-group-invalid">
              <Icon name="warning" />
            </span>
          )}
        </button>
      </h3>
      {!folded && props.children}
    </section>
  );
}
