import * as React from 'react';

import type { FieldError } from '../../client/types';
import type { IAxis } from '../../model/studyform';
import { alternativesOf, safeValue, valueText } from '../../model/yamltext';
import type { ITrans } from '../shared/context';
import { useTrans } from '../shared/context';
import { OpenButton, Popup, PopupItem } from '../shared/popup';
import { IconButton, Link } from '../shared/button';
import { isShallowEqual } from '../shared/store';
import type { IRow } from './rows';

/** The key of a free command line, for scripts whose parameters are not seen. */
export const COMMAND_LINE = 'command_line';

export interface IFieldProps {
  row: IRow;
  id: string;
  axis: IAxis | undefined;
  errors: readonly FieldError[] | undefined;
  defaultText: string;
  readOnly: boolean;
  /** Whether it is pinned to the top. */
  pinned: boolean;
  onPin: (path: string, pin: boolean) => void;
  onChange: (path: string, value: string) => void;
}

/**
 * One row of the form: a parameter's name, its value as written, its help.
 *
 * Each key that is typed makes new rows of the whole text, most of which show
 * what they showed before.
 */
export const Field = React.memo(
  FieldView,
  ({ row, ...before }, { row: fresh, ...after }) =>
    isShallowEqual(row, fresh) && isShallowEqual<object>(before, after)
);

function FieldView(props: IFieldProps): JSX.Element {
  const trans = useTrans();
  const { row, id, axis, errors, defaultText, readOnly, onChange } = props;
  const text = row.text ?? '';
  const missing = row.text === null;
  const changed = !missing && text !== defaultText;
  const wrong = errors !== undefined && errors.length > 0;
  const described =
    [row.help ? `${id}-help` : '', wrong ? `${id}-error` : '']
      .filter(Boolean)
      .join(' ') || undefined;
  const classes = [
    'pyr-field',
    axis && 'pyr-field-swept',
    wrong && 'pyr-field-invalid',
    missing && 'pyr-field-missing'
  ];
  return (
    <div className={classes.filter(Boolean).join(' ')} data-path={row.path}>
      <div className="pyr-line pyr-field-name">
        <label className="pyr-cut" htmlFor={id} title={row.path}>
          {row.label}
        </label>
        <span className={`pyr-type pyr-type-${row.type}`}>{row.type}</span>
        {row.parameter?.required && (
          <span
            className="pyr-required"
            title={trans.__('The script requires a value')}
            aria-label={trans.__('required')}
          >
            *
          </span>
        )}
      </div>
      <div className="pyr-field-value">
        <ValueInput
          id={id}
          text={text}
          blank={isBlank(row, text)}
          placeholder={placeholderOf(trans, row, defaultText)}
          type={row.type}
          choices={choicesOf(row)}
          label={row.label}
          wrong={wrong}
          described={described}
          readOnly={readOnly}
          onChange={value => onChange(row.path, value)}
        />
        {wrong && (
          <p id={`${id}-error`} className="pyr-field-error">
            {errors.map(error => error.message).join(' ')}
          </p>
        )}
        {row.help && (
          <p id={`${id}-help`} className="pyr-field-help pyr-faint">
            {row.help}
          </p>
        )}
      </div>
      <div className="pyr-line pyr-field-end">
        {axis && <AxisChip axis={axis} />}
        {changed && !readOnly && (
          <IconButton
            icon="undo"
            label={
              defaultText
                ? trans.__('Reset to the default: %1', defaultText)
                : trans.__('Reset to the default: no value')
            }
            onClick={() => onChange(row.path, defaultText)}
          />
        )}
        <IconButton
          icon="pin"
          className="pyr-on-hover"
          label={
            props.pinned
              ? trans.__('Unpin %1', row.label)
              : trans.__('Pin %1 to the top', row.label)
          }
          aria-pressed={props.pinned}
          onClick={() => props.onPin(row.path, !props.pinned)}
        />
      </div>
    </div>
  );
}

/** Whether nothing was written yet, though YAML needs a value there. */
function isBlank(row: IRow, text: string): boolean {
  return row.path === COMMAND_LINE
    ? /^(?:""|''|null|)$/.test(text)
    : row.parameter?.required === true && /^(?:null|~)$/.test(text);
}

function placeholderOf(trans: ITrans, row: IRow, defaultText: string): string {
  if (row.path === COMMAND_LINE) {
    return '--lr {lr} --data {data}';
  }
  return row.parameter?.required && /^(?:null|~|)$/.test(defaultText)
    ? trans.__('needs a value')
    : defaultText;
}

function choicesOf(row: IRow): string[] {
  if (row.parameter?.choices) {
    return row.parameter.choices.map(valueText);
  }
  return row.type === 'bool' ? ['true', 'false'] : [];
}

interface IValueProps {
  id: string;
  text: string;
  /** The text means "no value" and is shown as an empty field. */
  blank: boolean;
  placeholder: string;
  type: IRow['type'];
  choices: readonly string[];
  label: string;
  wrong: boolean;
  described: string | undefined;
  readOnly: boolean;
  onChange: (value: string) => void;
}

