/** Colours of charts that fit the page around. */

export interface IChartTheme {
  background: string;
  text: string;
  /** Of what is less important. */
  faint: string;
  grid: string;
  axis: string;
  accent: string;
  /** Of text, in pixels. */
  size: number;
  font: string;
  isDark: boolean;
}

// Ten distinct colours for light and for dark backgrounds, repeated after that. Source: the "Tableau 10" and "Observable 10" palettes, made lighter
// or darker for a contrast of 3.
const ON_LIGHT = [
  '#1f77b4',
  '#d6590b',
  '#2a8a2a',
  '#c5282a',
  '#7d55b0',
  '#8a564c',
  '#c9479d',
  '#6b6b6b',
  '#8a8a12',
  '#0f8a9a'
];

const ON_DARK = [
  '#5fa8e6',
  '#ff9d4d',
  '#5fc75f',
  '#ff7b78',
  '#b795e0',
  '#c69c92',
  '#f090ce',
  '#b0b0b0',
  '#cfcf4a',
  '#3fc6d6'
];

/** The colour of the n-th of several things. */
export function seriesColour(index: number, isDark: boolean): string {
  const colours = isDark ? ON_DARK : ON_LIGHT;
  return colours[index % colours.length];
}

// Source: viridis (S. van der Walt, N. Smith), at nine equally distant places.
const VIRIDIS = [
  [68, 1, 84],
  [71, 44, 122],
  [59, 81, 139],
  [44, 113, 142],
  [33, 144, 141],
  [39, 173, 129],
  [92, 200, 99],
  [170, 220, 50],
  [253, 231, 37]
];

/** The colour of a fraction from 0 to 1, from dark to light. */
export function rampColour(fraction: number): string {
  const place = Math.min(1, Math.max(0, fraction)) * (VIRIDIS.length - 1);
  const index = Math.min(VIRIDIS.length - 2, Math.floor(place));
  const mix = place - index;
  const channels = VIRIDIS[index].map((from, channel) =>
    Math.round(from + (VIRIDIS[index + 1][channel] - from) * mix)
  );
  return `rgb(${channels.join(',')})`;
}

/** Black or white, whichever is readable on the colour of a fraction. */
export function rampText(fraction: number): string {
  return fraction > 0.55 ? '#000000' : '#ffffff';
}

/** The theme for a chart inside `element`. */
export function chartTheme(element: Element): IChartTheme {
  const style = getComputedStyle(element);
  const value = (name: string, other: string) =>
    style.getPropertyValue(name).trim() || other;
  const { jpThemeLight, jpThemeName } = document.body.dataset;
  const isDark = jpThemeLight === 'false';
  // Its borders are as bright as text, too bright for a grid.
  const isContrast = /high contrast/i.test(jpThemeName ?? '');
  return {
    background: value('--jp-layout-color1', isDark ? '#111111' : '#ffffff'),
    text: value('--jp-ui-font-color1', isDark ? '#ffffff' : '#212121'),
    faint: value('--jp-ui-font-color2', isDark ? '#b0b0b0' : '#5f5f5f'),
    grid: value(
      isContrast ? '--jp-layout-color3' : '--jp-border-color2',
      isDark ? '#424242' : '#e0e0e0'
    ),
    axis: value('--jp-border-color0', isDark ? '#757575' : '#9e9e9e'),
    accent: value('--jp-brand-color1', '#1976d2'),
    size: 11,
    font: style.fontFamily || 'sans-serif',
    isDark
  };
}

/** Call `listener` when the page changes its theme; return a function that stops it. */
export function watchTheme(listener: () => void): () => void {
  const observer = new MutationObserver(() => {
    // The new theme's variables are there one frame later.
    requestAnimationFrame(listener);
  });
  observer.observe(document.body, {
    attributes: true,
    attributeFilter: ['data-jp-theme-light', 'data-jp-theme-name']
  });
  return () => observer.disconnect();
}

/** For files, which have a white background. */
export const PAPER: IChartTheme = {
  background: '#ffffff',
  text: '#212121',
  faint: '#5f5f5f',
  grid: '#e4e4e4',
  axis: '#9e9e9e',
  accent: '#1976d2',
  size: 11,
  font: 'system-ui, -apple-system, Segoe UI, Helvetica, Arial, sans-serif',
  isDark: false
};
