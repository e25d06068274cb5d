import * as React from 'react';

import type { Axis } from '../../client/types';
import type { ITrans } from '../shared/context';
import { useTrans } from '../shared/context';

function kindWord(trans: ITrans, axis: Axis): string {
  switch (axis.kind) {
    case 'zip':
      return trans.__('zip');
    case 'range':
    case 'lin':
    case 'log':
      return trans.__('range');
    case 'choice':
    case 'uniform':
      return trans.__('sample');
    default:
      return trans.__('sweep');
  }
}

/** How many values a parameter takes, and which. */
export function AxisChip({ axis }: { axis: Axis }): JSX.Element {
  const trans = useTrans();
  const rest = axis.count - axis.values.length;
  const values = axis.values.join('\n');
  return (
    <span
      className={`pyr-chip pyr-chip-${axis.kind}`}
      title={rest > 0 ? trans.__('%1\n… and %2 more', values, rest) : values}
    >
      {kindWord(trans, axis)} <b>{axis.count}</b>
    </span>
  );
}
