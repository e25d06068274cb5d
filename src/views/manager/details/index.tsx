/** One task at the side of the table: how it went, what it was given, what it left. */
import * as React from 'react';

import type { TaskDetail, TaskRow } from '../../../client/types';
import type { TaskDetailModel } from '../../../model/taskdetail';
import type { ITrans } from '../../shared/context';
import { useTrans } from '../../shared/context';
import { StatusLabel } from '../../shared/status';
import { useStore } from '../../shared/store';
import { Button, Empty } from '../../shared/strip';
import { Again } from './again';
import { Configuration } from './configuration';
import { Files } from './files';
import type { MarkdownRenderer } from './notes';
import { Overview } from './overview';
import { Runs } from './runs';

export interface IDetailsProps {
  model: TaskDetailModel;
  /** The task as it stands in the table, if it is listed. */
  row: TaskRow | undefined;
  canWrite: boolean;
  onOpenLog: (task: TaskRow) => void;
  onClose: () => void;
  /** Shows Markdown; without it notes are plain text. */
  renderMarkdown?: MarkdownRenderer;
  /** Open a file by its path below the server's root; not offered without it. */
  onOpenFile?: (path: string) => void;
}

type Tab = 'overview' | 'config' | 'runs' | 'files' | 'again';

const TABS: readonly Tab[] = ['overview', 'config', 'runs', 'files', 'again'];

export function Details(props: IDetailsProps): JSX.Element {
  const trans = useTrans();
  const { model } = props;
  const { name, detail, error } = useStore(model);
  const [tab, setTab] = React.useState<Tab>('overview');
  const id = React.useId();
  const row = props.row ?? detail?.task;
  return (
    <aside className="pyr-details" aria-label={trans.__('Details')}>
      <header className="pyr-details-head">
        <div className="pyr-details-title">
          <h2 title={name}>{name || trans.__('Details')}</h2>
          <Button
            icon="close"
            iconOnly
            label={trans.__('Close the details')}
            onClick={props.onClose}
          />
        </div>
        {row && (
          <div className="pyr-details-state">
            <StatusLabel status={row.status} readable={row.readable} />
            <Button
              icon="log"
              label={trans.__('Open log')}
              onClick={() => props.onOpenLog(row)}
            />
          </div>
        )}
        {name && <Tabs id={id} value={tab} trans={trans} onChange={setTab} />}
      </header>
      <div
        className="pyr-details-body"
        id={`${id}-panel`}
        role="tabpanel"
        aria-labelledby={`${id}-${tab}`}
      >
        {!name ? (
          <Empty icon="details" title={trans.__('No task is chosen')}>
            <p>{trans.__('Click on a task to see what is known of it.')}</p>
          </Empty>
        ) : detail ? (
          // A task of another name begins anew, on the same tab.
          <TabBody key={name} {...props} tab={tab} detail={detail} row={row!} />
        ) : error ? (
          <Empty icon="warning" title={trans.__('The task cannot be shown')}>
            <p>{error.message}</p>
            <Button
              icon="refresh"
              label={trans.__('Retry now')}
              onClick={() => void model.refresh()}
            />
          </Empty>
        ) : (
          <div className="pyr-skeleton" aria-busy="true">
            {Array.from({ length: 6 }, (_, index) => (
              <span key={index} className="pyr-bone" />
            ))}
          </div>
        )}
      </div>
    </aside>
  );
}

function TabBody(
  props: IDetailsProps & { tab: Tab; detail: TaskDetail; row: TaskRow }
): JSX.Element {
  switch (props.tab) {
    case 'overview':
      return <Overview {...props} />;
    case 'config':
      return <Configuration {...props} />;
    case 'runs':
      return <Runs {...props} />;
    case 'files':
      return <Files {...props} />;
    case 'again':
      return <Again {...props} />;
  }
}

function tabTitle(trans: ITrans, tab: Tab): string {
  switch (tab) {
    case 'overview':
      return trans.__('Overview');
    case 'config':
      return trans.__('Configuration');
    case 'runs':
      return trans.__('Runs');
    case 'files':
      return trans.__('Files');
    case 'again':
      return trans.__('Reproduce');
  }
}

function Tabs(props: {
  id: string;
  value: Tab;
  trans: ITrans;
  onChange: (tab: Tab) => void;
}): JSX.Element {
  const { id, value, trans, onChange } = props;
  const move = (step: number) => {
    const at = (TABS.indexOf(value) + step + TABS.length) % TABS.length;
    onChange(TABS[at]);
    document.getElementById(`${id}-${TABS[at]}`)?.focus();
  };
  return (
    <div
      className="pyr-tabs"
      role="tablist"
      aria-label={trans.__('What is shown of the task')}
      onKeyDown={event => {
        if (event.key === 'ArrowRight' || event.key === 'ArrowLeft') {
          event.preventDefault();
          move(event.key === 'ArrowRight' ? 1 : -1);
        }
      }}
    >
      {TABS.map(tab => (
        <button
          key={tab}
          id={`${id}-${tab}`}
          type="button"
          role="tab"
          aria-selected={tab === value}
          aria-controls={`${id}-panel`}
          tabIndex={tab === value ? 0 : -1}
          onClick={() => onChange(tab)}
        >
          {tabTitle(trans, tab)}
        </button>
      ))}
    </div>
  );
}
