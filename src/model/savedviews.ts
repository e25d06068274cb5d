/** Searches with their columns that have a name, and the layout a table comes back with. */
import type { TaskStatus } from '../client/types';
import type { ILayout } from './layout';
import { asLayout, FIRST_LAYOUT } from './layout';
import type { IListing } from './taskpager';

export interface ISavedView {
  readonly name: string;
  readonly listing: Pick<IListing, 'query' | 'statuses' | 'sort' | 'order'>;
  readonly layout: ILayout;
}

/** What is kept of a table between sessions. */
export interface ISavedTable {
  readonly layout: ILayout;
  readonly views: readonly ISavedView[];
}

/** Views that are kept at most. */
const MOST = 100;

/** Add a view, or replace the one of its name. */
export function withView(
  views: readonly ISavedView[],
  view: ISavedView
): ISavedView[] {
  const others = views.filter(each => each.name !== view.name);
  return [...others, view]
    .sort((a, b) => a.name.localeCompare(b.name, undefined, { numeric: true }))
    .slice(0, MOST);
}

/** A table out of a store that anybody may have written. */
export function asSavedTable(value: unknown): ISavedTable {
  const found = (value ?? {}) as { layout?: unknown; views?: unknown };
  const views = Array.isArray(found.views) ? found.views : [];
  return {
    layout: found.layout ? asLayout(found.layout) : FIRST_LAYOUT,
    views: views.flatMap(asView)
  };
}

function asView(value: unknown): ISavedView[] {
  const view = value as {
    name?: unknown;
    listing?: Record<string, unknown>;
    layout?: unknown;
  } | null;
  if (!view || typeof view.name !== 'string' || !view.listing) {
    return [];
  }
  const { query, statuses, sort, order } = view.listing;
  return [
    {
      name: view.name,
      listing: {
        query: typeof query === 'string' ? query : '',
        statuses: (Array.isArray(statuses) ? statuses : []).filter(
          (item): item is TaskStatus => typeof item === 'string'
        ),
        sort: typeof sort === 'string' ? sort : 'created',
        order: order === 'asc' ? 'asc' : 'desc'
      },
      layout: asLayout(view.layout)
    }
  ];
}
