import * as React from 'react';

import { useTrans } from './context';
import { Icon } from './icons';

/** How a table is sorted now. */
interface ISorted {
  readonly sort: string;
  readonly order: 'asc' | 'desc';
}

/** The `aria-sort` of a column's head. */
export function sortedAs(
  sort: string | null,
  sorted: ISorted
): 'ascending' | 'descending' | undefined {
  if (sorted.sort !== sort) {
    return undefined;
  }
  return sorted.order === 'asc' ? 'ascending' : 'descending';
}

/** The title of a column, which sorts by it. */
export function SortButton(props: {
  title: string;
  /** What the tooltip says instead, if the title is short. */
  fullTitle?: string;
  sort: string;
  sorted: ISorted;
  onSort: (sort: string) => void;
}): JSX.Element {
  const trans = useTrans();
  const { title, fullTitle = title, sort, sorted } = props;
  return (
    <button
      type="button"
      className="pyr-head-button"
      title={trans.__('Sort by %1', fullTitle)}
      onClick={() => props.onSort(sort)}
    >
      <span className="pyr-head-text">{title}</span>
      <Icon
        name={sorted.order === 'asc' ? 'up' : 'down'}
        className={`pyr-sort-icon ${sorted.sort === sort ? '' : 'pyr-is-hidden'}`}
      />
    </button>
  );
}
