import * as React from 'react';
import { createPortal } from 'react-dom';

/** A place in the window, in pixels. */
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

/** Space to the edges of the window, in pixels. */
const MARGIN = 8;

/** A small surface over the page, placed at an element. */
export function Popup(props: IPopupProps): React.ReactPortal {
  const { anchor, at, onClose } = props;
  const ref = React.useRef<HTMLDivElement>(null);
  const opener = React.useRef(document.activeElement as HTMLElement | null);
  // Placed from the start: what is hidden cannot get the focus.
  const [style, setStyle] = React.useState(() => placeAt(anchor, at));

  React.useLayoutEffect(() => {
    // Its width is known only now.
    const box = ref.current?.getBoundingClientRect();
    const most = window.innerWidth - MARGIN - (box?.width ?? 0);
    if (box && box.left > most) {
      setStyle(old => ({ ...old, left: Math.max(MARGIN, most) }));
    }
  }, []);

  React.useEffect(() => {
    const place = () => setStyle(placeAt(anchor, at));
    window.addEventListener('resize', place);
    return () => window.removeEventListener('resize', place);
  }, [anchor, at]);

  React.useEffect(() => {
    const press = (event: PointerEvent) => {
      const target = event.target as Node;
      const own = !at && anchor.contains(target);
      if (!ref.current?.contains(target) && !own) {
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
        onClose();
        opener.current?.focus();
      }
    };
    document.addEventListener('keydown', key, true);
    document.addEventListener('pointerdown', press, true);
    document.addEventListener('scroll', scroll, true);
    return () => {
      document.removeEventListener('keydown', key, true);
      document.removeEventListener('pointerdown', press, true);
      document.removeEventListener('scroll', scroll, true);
    };
  }, [anchor, at, onClose]);

  return createPortal(
    <div
      ref={ref}
      className={`pyr-view pyr-popup ${props.className ?? ''}`}
      style={style}
      role={props.role ?? 'dialog'}
      aria-label={props.label}
      data-jp-suppress-context-menu=""
    >
      {props.children}
    </div>,
    document.body
  );
}

function placeAt(
  anchor: HTMLElement,
  at: IPoint | undefined
): React.CSSProperties {
  const box = at
    ? { left: at.x, top: at.y, bottom: at.y, width: 0 }
    : anchor.getBoundingClientRect();
  const width = at ? 0 : Math.max(box.width, 220);
  const below = window.innerHeight - box.bottom - MARGIN;
  const above = box.top - MARGIN;
  const down = below >= 220 || below >= above;
  const left = Math.min(box.left, window.innerWidth - width - MARGIN);
  return {
    left: Math.max(MARGIN, left),
    minWidth: width || undefined,
    maxHeight: Math.max(120, Math.min(460, down ? below : above)),
    ...(down
      ? { top: box.bottom + 2 }
      : { bottom: window.innerHeight - box.top + 2 })
  };
}

/** Move the focus among the items of a list with the arrow keys. */
export function moveFocus(event: React.KeyboardEvent<HTMLElement>): void {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step) {
    return;
  }
  event.preventDefault();
  const items = [
    ...event.currentTarget.querySelectorAll<HTMLElement>('[data-item]')
  ];
  const at = items.indexOf(document.activeElement as HTMLElement);
  items[(at + step + items.length) % items.length]?.focus();
}
