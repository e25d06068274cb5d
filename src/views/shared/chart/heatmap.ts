import { formatNumber } from '../format';
import { short } from './axes';
import type { IPainter } from './painter';
import type { Chart, IHitResult, IScene } from './scene';
import type { IChartTheme } from './theme';
import { paintRamp, RAMP_ROOM } from './ramp';
import { rampColour, rampText } from './theme';

export interface IHeatmapSpec {
  xName: string;
  yName: string;
  /** What the colours stand for. */
  name: string;
  xLabels: readonly string[];
  yLabels: readonly string[];
  /** By row, then by column; null where there is nothing. */
  cells: readonly (readonly (IHeatCell | null)[])[];
}

export interface IHeatCell {
  value: number;
  /** How many tasks it is the mean of. */
  tasks: number;
}

const LEFT = 96;
const BOTTOM = 52;
const TOP = 28;

/** Means over two parameters as colours. */
export function heatmapChart(spec: IHeatmapSpec): Chart {
  return (width, height, theme) => heatmapScene(spec, width, height, theme);
}

function heatmapScene(
  spec: IHeatmapSpec,
  width: number,
  height: number,
  theme: IChartTheme
): IScene {
  const cellWidth =
    Math.max(1, width - LEFT - RAMP_ROOM) / Math.max(1, spec.xLabels.length);
  const cellHeight =
    Math.max(1, height - TOP - BOTTOM) / Math.max(1, spec.yLabels.length);
  const values = spec.cells.flat().flatMap(cell => (cell ? [cell.value] : []));
  const low = Math.min(...values);
  const high = Math.max(...values);
  const xOf = (column: number) => LEFT + column * cellWidth;
  const yOf = (row: number) => TOP + row * cellHeight;
  const fractionOf = (value: number) =>
    high > low ? (value - low) / (high - low) : 0.5;

  return {
    paint(painter: IPainter): void {
      const type = { colour: theme.faint, size: theme.size };
      const [right, bottom] = [
        xOf(spec.xLabels.length),
        yOf(spec.yLabels.length)
      ];
      spec.cells.forEach((cells, row) =>
        cells.forEach((cell, column) => {
          const [x, y] = [xOf(column), yOf(row)];
          const [width, height] = [cellWidth - 1, cellHeight - 1];
          if (!cell) {
            painter.rect(x, y, width, height, { fill: theme.grid, alpha: 0.4 });
            return;
          }
          const fraction = fractionOf(cell.value);
          painter.rect(x, y, width, height, { fill: rampColour(fraction) });
          if (width > 46 && height > 16) {
            painter.text(
              x + width / 2,
              y + height / 2,
              formatNumber(cell.value),
              {
                colour: rampText(fraction),
                size: theme.size,
                align: 'middle',
                baseline: 'middle'
              }
            );
          }
        })
      );
      const stepX = Math.max(1, Math.ceil(64 / cellWidth));
      spec.xLabels.forEach((label, column) => {
        if (column % stepX === 0) {
          painter.text(xOf(column + 0.5), bottom + 6, short(label), {
            ...type,
            align: 'middle',
            baseline: 'top'
          });
        }
      });
      const stepY = Math.max(1, Math.ceil(14 / cellHeight));
      spec.yLabels.forEach((label, row) => {
        if (row % stepY === 0) {
          painter.text(LEFT - 6, yOf(row + 0.5), short(label), {
            ...type,
            align: 'end',
            baseline: 'middle'
          });
        }
      });
      painter.text(right, bottom + 24, spec.xName, {
        colour: theme.text,
        size: theme.size,
        align: 'end',
        baseline: 'top'
      });
      painter.text(LEFT, TOP - 8, spec.yName, {
        colour: theme.text,
        size: theme.size,
        weight: 'bold'
      });
      paintRamp(
        painter,
        theme,
        {
          name: spec.name,
          low: Number.isFinite(low) ? formatNumber(low) : '',
          high: Number.isFinite(high) ? formatNumber(high) : ''
        },
        right,
        TOP,
        bottom - TOP
      );
    },

    pick(x: number, y: number): IHitResult | null {
      const column = Math.floor((x - LEFT) / cellWidth);
      const row = Math.floor((y - TOP) / cellHeight);
      const cell = spec.cells[row]?.[column];
      if (!cell || x < LEFT || y < TOP) {
        return null;
      }
      const { xName, yName, xLabels, yLabels, name } = spec;
      return {
        id: `${row} ${column}`,
        x: xOf(column + 0.5),
        y: yOf(row + 0.5),
        title: `${name} ${formatNumber(cell.value)} (${cell.tasks})`,
        lines: [
          { name: xName, value: xLabels[column] },
          { name: yName, value: yLabels[row] }
        ]
      };
    },

    highlight(painter: IPainter, id: string, pick: IHitResult | null): void {
      if (!pick) {
        return;
      }
      painter.rect(
        pick.x - cellWidth / 2,
        pick.y - cellHeight / 2,
        cellWidth - 1,
        cellHeight - 1,
        { stroke: theme.text, width: 2 }
      );
    }
  };
}
