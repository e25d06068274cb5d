import {
  autoUpdate,
  flip,
  offset,
  shift,
  size,
  useFloating
} from '@floating-ui/react-dom';
import * as React from 'react';
import { createPortal } from 'react-dom';

import { Icon } from './icons';
import { moveFocus } from './keyboardnav';
import type { IButtonProps } from './button';
import { Button } from './button';

/** A point in the window, in pixels. */
export interface IPoint {
  x: number;
  y: number;
}

export interface IPopupProps {
  /** The element below (or above) which the popup opens. */
  anchor: HTMLElement;
  /** Where it opens instead; a press on the anchor closes it then. */
  at?: IPoint;
  /** Escape, or a press elsewhere. */
  onClose: () => void;
  label: string;
  role?: 'dialog' | 'listbox' | 'menu';
  className?: string;
  children: React.ReactNode;
}

/** Where a popup opens, and what closes it. */
export type PopupPlace = Pick<IPopupProps, 'anchor' | 'at' | 'onClose'>;

/** Pixels to the edges of the window. */
const EDGE_PADDING = { padding: 8 };

/** Pixels; a popup below a narrower button is as wide as this. */
const MIN_WIDTH = 220;

const MAX_HEIGHT = 460;
const MIN_HEIGHT = 120;

function rectAt({ x, y }: IPoint) {
  return { x, y, top: y, bottom: y, left: x, right: x, width: 0, height: 0 };
}

const CloseContext = React.createContext<() => void>(() => undefined);

/** What closes the popup around, and gives the focus back to what opened it. */
export function useClosePopup(): () => void {
  return React.useContext(CloseContext);
}

/** A small surface over the page; arrow keys move among its `data-item`s. */
export function Popup(props: IPopupProps): React.ReactPortal {
  const { anchor, at, onClose } = props;
  const opener = React.useRef(document.activeElement as HTMLElement | null);
  const leave = React.useCallback(() => {
    opener.current?.focus();
    onClose();
  }, [onClose]);
  const reference = React.useMemo(
    () => (at ? { getBoundingClientRect: () => rectAt(at) } : anchor),
    [anchor, at]
  );
  const { refs, floatingStyles } = useFloating<HTMLElement>({
    elements: { reference: reference as HTMLElement },
    placement: 'bottom-start',
    strategy: 'fixed',
    transform: false,
    middleware: [
      offset(2),
      flip(EDGE_PADDING),
      shift(EDGE_PADDING),
      size({
        ...EDGE_PADDING,
        apply: ({ availableHeight, elements, rects }) => {
          const { style } = elements.floating;
          const height = Math.min(MAX_HEIGHT, availableHeight);
          style.maxHeight = `${Math.max(MIN_HEIGHT, height)}px`;
          style.minWidth = at
            ? ''
            : `${Math.max(MIN_WIDTH, rects.reference.width)}px`;
        }
      })
    ],
    whileElementsMounted: (...args) =>
      autoUpdate(...args, { ancestorScroll: false })
  });

  React.useEffect(() => {
    const isOutside = (target: Node) =>
      !refs.floating.current?.contains(target) &&
      (at !== undefined || !anchor.contains(target));
    const press = (event: PointerEvent) => {
      if (isOutside(event.target as Node)) {
        onClose();
      }
    };
    const scroll = (event: Event) => {
      // Only what contains the anchor moves it away from the popup.
      if ((event.target as Node).contains(anchor)) {
        onClose();
      }
    };
    const key = (event: KeyboardEvent) => {
      if (event.key === 'Escape') {
        event.stopPropagation();
        leave();
      }
    };
    const life = new AbortController();
    const options = { capture: true, signal: life.signal };
    document.addEventListener('keydown', key, options);
    document.addEventListener('pointerdown', press, options);
    document.addEventListener('scroll', scroll, options);
    return () => life.abort();
  }, [refs, anchor, at, onClose, leave]);

  return createPortal(
    <div
      ref={refs.setFloating}
      className={`pyr-view pyr-popup ${props.className ?? ''}`}
      style={floatingStyles}
      role={props.role ?? 'dialog'}
      aria-label={props.label}
      data-jp-suppress-context-menu=""
    >
      <CloseContext.Provider value={leave}>
        <div role="presentation" onKeyDown={event => void moveFocus(event)}>
          {props.children}
        </div>
      </CloseContext.Provider>
    </div>,
    document.body
  );
}

/** One of several things to choose in a popup, which closes then. */
export function PopupItem({
  onChoose,
  className = '',
  ...rest
}: React.ButtonHTMLAttributes<HTMLButtonElement> & {
  onChoose: () => void;
}): JSX.Element {
  const close = useClosePopup();
  return (
    <button
      type="button"
      data-item=""
      {...rest}
      className={`pyr-menu-item pyr-cut ${className}`}
      onClick={() => {
        close();
        onChoose();
      }}
    />
  );
}

/** A button that opens something, and closes it when it is pressed again. */
export function OpenButton({
  opens,
  popup = 'dialog',
  onOpen,
  ...rest
}: IButtonProps & {
  /** What is opened below the button, or below something around it. */
  opens: (place: PopupPlace) => JSX.Element;
  popup?: 'dialog' | 'menu';
  onOpen?: () => void;
}): JSX.Element {
  const [anchor, setAnchor] = React.useState<HTMLElement | null>(null);
  const close = React.useCallback(() => setAnchor(null), []);
  return (
    <>
      <Button
        aria-haspopup={popup}
        aria-expanded={anchor !== null}
        {...rest}
        onClick={event => {
          if (!anchor) {
            onOpen?.();
          }
          setAnchor(anchor ? null : event.currentTarget);
        }}
      />
      {anchor && opens({ anchor, onClose: close })}
    </>
  );
}

/** A button that shows what is chosen and opens the choice. */
export function Picker({
  caption,
  value,
  detail,
  className = '',
  ...rest
}: Omit<React.ComponentProps<typeof OpenButton>, 'label'> & {
  caption?: string;
  value: string;
  detail?: string;
}): JSX.Element {
  return (
    <OpenButton {...rest} label="" className={`pyr-picker ${className}`}>
      {caption && <span className="pyr-faint">{caption}</span>}
      <span className="pyr-picker-value pyr-cut">{value}</span>
      {detail && (
        <span className="pyr-picker-detail pyr-note pyr-cut">{detail}</span>
      )}
      <Icon name="down" />
    </OpenButton>
  );
}
