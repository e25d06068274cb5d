/** The popup in which aggregates of metrics, such as min(loss), are chosen. */
import * as React from 'react';

import { aggregateChoices } from '../../model/metrics';
import { TextInput } from './button';
import { Toggle } from './choice';
import { useTrans } from './context';
import { Popup } from './popup';

/** Suggestions that are listed; typing filters the others. */
const MAX_CHOICES = 100;

export function AggregatesPopup(props: {
  anchor: HTMLElement;
  metrics: readonly string[];
  goals: Readonly<Record<string, unknown>>;
  chosen: readonly string[];
  onChoose: (aggregate: string, isChosen: boolean) => void;
  onClose: () => void;
}): JSX.Element {
  const { chosen, metrics, goals } = props;
  const trans = useTrans();
  const [text, setText] = React.useState('');
  const choices = aggregateChoices(text, chosen, metrics, goals);
  return (
    <Popup
      anchor={props.anchor}
      onClose={props.onClose}
      label={trans.__('Aggregates')}
      className="pyr-columns"
    >
      <div className="pyr-columns-head">
        <TextInput
          type="search"
          autoFocus
          data-item=""
          value={text}
          placeholder={trans.__('Filter, or mean(loss, 10)')}
          aria-label={trans.__('Filter aggregates')}
          onValue={setText}
        />
      </div>
      <fieldset className="pyr-columns-group">
        <legend>{trans.__('Aggregates')}</legend>
        {choices.slice(0, MAX_CHOICES).map(each => (
          <Toggle
            key={each}
            className="pyr-columns-item"
            data-item=""
            label={each}
            checked={chosen.includes(each)}
            onChange={isChosen => props.onChoose(each, isChosen)}
          />
        ))}
        {choices.length === 0 && (
          <p className="pyr-popup-hint">
            {trans.__('Enter an aggregate of a metric, such as min(loss).')}
          </p>
        )}
      </fieldset>
    </Popup>
  );
}
