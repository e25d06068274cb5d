import * as React from 'react';

import type { TaskFinder } from '../../model/taskfinder';
import { useTrans } from './context';
import { Icon } from './icons';
import { moveFocus, Popup } from './popup';
import { useStore } from './store';

export interface ITemplateProps {
  finder: TaskFinder;
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
  const { finder, value, onChange } = props;
  const { query, tasks, error } = useStore(finder);
  React.useEffect(() => finder.setQuery(''), [finder]);

  return (
    <div onKeyDown={moveFocus}>
      <input
        type="search"
        autoFocus
        data-item=""
        className="pyr-input"
        value={query}
        placeholder={trans.__('Search tasks')}
        aria-label={trans.__('Search tasks')}
        onChange={event => finder.setQuery(event.target.value)}
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
      {error && <p className="pyr-field-error">{error.message}</p>}
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
          {query ? trans.__('No task matches.') : trans.__('No tasks yet.')}
        </p>
      )}
    </div>
  );
}
