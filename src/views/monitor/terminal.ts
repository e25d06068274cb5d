import type { FitAddon } from '@xterm/addon-fit';
import type { Terminal } from '@xterm/xterm';

import { terminalTheme } from './theme';

/**
 * Columns of the terminals that tasks run in. A narrower screen would break
 * the lines that progress bars go back to rewrite.
 */
export const COLUMNS = 120;

/** Columns where lines are not wrapped, and the rows there is memory for. */
const WIDE_COLUMNS = 400;
const WIDE_ROWS = 5000;

/** Characters are made smaller down to this for all columns to be in sight. */
const MIN_FONT_PX = 11;

/** Pixels that an arrow key goes to the side. */
const SCROLL_STEP_PX = 60;

/** Commands by which a program would repaint the page or name the window. */
const REFUSED_COMMANDS = [0, 1, 2, 4, 10, 11, 12, 104, 110, 111, 112];

export interface ITerminalOptions {
  /** Rows kept for scrolling back. */
  scrollback: number;
  /** Offer the text to screen readers; slower. */
  screenReader: boolean;
  /** Called when the user clicks a link. */
  onLink: (address: string) => void;
}

export interface ITerminalParts {
  terminal: Terminal;
  addon: FitAddon;
}

export function cssValue(element: Element, name: string): string {
  return getComputedStyle(element).getPropertyValue(name).trim();
}

/** A terminal for looking only, with the page's colours and font. */
export async function createTerminal(
  element: HTMLElement,
  options: ITerminalOptions
): Promise<ITerminalParts> {
  // Loaded with the first log, and shared by all.
  const [xterm, fit, links] = await Promise.all([
    import('@xterm/xterm'),
    import('@xterm/addon-fit'),
    import('@xterm/addon-web-links')
  ]);
  const terminal = new xterm.Terminal({
    // A log has lines that end in "\n" alone; they must not staircase.
    convertEol: true,
    disableStdin: true,
    cursorBlink: false,
    cursorInactiveStyle: 'none',
    // For marking what was searched for.
    allowProposedApi: true,
    scrollback: options.scrollback,
    screenReaderMode: options.screenReader,
    minimumContrastRatio: 4.5,
    fontFamily: cssValue(element, '--jp-code-font-family') || 'monospace',
    fontSize: parseFloat(cssValue(element, '--jp-code-font-size')) || 13,
    lineHeight: 1.15,
    theme: terminalTheme(element),
    // A link whose text hides its URL asks for confirmation.
    linkHandler: { activate: (_, address) => options.onLink(address) }
  });
  for (const command of REFUSED_COMMANDS) {
    terminal.parser.registerOscHandler(command, () => true);
  }
  const addon = new fit.FitAddon();
  terminal.loadAddon(addon);
  terminal.loadAddon(
    new links.WebLinksAddon((_, address) => options.onLink(address))
  );
  return { terminal, addon };
}

/**
 * Give the terminal the size of its place, but never too few columns.
 *
 * @param isWide - lines are not wrapped at the edge of the page
 */
export function fitInto(
  element: HTMLElement,
  { terminal, addon }: ITerminalParts,
  isWide: boolean
): void {
  const usual = parseFloat(cssValue(element, '--jp-code-font-size')) || 13;
  let size = usual;
  let fitting = resized();
  while (!isWide && fitting && fitting.cols < COLUMNS && size > MIN_FONT_PX) {
    size = Math.max(MIN_FONT_PX, size - 0.5);
    fitting = resized();
  }
  if (fitting) {
    const columns = Math.max(isWide ? WIDE_COLUMNS : COLUMNS, fitting.cols);
    resize(columns, terminal.rows);
    // The horizontal scroll bar covers the last line.
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

/** How many rows a terminal holds, wide or not. */
export function scrollbackOf(usual: number, isWide: boolean): number {
  return isWide ? Math.min(usual, WIDE_ROWS) : usual;
}

/** All that can be scrolled to, a line of output a line. */
export function allText(terminal: Terminal): string {
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

const SCROLLS: Record<
  string,
  (terminal: Terminal, element: HTMLElement) => void
> = {
  ArrowUp: terminal => terminal.scrollLines(-1),
  ArrowDown: terminal => terminal.scrollLines(1),
  ArrowLeft: (_, element) => element.scrollBy({ left: -SCROLL_STEP_PX }),
  ArrowRight: (_, element) => element.scrollBy({ left: SCROLL_STEP_PX }),
  PageUp: terminal => terminal.scrollPages(-1),
  PageDown: terminal => terminal.scrollPages(1),
  Home: terminal => terminal.scrollToTop(),
  End: terminal => terminal.scrollToBottom()
};

/** Go where a key leads; false when it leads nowhere. */
export function scrollByKey(
  terminal: Terminal,
  element: HTMLElement,
  key: string
): boolean {
  SCROLLS[key]?.(terminal, element);
  return key in SCROLLS;
}
