/** The search above the table of tasks, and what is said about it. */
import * as React from 'react';

import type { ICompletion, IVocabulary } from '../../model/completion';
import { complete } from '../../model/completion';
import type { TaskListModel } from '../../model/tasklist';
import type { ITaskListState } from '../../model/taskliststate';
import { useTrans } from '../shared/context';
import { Icon } from '../shared/icons';
import { IconButton, Link } from '../shared/button';
import { SearchHelp } from './searchhelp';
import { Suggestions } from './suggestions';

/** Pause after the last key before a search is asked for, in milliseconds. */
const TYPING = 200;

/** Lines that are shown of a search that has more. */
const MOST_LINES = 5;

export interface ISearchProps {
  model: TaskListModel;
  state: ITaskListState;
  /** Id of the element that says what is wrong. */
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
    // Somebody else changed the search, for example "Show all".
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
    // A key waits for its operator, a value is complete.
    const query = text.slice(0, from) + item + text.slice(to);
    offer(null);
    setText(query);
    ask(query);
    requestAnimationFrame(() => {
      input.current?.focus();
      input.current?.setSelectionRange(from + item.length, from + item.length);
    });
  };
  /** Whether a key was meant for what is offered. */
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
        rows={Math.min(MOST_LINES, text.split('\n').length)}
        spellCheck={false}
        autoComplete="off"
        autoCapitalize="off"
        placeholder={trans.__('Search, e.g. lr<0.01 acc>=0.9')}
        aria-label={trans.__('Search tasks')}
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
          timer.current = setTimeout(() => ask(query), TYPING);
        }}
        onBlur={() => offer(null)}
        onKeyDown={event => {
          if (event.nativeEvent.isComposing || chose(event)) {
            return;
          }
          // Another line, which has to match too, begins with Shift+Enter.
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
          label={trans.__('Clear the search')}
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

/** What is wrong with the search, or to be known about its result. */
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
                title={trans.__('Search for this instead')}
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

/** A sentence in which `code` stands between backticks. */
function Sentence(props: { text: string }): JSX.Element {
  const parts = props.text.split('`');
  return (
    <>
      {parts.map((part, index) =>
        // The last one has no closing backtick behind it.
        index % 2 === 1 && index < parts.length - 1 ? (
          <code key={index}>{part}</code>
        ) : (
          part
        )
      )}
    </>
  );
}

/** Where in the search something is wrong, as the beginning of a sentence. */
function place(
  note: { field?: string | null; line?: number | null; column?: number | null },
  lines: number,
  trans: ReturnType<typeof useTrans>
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
