import * as React from 'react';

import type { FailureGroup } from '../../client/types';
import { useTrans } from '../shared/context';
import { countOfTasks, exactValue } from '../shared/format';
import { Button, Link } from '../shared/button';
import { EmptyState } from '../shared/emptystate';
import type { FocusModel } from './focus';

/** Tasks of a group that are listed before *more*. */
const MAX_NAMES = 8;

/** Failed tasks grouped by error, with the values they have in common. */
export function Failures(props: {
  groups: readonly FailureGroup[];
  onOpenLog: (task: string) => void;
  focus: FocusModel;
}): JSX.Element {
  const trans = useTrans();
  if (props.groups.length === 0) {
    return (
      <EmptyState
        icon="completed"
        title={trans.__('None of these tasks failed')}
        text={trans.__('Failed tasks, grouped by error.')}
      />
    );
  }
  return (
    <div className="pyr-failures">
      {props.groups.map((group, index) => (
        <FailureCard key={index} {...props} group={group} />
      ))}
    </div>
  );
}

function FailureCard(props: {
  group: FailureGroup;
  onOpenLog: (task: string) => void;
  focus: FocusModel;
}): JSX.Element {
  const { message, names, others, shared } = props.group;
  const trans = useTrans();
  const [isAll, setAll] = React.useState(false);
  return (
    <section className="pyr-failure">
      <h3>
        <span className="pyr-failure-count">
          {countOfTasks(trans, names.length)}
        </span>
        <code>{message || trans.__('Unknown reason; see the log.')}</code>
      </h3>
      {shared.length > 0 && (
        <ul className="pyr-failure-shared">
          {shared.map(({ key, value, others: same }) => (
            <li key={key}>
              {sharedText(trans, names.length)}{' '}
              <code>
                {key}={exactValue(value)}
              </code>
              <span className="pyr-failure-others">
                {same === 0
                  ? trans._n(
                      'not true of the other task',
                      'not true of the other %1 tasks',
                      others
                    )
                  : trans.__(
                      'also true of %1 of the other %2 tasks',
                      same,
                      others
                    )}
              </span>
            </li>
          ))}
        </ul>
      )}
      {shared.length === 0 && names.length > 1 && (
        <p className="pyr-hint">
          {trans.__(
            'These tasks share no parameter value that distinguishes them from the other tasks.'
          )}
        </p>
      )}
      <ul className="pyr-failure-names">
        {(isAll ? names : names.slice(0, MAX_NAMES)).map(name => (
          <li key={name}>
            <Link
              title={trans.__('Open log')}
              onClick={() => props.onOpenLog(name)}
              onPointerEnter={() => props.focus.set(name)}
              onPointerLeave={() => props.focus.set(null)}
            >
              {name}
            </Link>
          </li>
        ))}
        {!isAll && names.length > MAX_NAMES && (
          <li>
            <Button
              label={trans.__('%1 more', names.length - MAX_NAMES)}
              onClick={() => setAll(true)}
            />
          </li>
        )}
      </ul>
    </section>
  );
}

function sharedText(trans: ReturnType<typeof useTrans>, count: number): string {
  return count === 2 ? trans.__('Both:') : trans.__('All %1:', count);
}
