/** The popup that renames a task. */
import * as React from 'react';

import { ACTIONS } from '../actions';
import type { ITaskContext } from '../actions/action';
import { perform } from '../actions/action';
import { useAttempt } from '../shared/attempt';
import { useTrans } from '../shared/context';
import { FormPopup } from '../shared/formpopup';
import type { PopupPlace } from '../shared/popup';
import { Button, TextInput } from '../shared/button';

export function RenamePopup({
  context,
  ...popup
}: PopupPlace & {
  /** Its first task is renamed. */
  context: ITaskContext;
}): JSX.Element {
  const [task] = context.chosen.names;
  const trans = useTrans();
  const [typed, setName] = React.useState(task);
  const { failure, isBusy, attempt } = useAttempt();
  const name = typed.trim();
  const isNew = name !== '' && name !== task;
  return (
    <FormPopup
      {...popup}
      label={trans.__('Rename %1', task)}
      error={failure}
      onSubmit={close =>
        isNew &&
        attempt(async () => {
          await perform(ACTIONS['rename-task'], context, { name });
          close();
        })
      }
      buttons={
        <Button
          type="submit"
          accent
          label={trans.__('Rename')}
          disabled={isBusy || !isNew}
        />
      }
    >
      <TextInput
        autoFocus
        value={typed}
        aria-label={trans.__('Task name')}
        aria-invalid={failure !== ''}
        onFocus={event => event.target.select()}
        onValue={setName}
      />
    </FormPopup>
  );
}
