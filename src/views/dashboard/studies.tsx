import * as React from 'react';

import type { Study } from '../../client/types';
import type { StudiesModel } from '../../model/studies';
import { useTrans } from '../shared/context';
import { formatNumber } from '../shared/format';
import { useStore } from '../shared/store';
import { Link } from '../shared/button';
import { Bar, Card } from './card';

/** The adaptive sweeps that go on; nothing where none does. */
export function Studies(props: {
  model: StudiesModel;
  /** Look at one; not offered without it. */
  onOpen?: (study: string) => void;
}): JSX.Element | null {
  const trans = useTrans();
  const { items } = useStore(props.model);
  const active = (items ?? []).filter(item => item.state === 'active');
  if (active.length === 0) {
    return null;
  }
  return (
    <Card title={trans.__('Studies')}>
      <ul className="pyr-batches">
        {active.map(study => (
          <li key={study.name} className="pyr-batch">
            <StudyLine study={study} onOpen={props.onOpen} />
          </li>
        ))}
      </ul>
    </Card>
  );
}

function StudyLine(props: {
  study: Study;
  onOpen?: (study: string) => void;
}): JSX.Element {
  const { study, onOpen } = props;
  const trans = useTrans();
  const { complete, pruned, failed } = study.counts;
  const done = complete + pruned + failed;
  const value = study.best?.value ?? null;
  return (
    <>
      <div className="pyr-batch-head">
        {onOpen ? (
          <Link
            title={trans.__('Open study')}
            onClick={() => onOpen(study.name)}
          >
            {study.name}
          </Link>
        ) : (
          <b>{study.name}</b>
        )}
        <span className="pyr-fill pyr-note pyr-cut">
          {value !== null &&
            trans.__('best %1', `${study.objective} ${formatNumber(value)}`)}
        </span>
        <span>{trans.__('%1 of %2 trials', done, study.n)}</span>
      </div>
      <Bar
        value={(100 * done) / Math.max(1, study.n)}
        label={trans.__('Finished trials')}
      />
    </>
  );
}
