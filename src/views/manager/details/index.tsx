/** The details of one task: overview, configuration, runs, files. */
import * as React from 'react';

import type { TaskDetail, TaskRow } from '../../../client/types';
import type { TaskDetailModel } from '../../../model/taskdetail';
import type { ITrans } from '../../shared/context';
import { useTrans } from '../../shared/context';
import { AlertIcon, StatusLabel } from '../../shared/status';
import { useStore } from '../../shared/store';
import { Button, IconButton } from '../../shared/button';
import { EmptyState, Skeleton } from '../../shared/emptystate';
import { tabId, Tabs } from '../../shared/tabs';
import { Reproduce } from './reproduce';
import { Configuration } from './configuration';
import { Files } from './files';
import type { MarkdownRenderer } from './notes';
import { Overview } from './overview';
import { Runs } from './runs';

export interface IDetailsProps {
  model: TaskDetailModel;
  /** Its row in the table, if it is loaded. */
  row: TaskRow | undefined;
  canWrite: boolean;
  onOpenLog: (task: TaskRow) => void;
  onClose: () => void;
  /** Shows Markdown; without it notes are plain text. */
  renderMarkdown?: MarkdownRenderer;
  /** Open a file by its path below the server's root; not offered without it. */
  onOpenFile?: (path: string) => void;
}

const TABS = ['overview', 'config', 'runs', 'files', 'reproduce'] as const;

type Tab = (typeof TABS)[number];

export function Details(props: IDetailsProps): JSX.Element {
  const trans = useTrans();
  const { model } = props;
  const { name, detail, error } = useStore(model);
  const [tab, setTab] = React.useState<Tab>('overview');
  const panel = React.useId();
  const row = props.row ?? detail?.task;
  return (
    <aside className="pyr-column pyr-details" aria-label={trans.__('Details')}>
      <header className="pyr-details-head">
        <div className="pyr-line pyr-details-title">
          <h2 className="pyr-cut" title={name}>
            {name || trans.__('Details')}
          </h2>
          <IconButton
            icon="close"
            label={trans.__('Close the details')}
            onClick={props.onClose}
          />
        </div>
        {row && (
          <div className="pyr-line pyr-details-state">
            <StatusLabel task={row} />
            <AlertIcon alert={row.alert} />
            <Button
              icon="log"
              label={trans.__('Open log')}
              onClick={() => props.onOpenLog(row)}
            />
          </div>
        )}
        {name && (
          <Tabs
            label={trans.__('Task details')}
            panel={panel}
            value={tab}
            tabs={TABS.map(id => ({ id, label: tabTitle(trans, id) }))}
            onChange={setTab}
          />
        )}
      </header>
      <div
        className="pyr-details-body"
        id={panel}
        role="tabpanel"
        aria-labelledby={tabId(panel, tab)}
      >
        {!name ? (
          <EmptyState
            icon="details"
            title={trans.__('No task selected')}
            text={trans.__('Select a task to see its details.')}
          />
        ) : detail ? (
          // Another task resets the state of the tab.
          <TabBody key={name} {...props} tab={tab} detail={detail} row={row!} />
        ) : error ? (
          <EmptyState
            icon="warning"
            title={trans.__('Couldn’t read this task')}
            text={error.message}
            onRetry={() => void model.refresh()}
          />
        ) : (
          <Skeleton lines={6} label={trans.__('Loading…')} />
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
    case 'reproduce':
      return <Reproduce {...props} />;
  }
}

function tabTitle(trans: ITrans, tab: Tab): string {
  const words: Record<Tab, string> = {
    overview: trans.__('Overview'),
    config: trans.__('Configuration'),
    runs: trans.__('Runs'),
    files: trans.__('Files'),
    reproduce: trans.__('Reproduce')
  };
  return words[tab];
}
