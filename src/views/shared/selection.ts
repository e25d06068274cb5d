import * as React from 'react';

/** A list of which any entries can be selected; those not loaded have no name. */
export interface ISelectable {
  readonly count: number;
  /** How many entries a line has, between which left and right move; one if left out. */
  readonly across?: number;
  readonly selection: ReadonlySet<string>;
  nameAt(index: number): string | undefined;
  select(names: string[], mode: 'replace' | 'add' | 'remove'): void;
  selectAll?(): void;
  /** Scroll to an entry. */
  reveal?(index: number): void;
  /** How many entries the page keys move by. */
  page?(): number;
}

export interface IListSelection {
  /** The entry that keys act on, -1 before the list had the focus. */
  active: number;
  setActive: React.Dispatch<React.SetStateAction<number>>;
  /** A click on an entry; with `checks` it was on its check box. */
  click(event: React.MouseEvent, index: number, checks?: boolean): void;
  /** The selected entries, or the one at a place, which is selected then. */
  namesAt(index: number): string[];
  /** Move or select; returns whether the key was one of these. */
  keyDown(event: React.KeyboardEvent): boolean;
}

/** Selection with clicks, Ctrl, Shift and keys, as lists of files have it. */
export function useListSelection(list: ISelectable): IListSelection {
  const [active, setActive] = React.useState(-1);
  /** Where Shift selects from. */
  const anchor = React.useRef(-1);
  const { count, selection } = list;

  const between = (from: number, to: number): string[] => {
    const names: string[] = [];
    for (let at = Math.min(from, to); at <= Math.max(from, to); at++) {
      names.push(...[list.nameAt(at) ?? []].flat());
    }
    return names;
  };
  const toggle = (name: string) =>
    list.select([name], selection.has(name) ? 'remove' : 'add');

  const move = (to: number, extends_: boolean) => {
    const index = Math.max(0, Math.min(count - 1, to));
    if (extends_) {
      anchor.current =
        anchor.current < 0 ? Math.max(0, active) : anchor.current;
      list.select(between(anchor.current, index), 'replace');
    } else {
      anchor.current = index;
    }
    setActive(index);
    list.reveal?.(index);
  };

  return {
    active,
    setActive,
    click: (event, index, checks = false) => {
      const name = list.nameAt(index);
      if (name === undefined) {
        return;
      }
      const adds = event.ctrlKey || event.metaKey;
      setActive(index);
      if (event.shiftKey && anchor.current >= 0) {
        const mode = selection.has(name) ? 'remove' : 'add';
        list.select(
          between(anchor.current, index),
          checks ? mode : adds ? 'add' : 'replace'
        );
        return;
      }
      anchor.current = index;
      if (adds || checks) {
        toggle(name);
      } else {
        list.select([name], 'replace');
      }
    },
    namesAt: index => {
      const name = list.nameAt(index);
      if (name === undefined || selection.has(name)) {
        return [...selection];
      }
      anchor.current = index;
      list.select([name], 'replace');
      return [name];
    },
    keyDown: event => {
      const name = list.nameAt(active);
      const page = list.page?.() ?? 1;
      const across = list.across ?? 1;
      const lineOf = (index: number) => Math.floor(index / across);
      const places: Record<string, number> = {
        ArrowDown: active + (lineOf(active) < lineOf(count - 1) ? across : 0),
        ArrowUp: active - (active < across ? 0 : across),
        ...(list.across !== undefined && {
          ArrowRight: active + 1,
          ArrowLeft: active - 1
        }),
        PageDown: active + page,
        PageUp: active - page,
        Home: 0,
        End: count - 1
      };
      if (event.key in places) {
        move(places[event.key], event.shiftKey);
      } else if (event.key === ' ') {
        if (name !== undefined) {
          toggle(name);
        }
      } else if (event.key === 'Escape') {
        list.select([], 'replace');
      } else if (event.key === 'a' && (event.ctrlKey || event.metaKey)) {
        list.selectAll?.();
      } else {
        return false;
      }
      event.preventDefault();
      event.stopPropagation();
      return true;
    }
  };
}
