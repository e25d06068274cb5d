/** Another name for a task. */
import * as React from 'react';

import { asClientError } from '../../client/errors';
import { ACTIONS } from '../actions';
import type { ITaskContext } from '../actions/action';
import { perform } from '../actions/action';
import { useTrans } from '../shared/context';
import type { IPoint } from '../shared/popup';
import { Popup } from '../shared/popup';
import { Button } from '../shared/strip';

export function RenamePopup(props: {
  /** The task is what it is about. */
  context: ITaskContext;
  anchor: HTMLElement;
  at?: IPoint;
  onClose: () => void;
}): JSX.Element {
  const { context, onClose } = props;
  const [task] = context.chosen.names;
  const trans = useTrans();
  const [name, setName] = React.useState(task);
  const [problem, setProblem] = React.useState('');
  const [busy, setBusy] = React.useState(false);
  const rename = async () => {
    setBusy(true);
    setProblem('');
    try {
      await perform(ACTIONS['rename-task'], context, { name: name.trim() });
      onClose();
    } catch (error) {
      setProblem(asClientError(error).message);
      setBusy(false);
    }
  };
  return (
    <Popup
      anchor={props.anchor}
      at={props.at}
      onClose={onClose}
      label={trans.__('Rename %1', task)}
      className="pyr-columns"
    >
      <form
        className="pyr-view-save"
        onSubmit={event => {
          event.preventDefault();
          if (name.trim() && name.trim() !== task) {
            void rename();
          }
        }}
      >
        <input
          type="text"
          className="pyr-input"
          autoFocus
          spellCheck={false}
          value={name}
          aria-label={trans.__('Name of the task')}
          aria-invalid={problem !== ''}
          onFocus={event => event.target.select()}
          onChange={event => setName(event.target.value)}
        />
        <Button
          type="submit"
          label={trans.__('Rename')}
          disabled={busy || !name.trim() || name.trim() === task}
        />
      </form>
      {problem && <p className="pyr-field-error">{problem}</p>}
    </Popup>
  );
}
