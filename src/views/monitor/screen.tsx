import type { FitAddon } from '@xterm/addon-fit';
import type { Terminal } from '@xterm/xterm';
import * as React from 'react';

import type { LogModel } from '../../model/log';
import { useTrans } from '../shared/context';
import { TerminalSink } from './sink';
import { terminalTheme, watchTheme } from './theme';

/**
 * Columns of the terminals that tasks run in. A narrower screen would break
 * the lines that progress bars go back to rewrite.
 */
const COLUMNS = 120;

/** Characters are made smaller down to this for all columns to be in sight. */
const SMALLEST_FONT = 11;

/** Pixels that an arrow key goes to the side. */
const SIDESTEP = 60;

/** Commands by which a program would repaint the page or name the window. */
const REFUSED_COMMANDS = [0, 1, 2, 4, 10, 11, 12, 104, 110, 111, 112];

export interface IScreen {
  /** The end of the log is in sight and stays so. */
  readonly following: boolean;
  follow(): void;
  setPaused(paused: boolean): void;
  /** The selected text, or everything that can be scrolled to. */
  text(): string;
}

export interface ILogScreenProps {
  log: LogModel;
  /** Lines kept for scrolling back. */
  scrollback?: number;
  /** Offer the text to screen readers; slower. */
  screenReader?: boolean;
  /** What can be done with it, null before and after its life. */
  onScreen: (screen: IScreen | null) => void;
  onFollowing: (following: boolean) => void;
  onFailure: (error: Error) => void;
}

function cssValue(element: Element, name: string): string {
  return getComputedStyle(element).getPropertyValue(name).trim();
}

function allText(terminal: Terminal): string {
  const { active } = terminal.buffer;
  const lines: string[] = [];
  for (let index = 0; index < active.length; index++) {
    const line = active.getLine(index);
    const text = line?.translateToString(true) ?? '';
    if (line?.isWrapped && lines.length > 0) {
      lines[lines.length - 1] += text;
    } else {
      lines.push(text);
    }
  }
  return `${lines.join('\n').trimEnd()}\n`;
}

async function createTerminal(
  element: HTMLElement,
  props: ILogScreenProps
): Promise<{ terminal: Terminal; addon: FitAddon }> {
  // Loaded when a log is first looked at, and shared by all of them.
  const [xterm, fit] = await Promise.all([
    import('@xterm/xterm'),
    import('@xterm/addon-fit')
  ]);
  const terminal = new xterm.Terminal({
    // A log has lines that end in "\n" alone; they must not staircase.
    convertEol: true,
    disableStdin: true,
    cursorBlink: false,
    cursorInactiveStyle: 'none',
    scrollback: props.scrollback ?? 20000,
    screenReaderMode: props.screenReader ?? false,
    minimumContrastRatio: 4.5,
    fontFamily: cssValue(element, '--jp-code-font-family') || 'monospace',
    fontSize: parseFloat(cssValue(element, '--jp-code-font-size')) || 13,
    lineHeight: 1.15,
    theme: terminalTheme(element),
    // What a program printed must not lead anywhere by a click.
    linkHandler: { activate: () => undefined }
  });
  for (const command of REFUSED_COMMANDS) {
    terminal.parser.registerOscHandler(command, () => true);
  }
  const addon = new fit.FitAddon();
  terminal.loadAddon(addon);
  return { terminal, addon };
}

/** Give the terminal the size of its place, but never too few columns. */
function fitInto(element: HTMLElement, terminal: Terminal, addon: FitAddon) {
  const usual = parseFloat(cssValue(element, '--jp-code-font-size')) || 13;
  let size = usual;
  let fitting = resized();
  while (fitting && fitting.cols < COLUMNS && size > SMALLEST_FONT) {
    size = Math.max(SMALLEST_FONT, size - 0.5);
    fitting = resized();
  }
  if (fitting) {
    const columns = Math.max(COLUMNS, fitting.cols);
    resize(columns, terminal.rows);
    // The bar for going to the side stands on the last line.
    const covered = element.offsetHeight > element.clientHeight ? 1 : 0;
    resize(columns, Math.max(1, fitting.rows - covered));
  }

  function resize(columns: number, rows: number) {
    if (columns !== terminal.cols || rows !== terminal.rows) {
      terminal.resize(columns, rows);
    }
  }

  function resized() {
    terminal.options.fontSize = size;
    return addon.proposeDimensions();
  }
}

