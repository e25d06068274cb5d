import * as React from 'react';

import { TextInput } from './button';
import { Toggle } from './choice';
import { useTrans } from './context';
import type { IPopupProps } from './popup';
import { Popup } from './popup';

/** Items of a group that are listed; typing filters the others. */
const MAX_ITEMS = 200;

export interface IChoice {
  id: string;
  title: string;
  /** After the title, smaller. */
  detail?: string;
}

/** A popup with a filter, and groups of check boxes whose titles contain its text. */
export function ChoicesPopup({
  filterLabel,
  placeholder,
  text,
  onText,
  actions,
  groups,
  chosen,
  onChoose,
  children,
  ...popup
}: Omit<IPopupProps, 'children'> & {
  filterLabel: string;
  placeholder: string;
  text: string;
  onText: (text: string) => void;
  /** Next to the filter. */
  actions?: React.ReactNode;
  groups: readonly (readonly [title: string, items: readonly IChoice[]])[];
  chosen: readonly string[];
  onChoose: (id: string, isChosen: boolean) => void;
  /** Below the groups. */
  children?: React.ReactNode;
}): JSX.Element {
  const trans = useTrans();
  const wanted = text.trim().toLowerCase();
  return (
    <Popup {...popup} className="pyr-columns">
      <div className="pyr-columns-head">
        <TextInput
          type="search"
          autoFocus
          data-item=""
          value={text}
          placeholder={placeholder}
          aria-label={filterLabel}
          onValue={onText}
        />
        {actions}
      </div>
      {groups.map(([name, items]) => {
        const found = items.filter(({ title }) =>
          title.toLowerCase().includes(wanted)
        );
        return found.length === 0 ? null : (
          <fieldset key={name} className="pyr-columns-group">
            <legend>{name}</legend>
            {found.slice(0, MAX_ITEMS).map(({ id, title, detail }) => (
              <Toggle
                key={id}
                className="pyr-line pyr-columns-item"
                data-item=""
                label={title}
                detail={detail}
                checked={chosen.includes(id)}
                onChange={isChosen => onChoose(id, isChosen)}
              />
            ))}
            {found.length > MAX_ITEMS && (
              <p className="pyr-popup-hint">
                {trans.__(
                  'and %1 more: filter to find them',
                  found.length - MAX_ITEMS
                )}
              </p>
            )}
          </fieldset>
        );
      })}
      {children}
    </Popup>
  );
}
