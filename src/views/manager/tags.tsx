/** Tags of tasks: as chips in a row, and the popup that edits them. */
import * as React from 'react';

import type { TaskRow } from '../../client/types';
import type { ITaskListState } from '../../model/taskliststate';
import type { ITrans } from '../shared/context';
import { useTrans } from '../shared/context';
import { Icon } from '../shared/icons';
import type { PopupPlace } from '../shared/popup';
import { Popup } from '../shared/popup';
import { TextInput } from '../shared/button';

/** Tags that are shown in a row; the others are counted. */
const MAX_TAGS = 2;

/** The tags of a task, each a button that filters by it. */
export function TagChips(props: {
  trans: ITrans;
  tags: readonly string[];
}): JSX.Element | null {
  const { trans, tags } = props;
  if (tags.length === 0) {
    return null;
  }
  const shown = tags.length > MAX_TAGS + 1 ? tags.slice(0, MAX_TAGS) : tags;
  const rest = tags.slice(shown.length);
  return (
    <span className="pyr-tags">
      {shown.map(tag => (
        <button
          key={tag}
          type="button"
          tabIndex={-1}
          className="pyr-tag pyr-cut"
          data-tag={tag}
          title={trans.__('Show tasks tagged %1', tag)}
        >
          {tag}
        </button>
      ))}
      {rest.length > 0 && (
        <span className="pyr-tag pyr-tag-rest" title={rest.join(', ')}>
          {`+${rest.length}`}
        </span>
      )}
    </span>
  );
}

/** A query with a filter for a tag added to it. */
export function withTag(query: string, tag: string): string {
  const term = /^[\p{L}\p{N}_.-]+$/u.test(tag) ? `tag:${tag}` : `tag:"${tag}"`;
  const lines = query.split('\n').map(line => line.trim());
  if (lines.some(line => line === term || line.split(/\s+/).includes(term))) {
    return query;
  }
  // On its own line, outside of an OR of the other terms.
  return query.trim()
    ? `${query.trim()}${/\bOR\b/.test(query) ? '\n' : ' '}${term}`
    : term;
}

/** Check boxes for the tags of some tasks, and a field for new ones. */
export function TagsPopup({
  state,
  names,
  onChange,
  ...popup
}: PopupPlace & {
  state: ITaskListState;
  /** The tasks whose tags are changed. */
  names: readonly string[];
  onChange: (action: 'tag-tasks' | 'untag-tasks', tags: string[]) => void;
}): JSX.Element {
  const trans = useTrans();
  const [text, setText] = React.useState('');
  const rows = React.useMemo(() => {
    const wanted = new Set(names);
    return state.rows.filter(row => row && wanted.has(row.name)) as TaskRow[];
  }, [state.rows, names]);
  const seen = useTagsSeen(state);
  const search = text.trim().toLowerCase();
  const shown = seen.filter(tag => tag.toLowerCase().includes(search));
  const fresh = text
    .split(',')
    .map(tag => tag.trim())
    .filter(Boolean);
  return (
    <Popup
      {...popup}
      label={
        names.length === 1
          ? trans.__('Tags of %1', names[0])
          : trans.__('Tags of %1 tasks', names.length)
      }
      className="pyr-tags-popup"
    >
      <TextInput
        autoFocus
        data-item=""
        value={text}
        placeholder={trans.__('New tag (press Enter to add)')}
        aria-label={trans.__('New tag')}
        onValue={setText}
        onKeyDown={event => {
          if (event.nativeEvent.isComposing || event.key !== 'Enter') {
            return;
          }
          event.preventDefault();
          if (fresh.length > 0) {
            onChange('tag-tasks', fresh);
            setText('');
          } else {
            popup.onClose();
          }
        }}
      />
      {shown.map(tag => {
        const count = rows.filter(row => row.tags.includes(tag)).length;
        const all = count > 0 && count === rows.length;
        return (
          <button
            key={tag}
            type="button"
            role="checkbox"
            aria-checked={all ? 'true' : count > 0 ? 'mixed' : 'false'}
            data-item=""
            className="pyr-line pyr-menu-entry"
            onClick={() => onChange(all ? 'untag-tasks' : 'tag-tasks', [tag])}
          >
            <span className="pyr-menu-icon">
              {all ? <Icon name="check" /> : count > 0 ? '–' : null}
            </span>
            <span className="pyr-fill pyr-cut">{tag}</span>
          </button>
        );
      })}
      {shown.length === 0 && (
        <p className="pyr-popup-hint">
          {fresh.length > 0
            ? trans.__('Press Enter to add “%1”.', fresh.join(', '))
            : trans.__('No tags yet. Separate several with commas.')}
        </p>
      )}
    </Popup>
  );
}

/** The tags of the loaded tasks; a removed one stays while the popup is open. */
function useTagsSeen(state: ITaskListState): readonly string[] {
  const seen = React.useRef(new Set<string>());
  return React.useMemo(() => {
    for (const row of state.rows) {
      row?.tags.forEach(tag => seen.current.add(tag));
    }
    return [...seen.current].sort((a, b) => a.localeCompare(b));
  }, [state.rows]);
}
