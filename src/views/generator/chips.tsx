import * as React from 'react';

import type { IAxis } from '../../model/studyform';
import type { ITrans } from '../shared/context';
import { useTrans } from '../shared/context';

function kindWord(trans: ITrans, axis: IAxis): string {
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
    case 'ordered':
      return trans.__('choice');
    default:
      return trans.__('sweep');
  }
}

/** How many values a parameter takes, and which. */
export function AxisChip({ axis }: { axis: IAxis }): JSX.Element {
  const trans = useTrans();
  if (axis.span !== undefined) {
    return (
      <span className="pyr-chip pyr-chip-interval" title={axis.span}>
        {axis.isLog ? trans.__('log range') : trans.__('range')}
      </span>
    );
  }
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
