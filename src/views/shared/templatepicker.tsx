import * as React from 'react';

import type { IClient, TaskRow } from '../../client/types';
import { useTrans } from './context';
import { Icon } from './icons';
import { moveFocus, Popup } from './popup';

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
  const button = React.useRef<HTMLButtonElement>(null);
  const [open, setOpen] = React.useState(false);
  const close = React.useCallback(() => setOpen(false), []);
  const defaultName =
    props.kind === 'shell'
      ? trans.__('Default script')
      : trans.__('Script’s defaults');
  const choose = (task: string) => {
    close();
    button.current?.focus();
    props.onChange(task);
  };
  return (
    <>
      <button
        ref={button}
        type="button"
        className="pyr-picker"
        aria-haspopup="dialog"
        aria-expanded={open}
        title={
          props.title ??
          trans.__('Begin with the defaults or with a task’s configuration')
        }
        onClick={() => setOpen(!open)}
      >
        <span className="pyr-picker-label">
          {props.label ?? trans.__('From')}
        </span>
        <span className="pyr-picker-value">{props.value || defaultName}</span>
        <Icon name="down" />
      </button>
      {open && button.current && (
        <Popup
          anchor={button.current}
          onClose={close}
          label={trans.__('Templates')}
          className="pyr-templates"
        >
          <TemplateList
            {...props}
            defaultName={defaultName}
            onChange={choose}
          />
        </Popup>
      )}
    </>
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
    <div onKeyDown={moveFocus}>
      <input
        type="search"
        autoFocus
        data-item=""
        className="pyr-input"
        value={search}
        placeholder={trans.__('Search tasks')}
        aria-label={trans.__('Search tasks')}
        onChange={event => setSearch(event.target.value)}
      />
      <button
        type="button"
        data-item=""
        className="pyr-menu-item"
        aria-current={value === ''}
        onClick={() => onChange('')}
      >
        {props.defaultName}
      </button>
      {problem && <p className="pyr-field-error">{problem}</p>}
      {tasks?.map(task => (
        <button
          key={task.name}
          type="button"
          data-item=""
          className="pyr-menu-item"
          aria-current={value === task.name}
          title={task.name}
          onClick={() => onChange(task.name)}
        >
          {task.name}
        </button>
      ))}
      {tasks?.length === 0 && (
        <p className="pyr-popup-hint">
          {search ? trans.__('No task matches.') : trans.__('No tasks yet.')}
        </p>
      )}
    </div>
  );
}
