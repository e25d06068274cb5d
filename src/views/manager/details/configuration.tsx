import { diffLines } from 'diff';
import * as React from 'react';

import type { TaskDetail } from '../../../client/types';
import { compareConfigs } from '../../../model/configdiff';
import type { TaskDetailModel } from '../../../model/taskdetail';
import { useAnswer } from '../../shared/answer';
import { useTrans } from '../../shared/context';
import { CopyButton } from '../../shared/copy';
import { Strip } from '../../shared/strip';
import { TemplatePicker } from '../../shared/templatepicker';

/** What a task is given, beside the defaults or another task. */
export function Configuration(props: {
  model: TaskDetailModel;
  detail: TaskDetail;
}): JSX.Element {
  const trans = useTrans();
  const { model, detail } = props;
  const isShell = detail.task.kind === 'shell';
  const [other, setOther] = React.useState('');
  const [all, setAll] = React.useState(true);
  const { value, error } = useAnswer(
    React.useCallback(() => model.readTemplate(other), [model, other])
  );
  return (
    <>
      <div className="pyr-details-bar">
        <TemplatePicker
          finder={model.finder}
          kind={isShell ? 'shell' : 'script'}
          label={trans.__('Against')}
          title={trans.__('Compare with the defaults or with another task')}
          value={other}
          onChange={setOther}
        />
        {!isShell && (
          <label className="pyr-check">
            <input
              type="checkbox"
              checked={!all}
              onChange={event => setAll(!event.target.checked)}
            />
            {trans.__('Only differences')}
          </label>
        )}
        <CopyButton
          iconOnly
          text={detail.config}
          label={isShell ? trans.__('Copy script') : trans.__('Copy as YAML')}
        />
      </div>
      {error && (
        <Strip kind="warning" icon="warning">
          {error.message}
        </Strip>
      )}
      {isShell ? (
        <Lines text={detail.config} other={value?.text ?? detail.config} />
      ) : (
        <Keys
          text={detail.config}
          other={value?.text ?? null}
          all={all}
          name={other || trans.__('Default')}
        />
      )}
    </>
  );
}

function Keys(props: {
  text: string;
  /** What to compare with, null until it is known. */
  other: string | null;
  all: boolean;
  name: string;
}): JSX.Element {
  const trans = useTrans();
  const { text, other } = props;
  const keys = React.useMemo(
    () => compareConfigs(text, other ?? text),
    [text, other]
  );
  const shown = props.all ? keys : keys.filter(key => !key.isSame);
  if (shown.length === 0) {
    return (
      <p className="pyr-note">
        {keys.length === 0
          ? trans.__('There is no configuration.')
          : trans.__('Nothing differs.')}
      </p>
    );
  }
  return (
    <table className="pyr-keys">
      <thead>
        <tr>
          <th scope="col">{trans.__('Key')}</th>
          <th scope="col">{trans.__('Value')}</th>
          <th scope="col" title={props.name}>
            {props.name}
          </th>
        </tr>
      </thead>
      <tbody>
        {shown.map(key => (
          <tr key={key.path} data-differs={!key.isSame}>
            <th scope="row" title={key.path}>
              {key.path}
            </th>
            <td title={key.value ?? undefined}>{key.value ?? '–'}</td>
            <td title={key.other ?? undefined}>
              {key.isSame ? '' : (key.other ?? '–')}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** A script, with the lines that are not in another one. */
function Lines(props: { text: string; other: string }): JSX.Element {
  const trans = useTrans();
  const parts = React.useMemo(
    () => diffLines(props.other, props.text),
    [props.text, props.other]
  );
  return (
    <pre className="pyr-lines-diff" tabIndex={0}>
      {parts.map((part, index) => {
        const sign = part.added ? '+ ' : part.removed ? '- ' : '  ';
        const lines = part.value.replace(/\n$/, '').split('\n');
        return (
          <span
            key={index}
            className={
              part.added
                ? 'pyr-is-added'
                : part.removed
                  ? 'pyr-is-removed'
                  : undefined
            }
            aria-label={
              part.added
                ? trans.__('added')
                : part.removed
                  ? trans.__('removed')
                  : undefined
            }
          >
            {lines.map(line => `${sign}${line}\n`).join('')}
          </span>
        );
      })}
    </pre>
  );
}
