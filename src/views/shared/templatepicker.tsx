import * as React from 'react';

import type { TaskFinder } from '../../model/taskfinder';
import { useTrans } from './context';
import { Picker, Popup, PopupItem } from './popup';
import { useStore } from './store';
import { TextInput } from './button';

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
        trans.__('Template: the default values or the configuration of a task')
      }
      opens={place => (
        <Popup {...place} label={trans.__('Templates')}>
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
  const { finder, value, onChange } = props;
  const { query, tasks, error } = useStore(finder);
  React.useEffect(() => finder.setQuery(''), [finder]);

  return (
    <>
      <TextInput
        type="search"
        autoFocus
        data-item=""
        value={query}
        placeholder={trans.__('Filter tasks')}
        aria-label={trans.__('Filter tasks')}
        onValue={text => finder.setQuery(text)}
      />
      <PopupItem aria-current={value === ''} onChoose={() => onChange('')}>
        {props.defaultName}
      </PopupItem>
      {error && <p className="pyr-field-error">{error.message}</p>}
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
          {query ? trans.__('No matching tasks.') : trans.__('No tasks yet.')}
        </p>
      )}
    </>
  );
}
