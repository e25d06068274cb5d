/** Another name for a task. */
import * as React from 'react';

import type { TaskRow } from '../../client/types';
import type { WorkspaceModel } from '../../model/workspace';
import { useAttempt } from '../shared/attempt';
import { useTrans } from '../shared/context';
import type { IPoint } from '../shared/popup';
import { Popup } from '../shared/popup';
import { Button, TextInput } from '../shared/strip';

export function RenamePopup(props: {
  model: WorkspaceModel;
  task: TaskRow;
  anchor: HTMLElement;
  at?: IPoint;
  onClose: () => void;
}): JSX.Element {
  const { model, task, onClose } = props;
  const trans = useTrans();
  const [typed, setName] = React.useState(task.name);
  const { failure, isBusy, attempt } = useAttempt();
  const name = typed.trim();
  const isNew = name !== '' && name !== task.name;
  const rename = () =>
    attempt(async () => {
      await model.client.changeTask(model.id, task.name, {
        name,
        expected: { name: task.name }
      });
      model.refresh();
      onClose();
    });
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
          if (isNew) {
            void rename();
          }
        }}
      >
        <TextInput
          autoFocus
          value={typed}
          aria-label={trans.__('Name of the task')}
          aria-invalid={failure !== ''}
          onFocus={event => event.target.select()}
          onValue={setName}
        />
        <Button
          type="submit"
          label={trans.__('Rename')}
          disabled={isBusy || !isNew}
        />
      </form>
      {failure && <p className="pyr-field-error">{failure}</p>}
    </Popup>
  );
}
