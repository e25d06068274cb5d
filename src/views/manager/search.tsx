/** The query above the table of tasks, with completion, errors and help. */
import * as React from 'react';

import type { ICompletion, IVocabulary } from '../../model/completion';
import { complete } from '../../model/completion';
import type { TaskListModel } from '../../model/tasklist';
import type { ITaskListState } from '../../model/taskliststate';
import type { ITrans } from '../shared/context';
import { useTrans } from '../shared/context';
import { Icon } from '../shared/icons';
import { OpenButton, Popup, PopupItem } from '../shared/popup';
import { IconButton, Link } from '../shared/button';

/** Pause after the last key before the query is sent, in milliseconds. */
const TYPING_MS = 200;

/** Lines of the input for a longer query. */
const MAX_LINES = 5;

export interface ISearchProps {
  model: TaskListModel;
  state: ITaskListState;
  /** Id of the element with the errors. */
  notes: string;
  vocabulary: IVocabulary;
}

export function Search(props: ISearchProps): JSX.Element {
  const { model, state } = props;
  const trans = useTrans();
  const asked = state.listing.query;
  const [text, setText] = React.useState(asked);
  const timer = React.useRef<ReturnType<typeof setTimeout>>();
  const sent = React.useRef(asked);
  const input = React.useRef<HTMLTextAreaElement>(null);
  const list = React.useId();
  const [completion, setCompletion] = React.useState<ICompletion | null>(null);
  const [active, setActive] = React.useState(-1);
  const offer = (next: ICompletion | null) => {
    setCompletion(next);
    setActive(-1);
  };
  React.useEffect(() => {
    // Something else changed the query, for example *Show all*.
    if (asked !== sent.current) {
      clearTimeout(timer.current);
      sent.current = asked;
      setText(asked);
    }
  }, [asked]);
  React.useEffect(() => () => clearTimeout(timer.current), []);

  const ask = (query: string) => {
    clearTimeout(timer.current);
    if (query !== sent.current) {
      sent.current = query;
      model.setListing({ query });
    }
  };
  const change = (query: string) => {
    setText(query);
    ask(query);
    input.current?.focus();
  };
  const take = (item: string) => {
    if (!completion) {
      return;
    }
    const { from, to } = completion;
    // A key is followed by an operator, a value is complete.
    const query = text.slice(0, from) + item + text.slice(to);
    offer(null);
    setText(query);
    ask(query);
    requestAnimationFrame(() => {
      input.current?.focus();
      input.current?.setSelectionRange(from + item.length, from + item.length);
    });
  };
  /** Handle a key for the list of completions; returns whether it was one. */
  const chose = (event: React.KeyboardEvent): boolean => {
    if (!completion) {
      return false;
    }
    const { items } = completion;
    switch (event.key) {
      case 'ArrowDown':
        setActive(Math.min(items.length - 1, active + 1));
        break;
      case 'ArrowUp':
        if (active < 0) {
          return false;
        }
        setActive(active - 1);
        break;
      case 'Tab':
        if (event.shiftKey) {
          return false;
        }
        take(items[Math.max(0, active)]);
        break;
      case 'Enter':
        if (active < 0) {
          offer(null);
          return false;
        }
        take(items[active]);
        break;
      case 'Escape':
        offer(null);
        break;
      default:
        return false;
    }
    event.preventDefault();
    event.stopPropagation();
    return true;
  };
  return (
    <div className="pyr-search">
      <Icon name="search" />
      <textarea
        ref={input}
        className="pyr-input"
        rows={Math.min(MAX_LINES, text.split('\n').length)}
        spellCheck={false}
        autoComplete="off"
        autoCapitalize="off"
        placeholder={trans.__('Filter, e.g. lr<0.01 acc>=0.9')}
        aria-label={trans.__('Filter tasks')}
        aria-invalid={state.queryError !== null}
        aria-describedby={props.notes}
        aria-autocomplete="list"
        aria-controls={completion ? list : undefined}
        aria-activedescendant={
          completion && active >= 0 ? `${list}-${active}` : undefined
        }
        value={text}
        onChange={event => {
          const query = event.target.value;
          setText(query);
          offer(complete(query, event.target.selectionStart, props.vocabulary));
          clearTimeout(timer.current);
          timer.current = setTimeout(() => ask(query), TYPING_MS);
        }}
        onBlur={() => offer(null)}
        onKeyDown={event => {
          if (event.nativeEvent.isComposing || chose(event)) {
            return;
          }
          // Shift+Enter begins another line, which has to match as well.
          if (event.key === 'Enter' && !event.shiftKey) {
            event.preventDefault();
            ask(text);
          } else if (event.key === 'Escape' && text) {
            event.stopPropagation();
            setText('');
            ask('');
          }
        }}
      />
      {text && (
        <IconButton
          icon="close"
          label={trans.__('Clear query')}
          onClick={() => change('')}
        />
      )}
      {completion && (
        <Suggestions
          id={list}
          completion={completion}
          active={active}
          onTake={take}
        />
      )}
      <SearchHelp
        onExample={example =>
          change(text.trim() ? `${text.trim()} ${example}` : example)
        }
      />
    </div>
  );
}

