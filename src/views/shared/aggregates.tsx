/** The popup in which aggregates of metrics, such as min(loss), are chosen. */
import * as React from 'react';

import { aggregateChoices } from '../../model/metrics';
import { ChoicesPopup } from './choicespopup';
import { useTrans } from './context';
import type { PopupPlace } from './popup';
import { OpenButton } from './popup';

interface IAggregatesProps {
  metrics: readonly string[];
  goals: Readonly<Record<string, unknown>>;
  chosen: readonly string[];
  onChoose: (aggregate: string, isChosen: boolean) => void;
}

/** The button that opens it. */
export function AggregatesButton(props: IAggregatesProps): JSX.Element {
  const trans = useTrans();
  return (
    <OpenButton
      icon="table"
      label={trans.__('Aggregates')}
      title={trans.__('Select aggregates of metrics, such as min(loss)')}
      opens={place => <AggregatesPopup {...props} {...place} />}
    />
  );
}

function AggregatesPopup(props: IAggregatesProps & PopupPlace): JSX.Element {
  const { metrics, goals, ...rest } = props;
  const trans = useTrans();
  const [text, setText] = React.useState('');
  const choices = aggregateChoices(text, props.chosen, metrics, goals);
  const items = choices.map(each => ({ id: each, title: each }));
  return (
    <ChoicesPopup
      {...rest}
      label={trans.__('Aggregates')}
      filterLabel={trans.__('Filter aggregates')}
      placeholder={trans.__('Filter, or enter mean(loss, 10)')}
      text={text}
      onText={setText}
      groups={[[trans.__('Aggregates'), items]]}
    >
      {choices.length === 0 && (
        <p className="pyr-popup-hint">
          {trans.__('Enter an aggregate of a metric, such as min(loss).')}
        </p>
      )}
    </ChoicesPopup>
  );
}
