import * as React from 'react';

import type { FieldError, Workspace } from '../../client/types';
import type { DraftModel } from '../../model/draft';
import type { ITrans } from '../shared/context';
import { TransContext, useTrans } from '../shared/context';
import { workspaceTitle } from '../shared/title';
import { Icon } from '../shared/icons';
import { useSize, useStore } from '../shared/store';
import { Button, Empty, Strip } from '../shared/strip';
import { TemplatePicker } from '../shared/templatepicker';
import type { IEditorProps, IMarker, IReveal } from './editor';
import { PlainEditor } from './editor';
import { Form } from './form';
import { Outcome } from './outcome';
import { errorsByPath } from './rows';

export type { IEditorProps, IMarker, IReveal } from './editor';

/** Below so many pixels the outcome goes under the form. */
const NARROW = 760;

export interface IGeneratorProps {
  trans: ITrans;
  /** Loaded by the view when it is still to be. */
  model: DraftModel;
  workspace: Pick<
    Workspace,
    'id' | 'name' | 'kind' | 'path' | 'problem' | 'engine'
  >;
  /** Tasks were created, and queued if `queued`. */
  onCreated: (names: readonly string[], queued: boolean) => void;
  /** A search began. */
  onBegun: (study: string) => void;
  /** The editor for YAML and shell scripts. */
  Editor?: React.ComponentType<IEditorProps>;
  canWrite?: boolean;
  canExecute?: boolean;
}

type Tab = 'form' | 'yaml';

/** From a configuration with batch syntax to tasks. */
export function GeneratorView(props: IGeneratorProps): JSX.Element {
  return (
    <TransContext.Provider value={props.trans}>
      <Generator {...props} />
    </TransContext.Provider>
  );
}

function Generator(props: IGeneratorProps): JSX.Element {
  const trans = useTrans();
  const { model, workspace, canWrite = true, canExecute = true } = props;
  const state = useStore(model);
  const [root, size] = useSize<HTMLDivElement>();
  const [chosen, setTab] = React.useState<Tab>('form');
  const [reveal, setReveal] = React.useState<IReveal | null>(null);
  const prefix = React.useId();
  const shell = workspace.kind === 'shell';
  const tab = shell ? 'yaml' : chosen;

  React.useEffect(() => {
    if (model.getSnapshot().phase === 'loading') {
      void model.load();
    }
  }, [model]);

  const setText = React.useCallback(
    (text: string) => model.setText(text),
    [model]
  );
  const { entries, errors } = model;
  const byPath = React.useMemo(
    () => errorsByPath(errors, entries),
    [errors, entries]
  );
  const markers = React.useMemo<IMarker[]>(
    () =>
      errors
        .filter(error => error.line)
        .map(error => ({ line: error.line!, message: error.message })),
    [errors]
  );

  const showError = (error: FieldError) => {
    const place = [...byPath].find(([, list]) => list.includes(error))?.[0];
    const field = document.getElementById(
      place?.startsWith('@') ? `${prefix}${place}` : `${prefix}-${place ?? ''}`
    );
    if (field && place) {
      field.focus();
    } else if (error.line) {
      setTab('yaml');
      setReveal({ line: error.line, column: error.column ?? 1 });
    }
  };
  const create = async (run: boolean) => {
    const created = await model.create(run);
    if (created) {
      props.onCreated(created.names, created.queued);
    }
  };

  const begin = async () => {
    const study = await model.begin();
    if (study) {
      props.onBegun(study.name);
    }
  };

  if (state.phase === 'failed') {
    return (
      <div className="pyr-view pyr-generator-failed" role="alert">
        <Empty
          icon="warning"
          title={trans.__(
            '%1 cannot be shown',
            workspaceTitle(trans, workspace)
          )}
        >
          <p>{state.problem?.message}</p>
          <Button
            label={trans.__('Try again')}
            onClick={() => void model.load()}
          />
        </Empty>
      </div>
    );
  }
  const Editor = props.Editor ?? PlainEditor;
  const general = byPath.get('') ?? [];
  const narrow = size.width > 0 && size.width < NARROW;
  return (
    <div
      ref={root}
      className={`pyr-view pyr-generator ${narrow ? 'pyr-is-narrow' : ''}`}
    >
      <div className="pyr-generator-main">
        <div className="pyr-generator-head">
          {!shell && (
            <Tabs
              prefix={prefix}
              value={tab}
              wrong={general.length > 0}
              onChange={setTab}
            />
          )}
          <span className="pyr-space" />
          {state.replaced && (
            <Button
              icon="undo"
              label={trans.__('Undo')}
              title={trans.__('Bring back what the template replaced')}
              onClick={() => model.undoTemplate()}
            />
          )}
          <TemplatePicker
            finder={model.finder}
            kind={workspace.kind}
            value={state.template}
            onChange={task => void model.useTemplate(task)}
          />
        </div>
        <Notices
          messages={[
            workspace.problem,
            state.problem?.message,
            state.parameters?.error?.message,
            ...(state.parameters?.problems ?? []).map(item => item.message)
          ]}
        />
        <div
          className="pyr-generator-body"
          id={`${prefix}-panel`}
          role={shell ? undefined : 'tabpanel'}
        >
          {state.phase === 'loading' ? (
            <p className="pyr-loading">{trans.__('Loading…')}</p>
          ) : tab === 'form' ? (
            <Form
              model={model}
              entries={entries}
              preview={state.preview}
              pinned={state.pinned}
              errors={byPath}
              prefix={prefix}
              readOnly={!canWrite}
            />
          ) : (
            <Editor
              value={state.text}
              onChange={setText}
              markers={markers}
              language={shell ? 'shell' : 'yaml'}
              readOnly={!canWrite}
              label={
                shell ? trans.__('Shell script') : trans.__('Configuration')
              }
              reveal={reveal}
            />
          )}
        </div>
      </div>
      <Outcome
        state={state}
        errors={errors}
        canWrite={canWrite}
        canExecute={canExecute}
        engine={workspace.engine}
        prefix={prefix}
        onName={name => model.setName(name)}
        onRun={run => model.setRun(run)}
        onError={showError}
        onCreate={run => void create(run)}
        onMode={
          shell
            ? null
            : isSearch =>
                isSearch ? void model.beginSearching() : model.setSearch(null)
        }
        onSearch={search => model.setSearch(search)}
        onBegin={() => void begin()}
      />
    </div>
  );
}

