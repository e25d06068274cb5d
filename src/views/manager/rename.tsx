/** Another name for a task. */
import * as React from 'react';

import { asClientError } from '../../client/errors';
import type { TaskRow } from '../../client/types';
import type { WorkspaceModel } from '../../model/workspace';
import { useTrans } from '../shared/context';
import type { IPoint } from '../shared/popup';
import { Popup } from '../shared/popup';
import { Button } from '../shared/strip';

export function RenamePopup(props: {
  model: WorkspaceModel;
  task: TaskRow;
  anchor: HTMLElement;
  at?: IPoint;
  onClose: () => void;
}): JSX.Element {
  const { model, task, onClose } = props;
  const trans = useTrans();
  const [name, setName] = React.useState(task.name);
  const [problem, setProblem] = React.useState('');
  const [busy, setBusy] = React.useState(false);
  const rename = async () => {
    setBusy(true);
    setProblem('');
    try {
      await model.rename(task.name, name.trim());
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
      label={trans.__('Rename %1', task.name)}
      className="pyr-columns"
    >
      <form
        className="pyr-view-save"
        onSubmit={event => {
          event.preventDefault();
          if (name.trim() && name.trim() !== task.name) {
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
          disabled={busy || !name.trim() || name.trim() === task.name}
        />
      </form>
      {problem && <p className="pyr-field-error">{problem}</p>}
    </Popup>
  );
}
