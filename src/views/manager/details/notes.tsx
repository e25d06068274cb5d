import * as React from 'react';

import { asClientError } from '../../../client/errors';
import type { TaskDetailModel } from '../../../model/taskdetail';
import { useTrans } from '../../shared/context';
import { useStore } from '../../shared/store';
import { Button, Strip } from '../../shared/strip';

/** Puts a text's Markdown into an element, made safe; returns how to end that. */
export type MarkdownRenderer = (
  text: string,
  element: HTMLElement
) => () => void;

/** What people wrote about a task, in Markdown. */
export function Notes(props: {
  model: TaskDetailModel;
  text: string;
  canWrite: boolean;
  renderMarkdown?: MarkdownRenderer;
}): JSX.Element {
  const trans = useTrans();
  const { model, text, canWrite } = props;
  const { saving } = useStore(model);
  /** What is being written, null while nobody writes. */
  const [draft, setDraft] = React.useState<string | null>(null);
  const [base, setBase] = React.useState('');
  const [failure, setFailure] = React.useState('');
  const edit = () => {
    setBase(text);
    setDraft(text);
  };
  const save = async () => {
    if (draft === null) {
      return;
    }
    if (draft === base) {
      setDraft(null);
      return;
    }
    setFailure('');
    try {
      await model.change({ notes: draft, expected: { notes: base } });
      setDraft(null);
    } catch (error) {
      const problem = asClientError(error);
      setFailure(problem.message);
      if (problem.status === 409) {
        // Saving again then replaces what somebody else wrote, knowingly.
        model.refresh();
        setBase(model.getSnapshot().detail?.notes ?? base);
      }
    }
  };
  return (
    <section>
      <h3>
        {trans.__('Notes')}
        {canWrite && draft === null && (
          <Button
            label={text ? trans.__('Edit') : trans.__('Write')}
            onClick={edit}
          />
        )}
      </h3>
      {failure && (
        <Strip kind="error" icon="failed" onClose={() => setFailure('')}>
          {failure}
        </Strip>
      )}
      {draft !== null ? (
        <>
          <textarea
            className="pyr-input pyr-notes-input"
            autoFocus
            rows={Math.min(16, Math.max(4, draft.split('\n').length + 1))}
            value={draft}
            aria-label={trans.__('Notes')}
            placeholder={trans.__('Markdown: **bold**, lists, links…')}
            onChange={event => setDraft(event.target.value)}
            onKeyDown={event => {
              event.stopPropagation();
              if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
                event.preventDefault();
                void save();
              } else if (event.key === 'Escape' && draft === base) {
                setDraft(null);
              }
            }}
          />
          <div className="pyr-notes-actions">
            <Button label={trans.__('Cancel')} onClick={() => setDraft(null)} />
            <Button
              accent
              label={trans.__('Save')}
              title={trans.__('Save (Ctrl+Enter)')}
              disabled={saving}
              onClick={() => void save()}
            />
          </div>
        </>
      ) : text ? (
        <Markdown text={text} render={props.renderMarkdown} />
      ) : (
        <p className="pyr-note">{trans.__('None yet.')}</p>
      )}
    </section>
  );
}

function Markdown(props: {
  text: string;
  render: MarkdownRenderer | undefined;
}): JSX.Element {
  const { text, render } = props;
  const ref = React.useRef<HTMLDivElement>(null);
  // Ended before React takes the element away.
  React.useLayoutEffect(
    () => (render && ref.current ? render(text, ref.current) : undefined),
    [render, text]
  );
  return render ? (
    <div ref={ref} className="pyr-notes" />
  ) : (
    <div className="pyr-notes pyr-notes-plain">{text}</div>
  );
}
