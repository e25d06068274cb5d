import * as React from 'react';

import { asClientError } from '../../../client/errors';
import type { INoteDraft, TaskDetailModel } from '../../../model/taskdetail';
import { useTrans } from '../../shared/context';
import { useStore } from '../../shared/store';
import { Banner } from '../../shared/banner';
import { Button } from '../../shared/button';

/** Renders sanitised Markdown into an element; returns a function that removes it. */
export type MarkdownRenderer = (
  text: string,
  element: HTMLElement
) => () => void;

/** The notes of a task, in Markdown. */
export function Notes(props: {
  model: TaskDetailModel;
  text: string;
  canWrite: boolean;
  renderMarkdown?: MarkdownRenderer;
}): JSX.Element {
  const trans = useTrans();
  const { model, text, canWrite } = props;
  const { name, saving } = useStore(model);
  /** The draft, null while nothing is edited. */
  const [written, setWritten] = React.useState<INoteDraft | null>(
    () => model.drafts.get(name) ?? null
  );
  const [failure, setFailure] = React.useState('');
  const draft = written?.text ?? null;
  const base = written?.base ?? '';
  const write = (next: INoteDraft | null) => {
    if (next && next.text !== next.base) {
      model.drafts.set(name, next);
    } else {
      model.drafts.delete(name);
    }
    setWritten(next);
  };
  const save = async () => {
    if (draft === null) {
      return;
    }
    if (draft === base) {
      write(null);
      return;
    }
    setFailure('');
    try {
      await model.change({ notes: draft, expected: { notes: base } });
      write(null);
    } catch (error) {
      const problem = asClientError(error);
      if (problem.status !== 409) {
        setFailure(problem.message);
        return;
      }
      // Saving again overwrites the other change, knowingly.
      await model.refresh();
      const theirs = model.getSnapshot().detail?.notes ?? base;
      write({ text: draft, base: theirs });
      setFailure(
        trans.__(
          'These notes were changed elsewhere and now read: “%1”. Save again to overwrite them.',
          theirs
        )
      );
    }
  };
  return (
    <section>
      <h3>
        {trans.__('Notes')}
        {canWrite && draft === null && (
          <Button
            label={trans.__('Edit')}
            onClick={() => write({ text, base: text })}
          />
        )}
      </h3>
      <Banner kind="error" onClose={() => setFailure('')}>
        {failure}
      </Banner>
      {draft !== null ? (
        <>
          <textarea
            className="pyr-input"
            autoFocus
            rows={Math.min(16, Math.max(4, draft.split('\n').length + 1))}
            value={draft}
            aria-label={trans.__('Notes')}
            placeholder={trans.__('Markdown: **bold**, lists, links…')}
            onChange={event => write({ text: event.target.value, base })}
            onKeyDown={event => {
              event.stopPropagation();
              if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
                event.preventDefault();
                void save();
              } else if (event.key === 'Escape' && draft === base) {
                write(null);
              }
            }}
          />
          <div className="pyr-form-end">
            <Button label={trans.__('Cancel')} onClick={() => write(null)} />
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
  // Removed before React removes the element.
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
