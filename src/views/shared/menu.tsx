import * as React from 'react';

import type { IconName } from './icons';
import { Icon } from './icons';
import type { IPoint } from './popup';
import { moveFocus, Popup } from './popup';

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
  const { items, onClose } = props;
  const opener = React.useRef(document.activeElement as HTMLElement | null);
  const first = items.findIndex(item => !item.disabled);

  const onKeyDown = (event: React.KeyboardEvent<HTMLElement>) => {
    const buttons = [
      ...event.currentTarget.querySelectorAll<HTMLElement>('[data-item]')
    ];
    switch (event.key) {
      case 'Home':
        buttons[0]?.focus();
        break;
      case 'End':
        buttons[buttons.length - 1]?.focus();
        break;
      case 'Tab':
        onClose();
        opener.current?.focus();
        break;
      default: {
        if (event.key.length === 1 && event.key !== ' ') {
          focusByLetter(buttons, event.key);
        }
        moveFocus(event);
        return;
      }
    }
    event.preventDefault();
  };

  return (
    <Popup
      anchor={props.anchor}
      at={props.at}
      onClose={onClose}
      label={props.label}
      role="menu"
      className="pyr-menu"
    >
      <div
        role="presentation"
        onKeyDown={onKeyDown}
        onContextMenu={event => event.preventDefault()}
      >
        {props.title && <p className="pyr-menu-title">{props.title}</p>}
        {items.map((item, index) => (
          <React.Fragment key={item.id}>
            {item.separated && index > 0 && (
              <div role="separator" className="pyr-menu-line" />
            )}
            <button
              type="button"
              className="pyr-menu-entry"
              role={
                item.checked === undefined ? 'menuitem' : 'menuitemcheckbox'
              }
              aria-checked={item.checked}
              aria-disabled={item.disabled || undefined}
              disabled={item.disabled}
              data-item={item.disabled ? undefined : ''}
              tabIndex={-1}
              autoFocus={index === first}
              onPointerMove={event => event.currentTarget.focus()}
              onClick={() => {
                onClose();
                opener.current?.focus();
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
              <span className="pyr-menu-label">{item.label}</span>
              {item.keys && <span className="pyr-menu-keys">{item.keys}</span>}
            </button>
          </React.Fragment>
        ))}
      </div>
    </Popup>
  );
}

/** The next item that begins with the letter, from the focused one on. */
function focusByLetter(buttons: HTMLElement[], letter: string): void {
  const at = buttons.indexOf(document.activeElement as HTMLElement);
  const turned = [...buttons.slice(at + 1), ...buttons.slice(0, at + 1)];
  turned
    .find(button =>
      button
        .querySelector('.pyr-menu-label')
        ?.textContent?.toLowerCase()
        .startsWith(letter.toLowerCase())
    )
    ?.focus();
}
