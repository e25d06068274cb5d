import * as React from 'react';

import type { FieldError, Workspace } from '../../client/types';
import type { DraftModel } from '../../model/draft';
import type { IPageProps } from '../actions/action';
import { useTrans, withTrans } from '../shared/context';
import { workspaceTitle } from '../shared/title';
import { Icon } from '../shared/icons';
import { useSize, useStore } from '../shared/store';
import { Banner } from '../shared/banner';
import { Button, Link } from '../shared/button';
import { EmptyState } from '../shared/emptystate';
import { tabId, Tabs } from '../shared/tabs';
import { TemplatePicker } from '../shared/templatepicker';
import { serverSentence } from '../shared/serversentences';
import { AskBanner, AskButton } from './ask';
import type { IEditorProps, IMarker, IReveal } from './editor';
import { PlainEditor } from './editor';
import { Form } from './form';
import { PreviewPanel } from './previewpanel';
import { errorsByPath } from './rows';

export type { IEditorProps, IMarker, IReveal } from './editor';

/** The width below which the preview is under the form. */
const NARROW_WIDTH_PX = 760;

export interface IGeneratorProps extends Pick<
  IPageProps,
  'trans' | 'canWrite' | 'canExecute'
> {
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
}

type Tab = 'form' | 'yaml';

/** From a configuration with sweep syntax to tasks. */
export const GeneratorView = withTrans(Generator);

function Generator(props: IGeneratorProps): JSX.Element {
  const trans = useTrans();
  const { model, workspace, canWrite = true, canExecute = true } = props;
  const state = useStore(model);
  const [root, size] = useSize<HTMLDivElement>();
  const [chosen, setTab] = React.useState<Tab>('form');
  const [reveal, setReveal] = React.useState<IReveal | null>(null);
  const prefix = React.useId();
  const panel = `${prefix}-panel`;
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
  const { entries, errors: written } = model;
  const errors = React.useMemo(
    () =>
      written.map(error => ({
        ...error,
        message: serverSentence(trans, error.message)
      })),
    [written, trans]
  );
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
      <div className="pyr-view" role="alert">
        <EmptyState
          icon="warning"
          title={trans.__('Couldn’t show %1', workspaceTitle(trans, workspace))}
          text={state.problem?.message}
        >
          <Button label={trans.__('Retry')} onClick={() => void model.load()} />
        </EmptyState>
      </div>
    );
  }
  const Editor = props.Editor ?? PlainEditor;
  const general = byPath.get('') ?? [];
  const narrow = size.width > 0 && size.width < NARROW_WIDTH_PX;
  return (
    <div
      ref={root}
      className={`pyr-view pyr-generator ${narrow ? 'pyr-is-narrow' : ''}`}
    >
      <div className="pyr-column pyr-fill">
        <div className="pyr-line pyr-generator-head">
          {!shell && (
            <Tabs
              label={trans.__('Configuration views')}
              panel={panel}
              value={tab}
              tabs={[
                { id: 'form', label: trans.__('Form') },
                {
                  id: 'yaml',
                  label: trans.__('YAML'),
                  badge: general.length > 0 && (
                    <span className="pyr-group-invalid">
                      <Icon name="warning" />
                    </span>
                  )
                }
              ]}
              onChange={setTab}
            />
          )}
          <span className="pyr-toolbar-space" />
          {state.replaced && (
            <Button
              icon="undo"
              label={trans.__('Undo')}
              title={trans.__(
                'Undo the template and restore the previous configuration'
              )}
              onClick={() => model.undoTemplate()}
            />
          )}
          {canExecute && <AskButton model={model} state={state} />}
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
        <AskBanner model={model} state={state} canExecute={canExecute} />
        <div
          className="pyr-column pyr-fill pyr-generator-body"
          id={panel}
          role={shell ? undefined : 'tabpanel'}
          aria-labelledby={shell ? undefined : tabId(panel, tab)}
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
      <PreviewPanel
        model={model}
        state={state}
        errors={errors}
        canWrite={canWrite}
        canExecute={canExecute}
        engine={workspace.engine}
        prefix={prefix}
        canBeAdaptive={!shell}
        onError={showError}
        onCreate={run => void create(run)}
        onBegin={() => void begin()}
      />
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
        <Banner key={message} kind="warning">
          {message}
        </Banner>
      ))}
      {shown.length < messages.length && (
        <Banner kind="warning">
          <Link onClick={() => setAll(true)}>
            {trans.__('Show %1 more', messages.length - shown.length)}
          </Link>
        </Banner>
      )}
    </>
  );
}