/** A terminal that shows the log of the model. */
export function LogScreen(props: ILogScreenProps): JSX.Element {
  const trans = useTrans();
  const box = React.useRef<HTMLDivElement>(null);
  const callbacks = React.useRef(props);
  callbacks.current = props;
  const { log } = props;

  React.useEffect(() => {
    const element = box.current;
    if (!element) {
      return;
    }
    let stop: (() => void) | null = null;
    let gone = false;
    createTerminal(element, callbacks.current).then(
      ({ terminal, addon }) => {
        if (gone) {
          terminal.dispose();
        } else {
          stop = connect(element, terminal, addon, log, callbacks);
        }
      },
      (error: Error) => {
        if (!gone) {
          callbacks.current.onFailure(error);
        }
      }
    );
    return () => {
      gone = true;
      stop?.();
    };
  }, [log]);

  return (
    <div
      className="pyr-screen"
      ref={box}
      role="region"
      aria-label={trans.__('Log output')}
    />
  );
}

/** Join terminal, page and model; returns how to part them. */
function connect(
  element: HTMLElement,
  terminal: Terminal,
  addon: FitAddon,
  log: LogModel,
  callbacks: React.MutableRefObject<ILogScreenProps>
): () => void {
  const sink = new TerminalSink(terminal);
  let following = true;

  const refit = () => {
    // A hidden tab has no size, and a terminal of no columns loses its text.
    if (element.clientWidth > 0 && element.clientHeight > 0) {
      fitInto(element, terminal, addon);
      slide();
    }
  };
  // The bar for going up and down stays in sight while the text is shifted.
  const slide = () => {
    const { scrollLeft } = element;
    element.style.setProperty('--pyr-screen-shift', `${scrollLeft}px`);
  };
  let frame = 0;
  const observer = new ResizeObserver(() => {
    cancelAnimationFrame(frame);
    frame = requestAnimationFrame(refit);
  });
  const stopTheme = watchTheme(() => {
    terminal.options.theme = terminalTheme(element);
  });

  terminal.open(element);
  refit();
  observer.observe(element);
  element.addEventListener('scroll', slide, { passive: true });
  // Keys belong to the page (copy, find, shortcuts); nothing is typed here.
  terminal.attachCustomKeyEventHandler(event => {
    const plain = !(event.ctrlKey || event.metaKey || event.altKey);
    if (plain && event.type === 'keydown') {
      if (scrollBy(terminal, element, event.key)) {
        event.preventDefault();
      }
    }
    return false;
  });
  const rendered = terminal.onRender(() => {
    const { viewportY, baseY } = terminal.buffer.active;
    if (viewportY >= baseY !== following) {
      following = !following;
      callbacks.current.onFollowing(following);
    }
  });

  log.attach(sink);
  callbacks.current.onScreen({
    get following() {
      return following;
    },
    follow: () => terminal.scrollToBottom(),
    setPaused: paused => {
      sink.paused = paused;
    },
    text: () =>
      terminal.hasSelection() ? terminal.getSelection() : allText(terminal)
  });

  return () => {
    callbacks.current.onScreen(null);
    log.detach(sink);
    sink.dispose();
    rendered.dispose();
    stopTheme();
    observer.disconnect();
    element.removeEventListener('scroll', slide);
    cancelAnimationFrame(frame);
    terminal.dispose();
  };
}

/** Go where a key leads; false when it leads nowhere. */
function scrollBy(
  terminal: Terminal,
  element: HTMLElement,
  key: string
): boolean {
  switch (key) {
    case 'ArrowUp':
      terminal.scrollLines(-1);
      break;
    case 'ArrowDown':
      terminal.scrollLines(1);
      break;
    case 'ArrowLeft':
      element.scrollBy({ left: -SIDESTEP });
      break;
    case 'ArrowRight':
      element.scrollBy({ left: SIDESTEP });
      break;
    case 'PageUp':
      terminal.scrollPages(-1);
      break;
    case 'PageDown':
      terminal.scrollPages(1);
      break;
    case 'Home':
      terminal.scrollToTop();
      break;
    case 'End':
      terminal.scrollToBottom();
      break;
    default:
      return false;
  }
  return true;
}
