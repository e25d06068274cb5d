import * as React from 'react';

import type { ISparkline } from '../../model/sparkline';
import { formatNumber } from './format';

const WIDTH = 96;
const HEIGHT = 18;

/** A small curve without axes, from its least to its greatest value. */
export function Sparkline(props: {
  curve: ISparkline;
  label: string;
}): JSX.Element | null {
  const { values, places } = props.curve;
  const numbers = values.filter((value): value is number => value !== null);
  if (numbers.length === 0) {
    return null;
  }
  const least = Math.min(...numbers);
  const greatest = Math.max(...numbers);
  const last = places[places.length - 1] || 1;
  const x = (place: number) => 2 + ((WIDTH - 4) * place) / last;
  const y = (value: number) =>
    greatest > least
      ? HEIGHT - 2 - ((HEIGHT - 4) * (value - least)) / (greatest - least)
      : HEIGHT / 2;
  const points = values.flatMap((value, index) =>
    value === null
      ? []
      : `${x(places[index]).toFixed(1)},${y(value).toFixed(1)}`
  );
  const [endX, endY] = points[points.length - 1].split(',');
  return (
    <svg
      className="pyr-curve"
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      width={WIDTH}
      height={HEIGHT}
      role="img"
      aria-label={props.label}
    >
      <title>{`${formatNumber(least)} … ${formatNumber(greatest)}`}</title>
      <polyline points={points.join(' ')} />
      <circle cx={endX} cy={endY} r="1.75" />
    </svg>
  );
}
