import * as React from 'react';

import type { DraftModel } from '../../model/draft';
import type { IDraftState } from '../../model/draftstate';
import { Banner } from '../shared/banner';
import { Button, IconButton } from '../shared/button';
import { useTrans } from '../shared/context';
import { fullTime } from '../shared/format';

interface IAskProps {
  model: DraftModel;
  state: IDraftState;
}

/** Whether a script can be asked: notebooks and configurations cannot. */
function canBeAsked({ parameters }: IDraftState): boolean {
  const kind = parameters?.kind;
  return kind !== undefined && !['load', 'notebook', 'shell'].includes(kind);
}

/** Whether the script has a parser that can check command lines. */
export function canBeChecked(state: IDraftState): boolean {
  const kind = state.parameters?.kind ?? 'none';
  return canBeAsked(state) && !['command', 'none'].includes(kind);
}

/** Asks the script for its parameters; for the head of the form. */
export function AskButton({ model, state }: IAskProps): JSX.Element | null {
  const trans = useTrans();
  if (!canBeAsked(state)) {
    return null;
  }
  return (
    <IconButton
      icon="help"
      label={trans.__('Ask the script for its parameters')}
      title={trans.__(
        'Ask the script for its parameters: run it up to its command-line parser, without GPUs'
      )}
      disabled={state.asking}
      onClick={() => void model.ask()}
    />
  );
}

/** Where the parameters come from if not from the source alone, or what may be missing. */
export function AskBanner({
  model,
  state,
  canExecute
}: IAskProps & { canExecute: boolean }): JSX.Element | null {
  const trans = useTrans();
  const { parameters, asking, askProblem } = state;
  if (!canBeAsked(state) || !parameters) {
    return null;
  }
  const { asked, incomplete, kind } = parameters;
  const button = (label: string, stubMissing = false) =>
    canExecute && (
      <Button
        label={label}
        title={trans.__(
          'Run the script up to its command-line parser, without GPUs'
        )}
        onClick={() => void model.ask(stubMissing)}
      />
    );
  if (asking) {
    return (
      <Banner
        kind="info"
        actions={
          <Button
            label={trans.__('Cancel')}
            onClick={() => model.cancelAsking()}
          />
        }
      >
        {trans.__('Running the script up to its command-line parser…')}
      </Banner>
    );
  }
  if (askProblem) {
    return (
      <Banner
        kind="warning"
        actions={
          <>
            {askProblem.missing &&
              button(trans.__('Ask with stubs for missing modules'), true)}
            {button(trans.__('Ask again'))}
          </>
        }
        onClose={() => model.dismissAskProblem()}
      >
        {askProblem.message}
      </Banner>
    );
  }
  if (asked) {
    const date = fullTime(asked.asked_at);
    const stubbed = asked.stubbed.join(', ');
    return (
      <Banner
        kind={asked.changed ? 'warning' : 'info'}
        actions={button(trans.__('Ask again'))}
      >
        {asked.changed
          ? trans.__(
              'The script was asked on %1; %2 has changed since.',
              date,
              asked.changed
            )
          : trans.__(
              'The script’s parser (%1) was asked on %2.',
              asked.library,
              date
            )}
        {stubbed &&
          ` ${trans.__('Not installed, so values may be wrong: %1.', stubbed)}`}
      </Banner>
    );
  }
  if (!incomplete && kind !== 'command') {
    return null;
  }
  return canExecute ? (
    <Banner kind="info" actions={button(trans.__('Ask the script'))}>
      {trans.__('The script may have more parameters than its source shows.')}
    </Banner>
  ) : null;
}