function Tabs(props: {
  prefix: string;
  value: Tab;
  wrong: boolean;
  onChange: (tab: Tab) => void;
}): JSX.Element {
  const trans = useTrans();
  const tabs: [Tab, string][] = [
    ['form', trans.__('Form')],
    ['yaml', trans.__('YAML')]
  ];
  return (
    <div
      className="pyr-tabs"
      role="tablist"
      aria-label={trans.__('Two views of the configuration')}
      onKeyDown={event => {
        if (event.key === 'ArrowLeft' || event.key === 'ArrowRight') {
          const next = props.value === 'form' ? 'yaml' : 'form';
          props.onChange(next);
          document.getElementById(`${props.prefix}-tab-${next}`)?.focus();
        }
      }}
    >
      {tabs.map(([tab, name]) => (
        <button
          key={tab}
          id={`${props.prefix}-tab-${tab}`}
          type="button"
          role="tab"
          aria-selected={props.value === tab}
          aria-controls={`${props.prefix}-panel`}
          tabIndex={props.value === tab ? 0 : -1}
          onClick={() => props.onChange(tab)}
        >
          {name}
          {tab === 'yaml' && props.wrong && (
            <span className="pyr-group-wrong">
              <Icon name="warning" />
            </span>
          )}
        </button>
      ))}
    </div>
  );
}

function Notices(props: {
  messages: readonly (string | null | undefined)[];
}): JSX.Element | null {
  const trans = useTrans();
  const [all, setAll] = React.useState(false);
  const messages = [...new Set(props.messages.filter(Boolean))];
  if (messages.length === 0) {
    return null;
  }
  const shown = all || messages.length <= 3 ? messages : messages.slice(0, 2);
  return (
    <>
      {shown.map(message => (
        <Strip key={message} kind="warning" icon="warning">
          {message}
        </Strip>
      ))}
      {shown.length < messages.length && (
        <Strip kind="warning" icon="warning">
          <button
            type="button"
            className="pyr-link"
            onClick={() => setAll(true)}
          >
            {trans.__('Show %1 more', messages.length - shown.length)}
          </button>
        </Strip>
      )}
    </>
  );
}
