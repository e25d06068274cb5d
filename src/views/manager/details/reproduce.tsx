import * as React from 'react';

import type { RunInput, TaskDetail } from '../../../client/types';
import type { TaskDetailModel } from '../../../model/taskdetail';
import { useRequest } from '../../shared/request';
import { useTrans } from '../../shared/context';
import { CopyButton } from '../../shared/copy';
import { quoted } from '../../shared/format';

/** Commands that reproduce a task, with Pyruns and without. */
export function Reproduce(props: {
  model: TaskDetailModel;
  detail: TaskDetail;
}): JSX.Element {
  const trans = useTrans();
  const { model, detail } = props;
  const { task, history } = detail;
  const last = history.length;
  const question = React.useMemo(
    () => (last > 0 ? () => model.readInput(last) : null),
    [model, last]
  );
  const { value, error } = useRequest(question);
  const folder = model.ws.replace(/\/?_pyruns_\/.*$/, '') || '.';
  return (
    <>
      <Snippet
        title={trans.__('In a terminal, as a task')}
        text={`cd ${quoted(folder)}\njupyter pyruns run ${quoted(task.name)}`}
      />
      {value ? (
        <>
          <Snippet
            title={trans.__('Original command (run %1)', value.run)}
            text={commandOf(value)}
          />
          {value.env.some(variable => variable.secret) && (
            <p className="pyr-note">
              {trans.__('Secrets are omitted; set them yourself.')}
            </p>
          )}
        </>
      ) : (
        <p className="pyr-note">
          {last === 0
            ? trans.__('This task has not run yet.')
            : (error?.message ?? trans.__('Loading…'))}
        </p>
      )}
      <Snippet
        title={trans.__('In Python')}
        text={[
          'from pyruns_jupyter import Workspace',
          '',
          `task = Workspace.open(${JSON.stringify(value?.script ?? folder)})[${JSON.stringify(task.name)}]`,
          'task.config, task.log(), task.tracks()'
        ].join('\n')}
      />
    </>
  );
}

function Snippet(props: { title: string; text: string }): JSX.Element {
  const trans = useTrans();
  return (
    <section>
      <h3>
        {props.title}
        <CopyButton iconOnly text={props.text} label={trans.__('Copy')} />
      </h3>
      <pre className="pyr-snippet" tabIndex={0}>
        {props.text}
      </pre>
    </section>
  );
}

/** The command of a run for a POSIX shell, with folder and variables. */
export function commandOf(input: RunInput): string {
  const variables = input.env
    .filter(variable => variable.value !== null)
    .map(variable => `${variable.name}=${quoted(variable.value ?? '')} `);
  const lines = input.workdir ? [`cd ${quoted(input.workdir)}`] : [];
  lines.push(variables.join('') + input.command.map(quoted).join(' '));
  return lines.join('\n');
}
