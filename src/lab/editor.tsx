import type { Extension } from '@codemirror/state';
import { StateEffect, StateField } from '@codemirror/state';
import type { DecorationSet } from '@codemirror/view';
import { Decoration, EditorView, ViewPlugin } from '@codemirror/view';
import type { IEditorServices } from '@jupyterlab/codeeditor';
import { CodeEditor } from '@jupyterlab/codeeditor';
import * as React from 'react';

import type { IEditorProps, IMarker } from '../views/generator/editor';

const MIME_TYPES = { yaml: 'text/x-yaml', shell: 'text/x-sh' };

const setMarkers = StateEffect.define<readonly IMarker[]>();

/** Lines with errors; they move with the text until they are set again. */
const markerField = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update: (decorations, transaction) => {
    let next = decorations.map(transaction.changes);
    for (const effect of transaction.effects) {
      if (effect.is(setMarkers)) {
        const { doc } = transaction.state;
        const byLine = new Map<number, string[]>();
        for (const marker of effect.value) {
          if (marker.line >= 1 && marker.line <= doc.lines) {
            const messages = byLine.get(marker.line) ?? [];
            byLine.set(marker.line, [...messages, marker.message]);
          }
        }
        next = Decoration.set(
          [...byLine].map(([line, messages]) =>
            Decoration.line({
              attributes: {
                class: 'pyr-editor-invalid',
                title: messages.join('\n')
              }
            }).range(doc.line(line).from)
          ),
          true
        );
      }
    }
    return next;
  },
  provide: field => EditorView.decorations.from(field)
});

/** Hands out the editor's view, which Lab's interface does not show. */
function viewOf(take: (view: EditorView) => void): Extension {
  return ViewPlugin.define(view => {
    take(view);
    return {};
  });
}

/** Lab's own editor as a React component. */
export function createEditor(
  services: IEditorServices
): React.ComponentType<IEditorProps> {
  return function LabEditor(props: IEditorProps): JSX.Element {
    const host = React.useRef<HTMLDivElement>(null);
    const editor = React.useRef<CodeEditor.IEditor | null>(null);
    const view = React.useRef<EditorView | null>(null);
    const current = React.useRef(props);
    current.current = props;

    React.useEffect(() => {
      const { value, language, label } = current.current;
      const model = new CodeEditor.Model({ mimeType: MIME_TYPES[language] });
      model.sharedModel.setSource(value);
      const made = services.factoryService.newDocumentEditor({
        host: host.current!,
        model
      });
      made.setOptions({ lineNumbers: true, lineWrap: false });
      made.injectExtension([
        markerField,
        EditorView.contentAttributes.of({ 'aria-label': label }),
        viewOf(item => {
          view.current = item;
        })
      ]);
      const changed = () => {
        const source = model.sharedModel.getSource();
        if (source !== current.current.value) {
          current.current.onChange(source);
        }
      };
      model.sharedModel.changed.connect(changed);
      editor.current = made;
      return () => {
        model.sharedModel.changed.disconnect(changed);
        editor.current = null;
        view.current = null;
        made.dispose();
        model.dispose();
      };
    }, []);

    const { value, language, readOnly, markers, reveal } = props;
    React.useEffect(() => {
      const model = editor.current?.model;
      if (model && model.sharedModel.getSource() !== value) {
        model.sharedModel.setSource(value);
      }
    }, [value]);
    React.useEffect(() => {
      if (editor.current) {
        editor.current.model.mimeType = MIME_TYPES[language];
      }
    }, [language]);
    React.useEffect(() => {
      editor.current?.setOption('readOnly', readOnly);
    }, [readOnly]);
    React.useEffect(() => {
      view.current?.dispatch({ effects: setMarkers.of(markers) });
    }, [markers]);
    React.useEffect(() => {
      if (reveal && editor.current) {
        const line = Math.max(
          0,
          Math.min(reveal.line, editor.current.lineCount) - 1
        );
        const position = { line, column: Math.max(0, reveal.column - 1) };
        editor.current.setCursorPosition(position);
        editor.current.revealPosition(position);
        editor.current.focus();
      }
    }, [reveal]);

    return <div ref={host} className="pyr-lab-editor" />;
  };
}
