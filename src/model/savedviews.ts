/** Named filters with their columns, and the layout of a table. */
import { asOneOf, asRecord, asText, asTexts } from '../client/shapes';
import type { ShownStatus } from '../client/types';
import { byName } from './active';
import type { ILayout } from './layout';
import { asLayout } from './layout';
import type { IListing } from './taskliststate';

export interface ISavedView {
  readonly name: string;
  readonly listing: Pick<IListing, 'query' | 'statuses' | 'sort' | 'order'>;
  readonly layout: ILayout;
}

/** What is saved of a table. */
export interface ISavedTable {
  readonly layout: ILayout;
  readonly views: readonly ISavedView[];
}

/** How many views are kept. */
const MAX_VIEWS = 100;

/** Add a view, or replace the one with the same name. */
export function withView(
  views: readonly ISavedView[],
  view: ISavedView
): ISavedView[] {
  const others = views.filter(each => each.name !== view.name);
  return [...others, view].sort(byName).slice(0, MAX_VIEWS);
}

/** Read a saved table. */
export function asSavedTable(value: unknown): ISavedTable {
  const { layout, views } = asRecord(value);
  return {
    layout: asLayout(layout),
    views: (Array.isArray(views) ? views : []).flatMap(asView)
  };
}

function asView(value: unknown): ISavedView[] {
  const { name, listing, layout } = asRecord(value);
  if (typeof name !== 'string' || !listing) {
    return [];
  }
  const { query, statuses, sort, order } = asRecord(listing);
  return [
    {
      name,
      listing: {
        query: asText(query),
        statuses: asTexts(statuses) as ShownStatus[],
        sort: asText(sort, 'created'),
        order: asOneOf(order, ['asc', 'desc'], 'desc')
      },
      layout: asLayout(layout)
    }
  ];
}
