import * as React from 'react';

export interface ISeries {
  /** Oldest first; one not known leaves a gap. */
  values: readonly (number | null)[];
  /** The value at the upper edge; 100 if left out. */
  most?: number;
  /** `area` is filled down to the ground. */
  kind: 'area' | 'line';
  /** Distinguishes the series of one chart by colour. */
  series?: 1 | 2;
}

/** The height that is drawn on; the picture stretches to its place. */
const HEIGHT = 21;

/** A small chart of values over time without axes, the newest at the right. */
export function UsageChart(props: {
  series: readonly ISeries[];
  /** How many values fit in. */
  length: number;
}): JSX.Element {
  const { series, length } = props;
  return (
    <svg
      className="pyr-usage-chart"
      viewBox={`0 0 ${length - 1} ${HEIGHT}`}
      preserveAspectRatio="none"
      aria-hidden="true"
      focusable="false"
    >
      {series.map((each, index) => (
        <g
          key={index}
          className={`pyr-series-${each.series ?? 1} pyr-usage-chart-${each.kind}`}
        >
          {linesOf(each, length).map(line => (
            <React.Fragment key={line[0]}>
              {each.kind === 'area' && (
                <polygon
                  points={`${xOf(line[0])},${HEIGHT} ${line.join(' ')} ${xOf(line[line.length - 1])},${HEIGHT}`}
                />
              )}
              <polyline
                points={line.join(' ')}
                vectorEffect="non-scaling-stroke"
              />
            </React.Fragment>
          ))}
        </g>
      ))}
    </svg>
  );
}

/** The points of each stretch without a gap. */
function linesOf(series: ISeries, length: number): string[][] {
  const shown = series.values.slice(-length);
  const most = series.most ?? 100;
  const shift = length - shown.length;
  const lines: string[][] = [[]];
  shown.forEach((value, index) => {
    if (value === null) {
      lines.push([]);
      return;
    }
    const fraction = Math.min(1, Math.max(0, most > 0 ? value / most : 0));
    const y = HEIGHT - 1 - (HEIGHT - 2) * fraction;
    lines[lines.length - 1].push(`${shift + index},${y.toFixed(1)}`);
  });
  return lines.filter(line => line.length > 0);
}

function xOf(point: string): string {
  return point.split(',')[0];
}
