import * as React from 'react';

/** A line with a mistake. */
export interface IMarker {
  /** From 1. */
  line: number;
  message: string;
}

/** A position the editor should show; another object asks again. */
export interface IReveal {
  line: number;
  column: number;
}

/** Properties of a text editor. */
export interface IEditorProps {
  value: string;
  onChange: (value: string) => void;
  markers: readonly IMarker[];
  language: 'yaml' | 'shell';
  readOnly: boolean;
  label: string;
  reveal?: IReveal | null;
}

/** A plain editor, where the page has no other. */
export function PlainEditor(props: IEditorProps): JSX.Element {
  const { reveal } = props;
  const ref = React.useRef<HTMLTextAreaElement>(null);
  React.useEffect(() => {
    const area = ref.current;
    if (!area || !reveal) {
      return;
    }
    const before = area.value.split('\n').slice(0, reveal.line - 1);
    const offset = before.reduce((sum, line) => sum + line.length + 1, 0);
    area.focus();
    area.setSelectionRange(offset, offset + Math.max(0, reveal.column - 1));
  }, [reveal]);
  return (
    <div className="pyr-column pyr-plain-editor">
      <textarea
        ref={ref}
        aria-label={props.label}
        value={props.value}
        readOnly={props.readOnly}
        spellCheck={false}
        wrap="off"
        onChange={event => props.onChange(event.target.value)}
      />
      {props.markers.map((marker, index) => (
        <p key={index} className="pyr-field-error" role="alert">
          {`${marker.line}: ${marker.message}`}
        </p>
      ))}
    </div>
  );
}
