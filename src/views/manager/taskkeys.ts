/** Selection, keys and menu of the tasks, the same for the table and the cards. */
import * as React from 'react';

import type { TaskRow } from '../../client/types';
import type { TaskListModel } from '../../model/tasklist';
import type { ITaskListState } from '../../model/taskliststate';
import type { IPoint } from '../shared/popup';
import type { IListSelection, ISelectable } from '../shared/selection';
import { useListSelection } from '../shared/selection';
import { withTag } from './tags';

export interface ITasksProps {
  model: TaskListModel;
  state: ITaskListState;
  onOpenLog: (row: TaskRow) => void;
  onDelete: () => void;
  onSelectAll: () => void;
  /** Open the menu of the selected tasks. */
  onMenu: (anchor: HTMLElement, at: IPoint, names: readonly string[]) => void;
  onMove: (direction: 'up' | 'down', names: readonly string[]) => void;
  /** Another task became the active one. */
  onActive: (name: string) => void;
  onDetails: () => void;
}

/** How an element that scrolls shows the tasks. */
interface IShownTasks extends Pick<ISelectable, 'across' | 'page' | 'reveal'> {
  scroller: React.RefObject<HTMLElement>;
  /** The first and the last rendered task. */
  range: readonly [number, number];
}

export interface ITaskKeys extends Pick<IListSelection, 'active' | 'click'> {
  /** The id of the element of a task. */
  idOf: (index: number) => string;
  onMenu: (event: React.MouseEvent<HTMLElement>, index: number) => void;
  /** The attributes of the element that scrolls, which is one Tab stop. */
  attributes: React.HTMLAttributes<HTMLElement>;
}

export function useTaskKeys(
  props: ITasksProps,
  { scroller, range, ...list }: IShownTasks
): ITaskKeys {
  const { model, state } = props;
  const id = React.useId();
  const { active, setActive, click, namesAt, keyDown } = useListSelection({
    ...list,
    count: state.total,
    selection: state.selection,
    nameAt: index => state.rows[index]?.name,
    select: (names, mode) => model.select(names, mode),
    selectAll: props.onSelectAll
  });
  const idOf = (index: number) => `${id}-${index}`;

  const { onActive } = props;
  const activeName = state.rows[active]?.name;
  React.useEffect(() => {
    if (activeName !== undefined) {
      onActive(activeName);
    }
  }, [activeName, onActive]);

  const showMenu = (index: number, at: IPoint) => {
    const names = namesAt(index);
    if (scroller.current && names.length > 0) {
      scroller.current.focus();
      props.onMenu(scroller.current, at, names);
    }
  };

  /** Open the menu at the active task, for the keyboard. */
  const showMenuHere = () => {
    const row = document.getElementById(idOf(active));
    if (row && scroller.current) {
      const { left, bottom } = row.getBoundingClientRect();
      const edge = scroller.current.getBoundingClientRect().left;
      showMenu(active, { x: Math.max(left, edge) + 32, y: bottom });
    }
  };

  const onKeyDown = (event: React.KeyboardEvent) => {
    if (event.target !== event.currentTarget || state.total === 0) {
      return;
    }
    const row = state.rows[active];
    const isArrow = event.key === 'ArrowUp' || event.key === 'ArrowDown';
    const isDelete =
      event.key === 'Delete' || (event.key === 'Backspace' && event.metaKey);
    if (isArrow && event.altKey) {
      const direction = event.key === 'ArrowUp' ? 'up' : 'down';
      props.onMove(direction, namesAt(active));
    } else if (event.key === 'Enter') {
      if (row) {
        props.onOpenLog(row);
      }
    } else if (isDelete) {
      if (state.selection.size === 0) {
        namesAt(active);
      }
      props.onDelete();
    } else if (
      event.key === 'ContextMenu' ||
      (event.key === 'F10' && event.shiftKey)
    ) {
      showMenuHere();
    } else if (event.key === 'i') {
      props.onDetails();
    } else {
      keyDown(event);
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  };

  return {
    active,
    click: (event, index, checks) => {
      const { tag } = (event.target as HTMLElement).dataset;
      if (tag) {
        model.setListing({ query: withTag(state.listing.query, tag) });
      } else {
        click(event, index, checks);
      }
    },
    idOf,
    onMenu: (event, index) => {
      event.preventDefault();
      event.stopPropagation();
      setActive(index);
      showMenu(index, { x: event.clientX, y: event.clientY });
    },
    attributes: {
      'aria-multiselectable': true,
      'aria-busy': state.refreshing,
      'aria-activedescendant':
        active >= range[0] && active <= range[1] ? idOf(active) : undefined,
      tabIndex: 0,
      onContextMenu: event => {
        // Only from the keyboard: tasks stop the event of the pointer.
        if (event.target === event.currentTarget) {
          event.preventDefault();
          event.stopPropagation();
        }
      },
      onKeyDown,
      onFocus: event => {
        if (event.target === event.currentTarget) {
          setActive(old => Math.max(0, old));
        }
      }
    }
  };
}
