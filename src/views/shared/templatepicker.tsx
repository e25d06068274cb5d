import * as React from 'react';

import type { IClient, TaskRow } from '../../client/types';
import { useTrans } from './context';
import { Picker, Popup, PopupItem } from './popup';
import { TextInput } from './strip';

const SHOWN = 50;

export interface ITemplateProps {
  client: Pick<IClient, 'listTasks'>;
  ws: string;
  kind: 'script' | 'shell';
  /** The task whose configuration is the template, '' for the default. */
  value: string;
  onChange: (task: string) => void;
  /** Before the name; *From* without it. */
  label?: string;
  title?: string;
}

/** Choose the defaults or a task’s configuration. */
export function TemplatePicker(props: ITemplateProps): JSX.Element {
  const trans = useTrans();
  const defaultName =
    props.kind === 'shell'
      ? trans.__('Default script')
      : trans.__('Script’s defaults');
  return (
    <Picker
      caption={props.label ?? trans.__('From')}
      value={props.value || defaultName}
      title={
        props.title ??
        trans.__('Begin with the defaults or with a task’s configuration')
      }
      opens={(anchor, close) => (
        <Popup
          anchor={anchor}
          onClose={close}
          label={trans.__('Templates')}
          className="pyr-templates"
        >
          <TemplateList {...props} defaultName={defaultName} />
        </Popup>
      )}
    />
  );
}

function TemplateList(
  props: ITemplateProps & { defaultName: string }
): JSX.Element {
  const trans = useTrans();
  const { client, ws, value, onChange } = props;
  const [search, setSearch] = React.useState('');
  const [tasks, setTasks] = React.useState<readonly TaskRow[] | null>(null);
  const [problem, setProblem] = React.useState('');

  React.useEffect(() => {
    const abort = new AbortController();
    const timer = setTimeout(
      () => {
        client
          .listTasks(ws, { query: search, limit: SHOWN }, abort.signal)
          .then(page => {
            setTasks(page.items);
            setProblem('');
          })
          .catch((error: Error) => {
            if (!abort.signal.aborted) {
              setProblem(error.message);
            }
          });
      },
      search ? 120 : 0
    );
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [client, ws, search]);

  return (
    <>
      <TextInput
        type="search"
        autoFocus
        data-item=""
        value={search}
        placeholder={trans.__('Search tasks')}
        aria-label={trans.__('Search tasks')}
        onValue={setSearch}
      />
      <PopupItem aria-current={value === ''} onChoose={() => onChange('')}>
        {props.defaultName}
      </PopupItem>
      {problem && <p className="pyr-field-error">{problem}</p>}
      {tasks?.map(task => (
        <PopupItem
          key={task.name}
          aria-current={value === task.name}
          title={task.name}
          onChoose={() => onChange(task.name)}
        >
          {task.name}
        </PopupItem>
      ))}
      {tasks?.length === 0 && (
        <p className="pyr-popup-hint">
          {search ? trans.__('No task matches.') : trans.__('No tasks yet.')}
        </p>
      )}
    </>
  );
}
