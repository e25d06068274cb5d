/** Terminal colours that fit the page around. */
import type { ITheme } from '@xterm/xterm';

// The sixteen colours that programs ask for by number have no counterpart
// among the page's variables; these keep a contrast of 4.5 on either ground.
const ON_LIGHT: ITheme = {
  black: '#24292f',
  red: '#c1121f',
  green: '#116329',
  yellow: '#7d4e00',
  blue: '#0550ae',
  magenta: '#8250df',
  cyan: '#1b6b78',
  white: '#57606a',
  brightBlack: '#4b535d',
  brightRed: '#a40e26',
  brightGreen: '#1a7f37',
  brightYellow: '#633c01',
  brightBlue: '#0969da',
  brightMagenta: '#6e40c9',
  brightCyan: '#236f7d',
  brightWhite: '#32383f'
};

const ON_DARK: ITheme = {
  black: '#8b949e',
  red: '#ff7b72',
  green: '#56d364',
  yellow: '#e3b341',
  blue: '#79c0ff',
  magenta: '#d2a8ff',
  cyan: '#56d4dd',
  white: '#d0d7de',
  brightBlack: '#9da7b1',
  brightRed: '#ffa198',
  brightGreen: '#7ee787',
  brightYellow: '#f2cc60',
  brightBlue: '#a5d6ff',
  brightMagenta: '#e2c5ff',
  brightCyan: '#8ddbe3',
  brightWhite: '#ffffff'
};

function isDark(element: Element): boolean {
  const colour = getComputedStyle(element).backgroundColor;
  const [red, green, blue] = (colour.match(/[\d.]+/g) ?? []).map(Number);
  return blue !== undefined && red * 0.3 + green * 0.59 + blue * 0.11 < 128;
}

/**
 * The theme for a terminal inside `element`, which has the page's background
 * and text colour.
 */
export function terminalTheme(element: Element): ITheme {
  const style = getComputedStyle(element);
  const selection = style.getPropertyValue('--jp-editor-selected-background');
  return {
    ...(isDark(element) ? ON_DARK : ON_LIGHT),
    background: style.backgroundColor,
    foreground: style.color,
    cursor: style.color,
    selectionBackground: selection.trim() || undefined
  };
}
