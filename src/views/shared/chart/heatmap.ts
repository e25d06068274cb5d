import { formatNumber } from '../format';
import { paintLabels, short } from './axes';
import type { IPainter } from './painter';
import type { Chart, IHitResult, IScene } from './scene';
import type { IChartTheme } from './theme';
import { rampColour, rampText } from './theme';

export interface IHeatmapSpec {
  xName: string;
  yName: string;
  /** What the colours mean. */
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
const RIGHT = 76;
const BAR = 12;
const STEPS = 40;

/** Means over two parameters as colours. */
export function heatmapChart(spec: IHeatmapSpec): Chart {
  return (width, height, theme) => new HeatmapScene(spec, width, height, theme);
}

class HeatmapScene implements IScene {
  constructor(
    private readonly _spec: IHeatmapSpec,
    width: number,
    height: number,
    private readonly _theme: IChartTheme
  ) {
    const spec = _spec;
    this._cellWidth =
      Math.max(1, width - LEFT - RIGHT) / Math.max(1, spec.xLabels.length);
    this._cellHeight =
      Math.max(1, height - TOP - BOTTOM) / Math.max(1, spec.yLabels.length);
    const values = spec.cells
      .flat()
      .flatMap(cell => (cell ? [cell.value] : []));
    this._low = Math.min(...values);
    this._high = Math.max(...values);
  }

  paint(painter: IPainter): void {
    const { _spec: spec, _theme: theme } = this;
    const type = { colour: theme.faint };
    const [right, bottom] = [
      this._x(spec.xLabels.length),
      this._y(spec.yLabels.length)
    ];
    spec.cells.forEach((cells, row) =>
      cells.forEach((cell, column) => {
        const [x, y] = [this._x(column), this._y(row)];
        const [width, height] = [this._cellWidth - 1, this._cellHeight - 1];
        if (!cell) {
          painter.rect(x, y, width, height, { fill: theme.grid, alpha: 0.4 });
          return;
        }
        const part = this._part(cell.value);
        painter.rect(x, y, width, height, { fill: rampColour(part) });
        if (width > 46 && height > 16) {
          painter.text(
            x + width / 2,
            y + height / 2,
            formatNumber(cell.value),
            {
              colour: rampText(part),
              align: 'middle',
              baseline: 'middle'
            }
          );
        }
      })
    );
    paintLabels(painter, theme, spec.xLabels, bottom + 6, column =>
      this._x(column + 0.5)
    );
    const stepY = Math.max(1, Math.ceil(14 / this._cellHeight));
    spec.yLabels.forEach((label, row) => {
      if (row % stepY === 0) {
        painter.text(LEFT - 6, this._y(row + 0.5), short(label), {
          ...type,
          align: 'end',
          baseline: 'middle'
        });
      }
    });
    painter.text(right, bottom + 24, spec.xName, {
      colour: theme.text,
      align: 'end',
      baseline: 'top'
    });
    painter.text(LEFT, TOP - 8, spec.yName, {
      colour: theme.text,
      weight: 'bold'
    });
    this._paintRamp(painter, right + 16, TOP, bottom - TOP);
  }

  pick(x: number, y: number): IHitResult | null {
    const column = Math.floor((x - LEFT) / this._cellWidth);
    const row = Math.floor((y - TOP) / this._cellHeight);
    const cell = this._spec.cells[row]?.[column];
    if (!cell || x < LEFT || y < TOP) {
      return null;
    }
    const { xName, yName, xLabels, yLabels, name } = this._spec;
    return {
      id: `${row} ${column}`,
      x: this._x(column + 0.5),
      y: this._y(row + 0.5),
      title: `${name} ${formatNumber(cell.value)} (${cell.tasks})`,
      lines: [
        { name: xName, value: xLabels[column] },
        { name: yName, value: yLabels[row] }
      ]
    };
  }

  highlight(painter: IPainter, id: string, pick: IHitResult | null): void {
    if (!pick) {
      return;
    }
    painter.rect(
      pick.x - this._cellWidth / 2,
      pick.y - this._cellHeight / 2,
      this._cellWidth - 1,
      this._cellHeight - 1,
      { stroke: this._theme.text, width: 2 }
    );
  }

  private _paintRamp(
    painter: IPainter,
    x: number,
    y: number,
    height: number
  ): void {
    const theme = this._theme;
    for (let step = 0; step < STEPS; step++) {
      painter.rect(x, y + (height * step) / STEPS, BAR, height / STEPS + 0.5, {
        fill: rampColour(1 - step / (STEPS - 1))
      });
    }
    const type = { colour: theme.faint };
    if (Number.isFinite(this._low)) {
      painter.text(x + BAR + 4, y, formatNumber(this._high), {
        ...type,
        baseline: 'top'
      });
      painter.text(x + BAR + 4, y + height, formatNumber(this._low), type);
    }
    painter.text(x, y - 8, short(this._spec.name, 11), {
      ...type,
      colour: theme.text
    });
  }

  private _x(column: number): number {
    return LEFT + column * this._cellWidth;
  }

  private _y(row: number): number {
    return TOP + row * this._cellHeight;
  }

  private _part(value: number): number {
    return this._high > this._low
      ? (value - this._low) / (this._high - this._low)
      : 0.5;
  }

  private readonly _cellWidth: number;
  private readonly _cellHeight: number;
  private readonly _low: number;
  private readonly _high: number;
}
