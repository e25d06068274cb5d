import * as React from 'react';

import type { FieldError } from '../../client/types';
import type { IDraftState } from '../../model/draftstate';
import type { ITrans } from '../shared/context';
import { useTrans } from '../shared/context';
import { RunOptionsForm } from '../shared/runoptions';
import { Button, TextInput } from '../shared/button';
import { Toggle } from '../shared/choice';
import { canBeChecked } from './ask';
import type { IPreviewPanelProps } from './previewpanel';
import { StudyForm } from './studyform';

/**
 * Name, how to run, and the buttons. It stands on top: below, notifications of
 * Lab would cover the buttons, and what the server answers would move them
 * from under the pointer.
 */
export function CreateForm(
  props: IPreviewPanelProps & {
    nameErrors: readonly FieldError[];
    runErrors: readonly FieldError[];
    searchErrors: readonly FieldError[];
  }
): JSX.Element {
  const trans = useTrans();
  const { model, state, prefix, nameErrors, runErrors } = props;
  const { search } = state;
  const obstacle = obstacleOf(trans, props);
  return (
    <form
      className="pyr-create"
      onSubmit={event => {
        event.preventDefault();
        if (obstacle) {
          return;
        }
        if (search) {
          props.onBegin();
        } else {
          props.onCreate(false);
        }
      }}
    >
      {search && (
        <StudyForm
          state={state}
          search={search}
          errors={props.searchErrors}
          prefix={prefix}
          onSearch={changed => model.setSearch(changed)}
        />
      )}
      <label className="pyr-column pyr-create-field pyr-note">
        {trans.__('Name')}
        <TextInput
          id={`${prefix}@name`}
          value={state.name}
          aria-invalid={nameErrors.length > 0}
          aria-describedby={
            nameErrors.length
              ? `${prefix}@name-error`
              : namesByPattern(state)
                ? `${prefix}@name-help`
                : undefined
          }
          title={
            search
              ? trans.__(
                  'Name of the study. Its tasks have this name with a number appended.'
                )
              : trans.__(
                  'Task name; in a sweep, the swept values are appended. Or a pattern: {lr}-{seed} inserts values, {n} the index, {name} the workspace; {lr:.0e} formats a value.'
                )
          }
          onValue={name => model.setName(name)}
        />
      </label>
      {nameErrors.length > 0 && (
        <p id={`${prefix}@name-error`} className="pyr-field-error">
          {nameErrors.map(error => error.message).join(' ')}
        </p>
      )}
      <RunOptionsForm
        value={state.run}
        errors={runErrors}
        engine={props.engine}
        defaultGpus={state.parameters?.default_gpus}
        prefix={prefix}
        onChange={run => model.setRun(run)}
      />
      {!search && props.canExecute && canBeChecked(state) && (
        <Toggle
          label={trans.__(
            'Check command lines with the script’s parser before creating'
          )}
          checked={state.check}
          className="pyr-control pyr-create-check"
          onChange={check => model.setCheck(check)}
        />
      )}
      <div className="pyr-create-buttons" title={obstacle ?? undefined}>
        {!search && (
          <Button
            type="submit"
            label={trans.__('Create')}
            disabled={obstacle !== null}
          />
        )}
        <Button
          icon="run"
          accent
          type={search ? 'submit' : 'button'}
          label={search ? trans.__('Start study') : trans.__('Create and run')}
          title={
            props.canExecute
              ? undefined
              : trans.__(
                  'You do not have permission to run tasks on this server'
                )
          }
          disabled={obstacle !== null || !props.canExecute}
          onClick={search ? undefined : () => props.onCreate(true)}
        />
      </div>
      <p className="pyr-note pyr-create-obstacle">{obstacle}</p>
    </form>
  );
}

/** Whether there are several tasks, which a pattern would name by their values. */
export function namesByPattern({ preview, search }: IDraftState): boolean {
  return !search && (preview?.count ?? 0) > 1;
}

/** Why nothing can be created now, or null. */
function obstacleOf(trans: ITrans, props: IPreviewPanelProps): string | null {
  const { state, errors } = props;
  if (!props.canWrite) {
    return trans.__('You have read-only access to this workspace.');
  }
  if (state.search && state.canSearch === false) {
    return trans.__('Install Optuna first.');
  }
  if (state.creating) {
    return trans.__('Creating…');
  }
  if (errors.length > 0) {
    return trans._n(
      'Fix %1 error to continue',
      'Fix %1 errors to continue',
      errors.length
    );
  }
  if (state.preview === null) {
    return trans.__('Checking the configuration…');
  }
  if (state.fresh && state.preview.count === 0) {
    return trans.__('Nothing to create.');
  }
  return null;
}
