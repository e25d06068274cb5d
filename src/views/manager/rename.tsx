/** The popup that renames a task. */
import * as React from 'react';

import { ACTIONS } from '../actions';
import type { ITaskContext } from '../actions/action';
import { perform } from '../actions/action';
import { useAttempt } from '../shared/attempt';
import { useTrans } from '../shared/context';
import type { IPoint } from '../shared/popup';
import { Popup } from '../shared/popup';
import { Button, TextInput } from '../shared/button';

export function RenamePopup(props: {
  /** Its first task is renamed. */
  context: ITaskContext;
  anchor: HTMLElement;
  at?: IPoint;
  onClose: () => void;
}): JSX.Element {
  const { context, onClose } = props;
  const [task] = context.chosen.names;
  const trans = useTrans();
  const [typed, setName] = React.useState(task);
  const { failure, isBusy, attempt } = useAttempt();
  const name = typed.trim();
  const isNew = name !== '' && name !== task;
  const rename = () =>
    attempt(async () => {
      await perform(ACTIONS['rename-task'], context, { name });
      onClose();
    });
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
          if (isNew) {
            void rename();
          }
        }}
      >
        <TextInput
          autoFocus
          value={typed}
          aria-label={trans.__('Task name')}
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
