import * as React from 'react';

import type { IconName } from './icons';
import { Icon } from './icons';
import { moveFocus, VERTICAL_ALL } from './keyboardnav';
import type { IPoint } from './popup';
import { Popup, useClosePopup } from './popup';

export interface IMenuItem {
  /** Among the items of its menu. */
  id: string;
  label: string;
  icon?: IconName;
  /** The key that does the same, as people read it. */
  keys?: string;
  disabled?: boolean;
  /** An item that is on or off. */
  checked?: boolean;
  /** The name of the group, one of whose items is checked; shown above them. */
  radio?: string;
  /** A line above it. */
  separated?: boolean;
  run: () => void;
}

export interface IMenuProps {
  anchor: HTMLElement;
  /** Where it opens, instead of below the anchor. */
  at?: IPoint;
  items: readonly IMenuItem[];
  /** What the menu is about, shown above its items. */
  title?: string;
  label: string;
  onClose: () => void;
}

/** Things to do, opened by a button or a right click. */
export function Menu(props: IMenuProps): JSX.Element {
  return (
    <Popup {...props} role="menu" className="pyr-menu">
      <MenuEntries {...props} />
    </Popup>
  );
}

function MenuEntries({ items, title }: IMenuProps): JSX.Element {
  const close = useClosePopup();
  const first = items.findIndex(item => !item.disabled);
  const onKeyDown = (event: React.KeyboardEvent<HTMLElement>) => {
    event.stopPropagation();
    if (event.key === 'Tab') {
      event.preventDefault();
      close();
    } else if (event.key.length === 1 && event.key !== ' ') {
      focusByLetter(event.currentTarget, event.key.toLowerCase());
    } else {
      moveFocus(event, '[data-item]', VERTICAL_ALL);
    }
  };
  return (
    <div
      role="presentation"
      onKeyDown={onKeyDown}
      onContextMenu={event => event.preventDefault()}
    >
      {title && <p className="pyr-menu-title pyr-note">{title}</p>}
      {items.map((item, index) => (
        <React.Fragment key={item.id}>
          {item.separated && index > 0 && (
            <div role="separator" className="pyr-menu-line" />
          )}
          {item.radio !== undefined &&
            item.radio !== items[index - 1]?.radio && (
              <p className="pyr-menu-title pyr-note" aria-hidden="true">
                {item.radio}
              </p>
            )}
          <button
            type="button"
            className="pyr-line pyr-menu-entry"
            role={roleOf(item)}
            aria-label={item.radio && `${item.radio}: ${item.label}`}
            aria-checked={item.checked}
            aria-disabled={item.disabled || undefined}
            disabled={item.disabled}
            data-item={item.disabled ? undefined : ''}
            tabIndex={-1}
            autoFocus={index === first}
            onPointerMove={event => event.currentTarget.focus()}
            onClick={() => {
              close();
              item.run();
            }}
          >
            <span className="pyr-menu-icon">
              {item.checked ? (
                <Icon name="check" />
              ) : (
                item.icon && <Icon name={item.icon} />
              )}
            </span>
            <span className="pyr-fill pyr-cut">{item.label}</span>
            {item.keys && (
              <span className="pyr-menu-keys pyr-note">{item.keys}</span>
            )}
          </button>
        </React.Fragment>
      ))}
    </div>
  );
}

function roleOf({ radio, checked }: IMenuItem): string {
  if (radio !== undefined) {
    return 'menuitemradio';
  }
  return checked === undefined ? 'menuitem' : 'menuitemcheckbox';
}

/** The next item that begins with the letter, from the focused one on. */
function focusByLetter(menu: HTMLElement, letter: string): void {
  const items = [...menu.querySelectorAll<HTMLElement>('[data-item]')];
  const at = items.indexOf(document.activeElement as HTMLElement);
  [...items.slice(at + 1), ...items.slice(0, at + 1)]
    .find(item => (item.textContent ?? '').toLowerCase().startsWith(letter))
    ?.focus();
}
