import * as React from 'react';

import type { TaskDetail, TaskPatch } from '../../../client/types';
import type { TaskDetailModel } from '../../../model/taskdetail';
import { useAttempt } from '../../shared/attempt';
import { useTrans } from '../../shared/context';
import { useStore } from '../../shared/store';
import { Banner } from '../../shared/banner';
import { Button, IconButton, TextInput } from '../../shared/button';

type Variable = TaskDetail['env'][number];

/** The environment variables of a task's runs, in addition to the server's. */
export function Environment(props: {
  model: TaskDetailModel;
  variables: readonly Variable[];
  canWrite: boolean;
}): JSX.Element {
  const trans = useTrans();
  const { model, variables, canWrite } = props;
  const { saving } = useStore(model);
  const [name, setName] = React.useState('');
  const [value, setValue] = React.useState('');
  const { failure, setFailure, attempt } = useAttempt();

  /** Set a variable, or remove it with null; returns whether that worked. */
  const change = async (key: string, next: string | null): Promise<boolean> => {
    const old = variables.find(variable => variable.name === key);
    const patch: TaskPatch = { env: { [key]: next } };
    if (!old?.secret) {
      // The old value of a secret is not known here.
      patch.expected = { env: { [key]: old?.value ?? null } };
    }
    return (await attempt(() => model.change(patch))) !== null;
  };
  const add = async () => {
    if (name.trim() && (await change(name.trim(), value))) {
      setName('');
      setValue('');
    }
  };
  return (
    <section>
      <h3>{trans.__('Environment')}</h3>
      <Banner kind="error" onClose={() => setFailure('')}>
        {failure}
      </Banner>
      {variables.length === 0 && !canWrite && (
        <p className="pyr-note">{trans.__('No task-specific variables.')}</p>
      )}
      <ul className="pyr-variables">
        {variables.map(variable => (
          <li key={variable.name}>
            <code className="pyr-cut" title={variable.name}>
              {variable.name}
            </code>
            <span className="pyr-cut" title={variable.value ?? undefined}>
              {variable.value ?? trans.__('(secret)')}
            </span>
            {canWrite && (
              <IconButton
                icon="close"
                label={trans.__('Remove %1', variable.name)}
                disabled={saving}
                onClick={() => void change(variable.name, null)}
              />
            )}
          </li>
        ))}
      </ul>
      {canWrite && (
        <form
          className="pyr-variable-add"
          onSubmit={event => {
            event.preventDefault();
            void add();
          }}
        >
          <TextInput
            value={name}
            placeholder={trans.__('NAME')}
            aria-label={trans.__('Variable name')}
            onValue={setName}
          />
          <TextInput
            value={value}
            placeholder={trans.__('value')}
            aria-label={trans.__('Value')}
            onValue={setValue}
          />
          <Button
            type="submit"
            label={trans.__('Set')}
            title={trans.__('Set for later runs of this task')}
            disabled={saving || !name.trim()}
          />
        </form>
      )}
    </section>
  );
}
