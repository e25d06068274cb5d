import { diffLines } from 'diff';
import * as React from 'react';

import type { TaskDetail } from '../../../client/types';
import { compareConfigs } from '../../../model/configdiff';
import type { TaskDetailModel } from '../../../model/taskdetail';
import { useRequest } from '../../shared/request';
import { Toggle } from '../../shared/choice';
import { useTrans } from '../../shared/context';
import { CopyButton } from '../../shared/copy';
import { Banner } from '../../shared/banner';
import { DataTable } from '../../shared/table';
import { TemplatePicker } from '../../shared/templatepicker';

/** The configuration of a task, compared with the defaults or another task. */
export function Configuration(props: {
  model: TaskDetailModel;
  detail: TaskDetail;
}): JSX.Element {
  const trans = useTrans();
  const { model, detail } = props;
  const isShell = detail.task.kind === 'shell';
  const [other, setOther] = React.useState('');
  const [all, setAll] = React.useState(true);
  const { value, error } = useRequest(
    React.useCallback(() => model.readTemplate(other), [model, other])
  );
  return (
    <>
      <div className="pyr-line pyr-details-bar">
        <TemplatePicker
          finder={model.finder}
          kind={isShell ? 'shell' : 'script'}
          label={trans.__('Compare with')}
          title={trans.__('Compare with the defaults or another task')}
          value={other}
          onChange={setOther}
        />
        {!isShell && (
          <Toggle
            label={trans.__('Only differences')}
            checked={!all}
            onChange={onlyDifferences => setAll(!onlyDifferences)}
          />
        )}
        <CopyButton
          iconOnly
          text={detail.config}
          label={isShell ? trans.__('Copy script') : trans.__('Copy as YAML')}
        />
      </div>
      <Banner kind="warning">{error?.message}</Banner>
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
          ? trans.__('No configuration.')
          : trans.__('No differences.')}
      </p>
    );
  }
  return (
    <DataTable
      className="pyr-keys"
      rows={shown}
      hasRowHeads
      rowData={key => ({ 'data-differs': !key.isSame })}
      columns={[
        {
          id: 'key',
          title: trans.__('Key'),
          cell: key => key.path
        },
        {
          id: 'value',
          title: trans.__('Value'),
          cell: key => key.value ?? '–'
        },
        {
          id: 'other',
          title: props.name,
          cell: key => (key.isSame ? '' : (key.other ?? '–')),
          text: key => key.other ?? undefined
        }
      ]}
    />
  );
}

/** A script as a diff against another one. */
function Lines(props: { text: string; other: string }): JSX.Element {
  const trans = useTrans();
  const parts = React.useMemo(
    () => diffLines(props.other, props.text),
    [props.text, props.other]
  );
  return (
    <pre className="pyr-lines-diff" tabIndex={0}>
      {parts.map((part, index) => {
        const [sign, className, label] = part.added
          ? ['+ ', 'pyr-is-added', trans.__('added')]
          : part.removed
            ? ['- ', 'pyr-is-removed', trans.__('removed')]
            : ['  '];
        const lines = part.value.replace(/\n$/, '').split('\n');
        return (
          <span key={index} className={className} aria-label={label}>
            {lines.map(line => `${sign}${line}\n`).join('')}
          </span>
        );
      })}
    </pre>
  );
}