/** A value as it is written; what is typed stays as typed while it is right. */
function ValueInput(props: IValueProps): JSX.Element {
  const trans = useTrans();
  const { text, onChange, readOnly } = props;
  const [typed, setTyped] = React.useState(props.blank ? '' : text);
  const [asText, setAsText] = React.useState(false);
  const shown = props.blank ? '' : text;
  const value = safeValue(typed) === text ? typed : shown;
  const type = (next: string) => {
    // A field does not turn into a switch under the hands.
    setAsText(props.type === 'bool');
    setTyped(next);
    onChange(next);
  };
  const common = {
    id: props.id,
    value,
    placeholder: props.placeholder,
    readOnly,
    spellCheck: false,
    autoComplete: 'off',
    'aria-invalid': props.wrong,
    'aria-describedby': props.described,
    onBlur: () => setAsText(false),
    onChange: (
      event: React.ChangeEvent<HTMLInputElement | HTMLTextAreaElement>
    ) => type(event.target.value)
  };

  if (props.type === 'bool' && !asText && /^(?:true|false)$/i.test(text)) {
    const on = /^true$/i.test(text);
    return (
      <div className="pyr-line pyr-input-line">
        <button
          type="button"
          id={props.id}
          role="switch"
          className="pyr-switch"
          aria-checked={on}
          aria-describedby={props.described}
          disabled={readOnly}
          onClick={() => onChange(on ? 'false' : 'true')}
        >
          <span className="pyr-switch-knob" />
        </button>
        <code className="pyr-switch-text">{text}</code>
        {!readOnly && (
          <Link
            title={trans.__('Create tasks with both values')}
            onClick={() => onChange(on ? 'true | false' : 'false | true')}
          >
            {trans.__('sweep both')}
          </Link>
        )}
      </div>
    );
  }
  if (/[\r\n]/.test(value)) {
    return (
      <textarea
        {...common}
        className="pyr-input"
        rows={Math.min(8, value.split('\n').length + 1)}
      />
    );
  }
  return (
    <div className="pyr-line pyr-input-line">
      <input {...common} type="text" className="pyr-input" />
      {props.choices.length > 0 && !readOnly && (
        <Choices
          choices={props.choices}
          label={props.label}
          text={text}
          onChange={onChange}
        />
      )}
    </div>
  );
}

/** The values a parameter may have, to take one or to sweep several. */
function Choices(props: {
  choices: readonly string[];
  label: string;
  text: string;
  onChange: (value: string) => void;
}): JSX.Element {
  const trans = useTrans();
  const taken = alternativesOf(props.text);
  const toggle = (choice: string) => {
    const rest = taken.includes(choice)
      ? taken.filter(item => item !== choice)
      : [...taken.filter(item => item !== ''), choice];
    if (rest.length > 0) {
      props.onChange(rest.join(' | '));
    }
  };
  const label = trans.__('Values of %1', props.label);
  return (
    <OpenButton
      icon="down"
      iconOnly
      label={label}
      title={trans.__('Show possible values')}
      opens={({ anchor, onClose }) => (
        <Popup
          anchor={anchor.parentElement ?? anchor}
          onClose={onClose}
          label={label}
        >
          {props.choices.map((choice, index) => (
            <div key={choice} className="pyr-line pyr-choice">
              <input
                type="checkbox"
                checked={taken.includes(choice)}
                title={trans.__('Sweep this value too')}
                aria-label={trans.__('Sweep %1', choice)}
                onChange={() => toggle(choice)}
              />
              <PopupItem
                autoFocus={index === 0}
                className="pyr-choice-value"
                onChoose={() => props.onChange(choice)}
              >
                {choice}
              </PopupItem>
            </div>
          ))}
          <p className="pyr-popup-hint">
            {trans.__('Select several values to sweep them.')}
          </p>
        </Popup>
      )}
    />
  );
}

function kindWord(trans: ITrans, axis: IAxis): string {
  switch (axis.kind) {
    case 'zip':
      return trans.__('zip');
    case 'range':
    case 'lin':
    case 'log':
      return trans.__('range');
    case 'choice':
    case 'uniform':
      return trans.__('sample');
    case 'ordered':
      return trans.__('choice');
    default:
      return trans.__('sweep');
  }
}

/** How many values a parameter takes, and which. */
export function AxisChip({ axis }: { axis: IAxis }): JSX.Element {
  const trans = useTrans();
  if (axis.span !== undefined) {
    return (
      <span className="pyr-chip pyr-chip-interval" title={axis.span}>
        {axis.isLog ? trans.__('log range') : trans.__('range')}
      </span>
    );
  }
  const rest = axis.count - axis.values.length;
  const values = axis.values.join('\n');
  return (
    <span
      className={`pyr-chip pyr-chip-${axis.kind}`}
      title={rest > 0 ? trans.__('%1\n… and %2 more', values, rest) : values}
    >
      {kindWord(trans, axis)} <b>{axis.count}</b>
    </span>
  );
}
