/** A comparison as files: images, a table, a report. */
import type { Chart } from '../shared/chart';
import { PAPER, toSvg } from '../shared/chart';
import { CanvasPainter, escaped } from '../shared/chart/painter';
import type { ITrans } from '../shared/context';
import {
  countOfTasks,
  exactValue,
  formatNumber,
  fullTime
} from '../shared/format';
import type { IComparisonView } from './comparisonview';
import { bestOf } from '../../model/compare';

export interface INamedChart {
  name: string;
  chart: Chart;
  width: number;
  height: number;
}

/** Pixel ratio of images, for print. */
const SHARPNESS = 2;

const GAP = 16;

/** Several charts stacked into one. */
export function together(charts: readonly INamedChart[]): INamedChart {
  const [first] = charts;
  if (charts.length === 1) {
    return first;
  }
  const width = Math.max(...charts.map(each => each.width));
  const height = charts.reduce((sum, each) => sum + each.height + GAP, -GAP);
  return {
    name: first.name,
    width,
    height,
    chart: (_, __, theme) => ({
      paint: painter => {
        let top = 0;
        for (const each of charts) {
          const scene = each.chart(each.width, each.height, theme);
          painter.at(0, top, () => scene.paint(painter));
          top += each.height + GAP;
        }
      }
    })
  };
}

export function svgOf(named: INamedChart): string {
  return toSvg(named.chart, named.width, named.height);
}

export function pngOf(named: INamedChart): Promise<Blob> {
  const canvas = document.createElement('canvas');
  canvas.width = named.width * SHARPNESS;
  canvas.height = named.height * SHARPNESS;
  const context = canvas.getContext('2d');
  if (!context) {
    return Promise.reject(new Error('This browser has no canvas.'));
  }
  context.scale(SHARPNESS, SHARPNESS);
  context.fillStyle = PAPER.background;
  context.fillRect(0, 0, named.width, named.height);
  named
    .chart(named.width, named.height, PAPER)
    .paint(new CanvasPainter(context, PAPER.font));
  return new Promise((resolve, reject) =>
    canvas.toBlob(
      blob =>
        blob ? resolve(blob) : reject(new Error('The image is too large.')),
      'image/png'
    )
  );
}

/** The table as CSV: a row per task, numbers not rounded. */
export function csvOf(shown: IComparisonView): string {
  const head = ['name', 'status', ...shown.columns.map(({ key }) => key)];
  const rows = shown.tasks.map(({ row, at }) => [
    row.name,
    row.status,
    ...shown.columns.map(({ values }) => values[at])
  ]);
  const text = [head, ...rows]
    .map(row => row.map(csvCell).join(','))
    .join('\r\n');
  return `${text}\r\n`;
}

function csvCell(value: unknown): string {
  let text = exactValue(value);
  if (typeof value === 'string' && /^[=+\-@\t\r]/.test(text)) {
    // A spreadsheet would read it as a formula.
    text = `'${text}`;
  }
  return /[",\r\n]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text;
}

const STYLE = `
body { margin: 2em auto; max-width: 1000px; padding: 0 1em; color: #212121; font: 14px/1.45 ${PAPER.font}; }
h1 { font-size: 1.5em; } h2 { margin-top: 2em; font-size: 1.15em; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: 3px 10px; border-bottom: 1px solid #e4e4e4; text-align: left; white-space: nowrap; }
td.number { text-align: right; } td.best { font-weight: 700; background: #e8f4ea; }
code { font-family: ui-monospace, monospace; font-size: .93em; overflow-wrap: anywhere; white-space: pre-wrap; }
svg { max-width: 100%; height: auto; } .faint { color: #5f5f5f; }
`;

/**
 * The comparison as one self-contained HTML page without scripts.
 *
 * @param title - of the page
 * @param charts - in order
 */
export function reportOf(
  trans: ITrans,
  title: string,
  shown: IComparisonView,
  charts: readonly INamedChart[]
): string {
  const text = (value: unknown) => escaped(exactValue(value));
  const best = shown.columns.map(column =>
    bestOf(column, shown.goals, shown.targetMetric)
  );
  const head = shown.columns.map(({ key }) => `<th>${escaped(key)}</th>`);
  const rows = shown.tasks.map(({ row, at }) => {
    const cells = shown.columns.map((column, index) => {
      const value = column.values[at];
      const classes = [
        column.numbers ? 'number' : '',
        best[index].has(at) ? 'best' : ''
      ].filter(Boolean);
      const told =
        column.kind === 'metric' && typeof value === 'number'
          ? escaped(formatNumber(value))
          : text(value);
      return `<td class="${classes.join(' ')}">${told}</td>`;
    });
    return `<tr><th>${escaped(row.name)}</th><td>${escaped(row.status)}</td>${cells.join('')}</tr>`;
  });
  const failures = shown.comparison.failures.map(group => {
    const shared = group.shared
      .map(({ key, value }) => `<code>${escaped(key)}=${text(value)}</code>`)
      .join(', ');
    return `<li><code>${escaped(group.message)}</code><br><span class="faint">${escaped(group.names.join(', '))}${shared ? ` — ${shared}` : ''}</span></li>`;
  });
  return `<!DOCTYPE html>
<html lang="${escaped(document.documentElement.lang || 'en')}"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width"><title>${escaped(title)}</title><style>${STYLE}</style></head><body>
<h1>${escaped(title)}</h1>
<p class="faint">${escaped(countOfTasks(trans, shown.tasks.length))}, ${escaped(fullTime(Date.now() / 1000))}</p>
<div class="scroll"><table><thead><tr><th>${escaped(trans.__('Task'))}</th><th>${escaped(trans.__('Status'))}</th>${head.join('')}</tr></thead><tbody>${rows.join('\n')}</tbody></table></div>
${charts.map(each => `<h2>${escaped(each.name)}</h2>\n${toSvg(each.chart, each.width, each.height)}`).join('\n')}
${failures.length > 0 ? `<h2>${escaped(trans.__('Failures'))}</h2><ul>${failures.join('\n')}</ul>` : ''}
</body></html>
`;
}