/** Errors in the query, or notices about its result. */
export function SearchNotes(props: {
  id: string;
  model: TaskListModel;
  state: ITaskListState;
}): JSX.Element {
  const { model, state } = props;
  const trans = useTrans();
  const error = state.queryError;
  const notes = error ? [error] : state.notices;
  const lines = state.listing.query.split('\n').length;
  return (
    <div id={props.id} className="pyr-search-notes" aria-live="polite">
      {notes.map((note, index) => (
        <div
          key={index}
          className={error ? 'pyr-search-note pyr-is-error' : 'pyr-search-note'}
        >
          <Icon name={error ? 'failed' : 'warning'} />
          <span>
            {error && place(note, lines, trans)}
            <Sentence text={note.message} />
          </span>
          {(note.field ?? 'query') === 'query' &&
            note.suggestions?.map(suggestion => (
              <Link
                key={suggestion}
                title={trans.__('Use this query instead')}
                onClick={() => model.setListing({ query: suggestion })}
              >
                {suggestion}
              </Link>
            ))}
        </div>
      ))}
    </div>
  );
}

/** A sentence with `code` between backticks. */
function Sentence(props: { text: string }): JSX.Element {
  const parts = props.text.split('`');
  return (
    <>
      {parts.map((part, index) =>
        // The last part has no closing backtick.
        index % 2 === 1 && index < parts.length - 1 ? (
          <code key={index}>{part}</code>
        ) : (
          part
        )
      )}
    </>
  );
}

/** The position of an error in the query, as the beginning of a sentence. */
function place(
  note: { field?: string | null; line?: number | null; column?: number | null },
  lines: number,
  trans: ITrans
): string {
  if (!note.column || (note.field ?? 'query') !== 'query') {
    return '';
  }
  const where =
    lines > 1
      ? trans.__('Line %1, column %2:', note.line, note.column)
      : trans.__('Column %1:', note.column);
  return `${where} `;
}

/** The completions, below the query. */
function Suggestions(props: {
  id: string;
  completion: ICompletion;
  /** The index of the active one, -1 for none. */
  active: number;
  onTake: (item: string) => void;
}): JSX.Element {
  const trans = useTrans();
  const { id, completion, active } = props;
  return (
    <ul
      id={id}
      className="pyr-suggestions"
      role="listbox"
      aria-label={trans.__('Suggestions')}
    >
      {completion.items.map((item, index) => (
        <li
          key={item}
          id={`${id}-${index}`}
          className="pyr-cut"
          role="option"
          aria-selected={index === active}
          // Before the query loses the focus.
          onPointerDown={event => {
            event.preventDefault();
            props.onTake(item);
          }}
        >
          {item}
        </li>
      ))}
      <li className="pyr-suggestions-hint" role="presentation">
        {trans.__('↓ select · Tab insert')}
      </li>
    </ul>
  );
}

/** The query syntax as examples, each of which can be added to the query. */
function examples(trans: ITrans): [string, string][] {
  return [
    ['adam "exact words"', trans.__('in names, values, notes or tags')],
    ['/run_\\d+$/', trans.__('a regular expression')],
    ['name:run*7', trans.__('* matches any text')],
    ['-adam', trans.__('exclude matches')],
    [
      '(adam OR sgd)',
      trans.__(
        'matches either term; separate terms and lines are combined with AND'
      )
    ],
    ['lr<0.01', trans.__('a swept value, metric or configuration key')],
    ['acc>=0.9', trans.__('also <=, >, = and !=')],
    ['lr:1e-4..1e-2', trans.__('from, to; either may be omitted')],
    ['opt:adam,sgd', trans.__('any of several values')],
    ['status:failed,running', trans.__('any of several statuses')],
    ['is:pinned', trans.__('also is:active, is:unreadable, kind:shell')],
    ['has:acc', trans.__('has a value; no:acc has no value')],
    [
      'has:alert',
      trans.__('the latest run has sent an alert; also alert:nan, alert:error')
    ],
    [
      'started<2h',
      trans.__('less than 2 hours ago; >2d is more than 2 days ago')
    ],
    ['started>2026-11-01', trans.__('after this day; also today')],
    ['duration>10m', trans.__('also runs>1, exit_code=1, progress<0.5')],
    [
      'name:run',
      trans.__('match this field only; also note:, tag:, gpu:, run:, message:')
    ],
    ['log:"out of memory"', trans.__('in the log of the latest run')]
  ];
}

function SearchHelp(props: { onExample: (text: string) => void }): JSX.Element {
  const trans = useTrans();
  return (
    <OpenButton
      icon="help"
      iconOnly
      label={trans.__('Query syntax')}
      opens={place => (
        <Popup
          {...place}
          label={trans.__('Query syntax')}
          className="pyr-search-help"
        >
          {examples(trans).map(([example, meaning], index) => (
            <PopupItem
              key={example}
              autoFocus={index === 0}
              title={trans.__('Add to the query')}
              onChoose={() => props.onExample(example)}
            >
              <code>{example}</code>
              <span>{meaning}</span>
            </PopupItem>
          ))}
          <p className="pyr-popup-hint">
            {trans.__('Press Shift+Enter to add a line. All lines must match.')}
          </p>
        </Popup>
      )}
    />
  );
}
