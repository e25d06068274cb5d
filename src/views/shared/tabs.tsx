import * as React from 'react';

import { HORIZONTAL_ALL, moveFocus } from './keyboardnav';

export interface ITab<T extends string> {
  id: T;
  label: string;
  /** After the label. */
  badge?: React.ReactNode;
}

/** The id of a tab's button, which names its panel. */
export function tabId(panel: string, tab: string): string {
  return `${panel}-${tab}`;
}

/** Views of the same thing, of which one is shown. */
export function Tabs<T extends string>(props: {
  label: string;
  tabs: readonly ITab<T>[];
  value: T;
  /** The id of the element that shows the chosen one. */
  panel: string;
  onChange: (tab: T) => void;
}): JSX.Element {
  const { tabs, value, panel } = props;
  return (
    <div
      className="pyr-tabs"
      role="tablist"
      aria-label={props.label}
      onKeyDown={event =>
        moveFocus(event, '[role=tab]', HORIZONTAL_ALL)?.click()
      }
    >
      {tabs.map(({ id, label, badge }) => (
        <button
          key={id}
          id={tabId(panel, id)}
          type="button"
          role="tab"
          aria-selected={id === value}
          aria-controls={panel}
          tabIndex={id === value ? 0 : -1}
          onClick={() => props.onChange(id)}
        >
          {label}
          {badge}
        </button>
      ))}
    </div>
  );
}
