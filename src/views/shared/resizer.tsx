import * as React from 'react';

export interface IResizerProps {
  /** What is made wider or narrower, and stands left of the edge. */
  target: React.RefObject<HTMLElement>;
  title: string;
  /** A width in pixels; null for the usual one. */
  onWidth: (width: number | null) => void;
  className?: string;
}

/** The right edge of something, by which it is made wider or narrower. */
export function Resizer(props: IResizerProps): JSX.Element {
  const { target, onWidth } = props;
  /** The width less the pointer's place, while it is dragged. */
  const from = React.useRef<number | null>(null);
  return (
    <span
      className={`pyr-resizer ${props.className ?? ''}`}
      title={props.title}
      onPointerDown={event => {
        const width = target.current?.getBoundingClientRect().width ?? 0;
        from.current = width - event.clientX;
        event.preventDefault();
        event.stopPropagation();
        event.currentTarget.setPointerCapture(event.pointerId);
      }}
      // Browsers report it once a frame.
      onPointerMove={event => {
        if (from.current !== null) {
          onWidth(from.current + event.clientX);
        }
      }}
      onLostPointerCapture={() => {
        from.current = null;
      }}
      onClick={event => event.stopPropagation()}
      onDoubleClick={event => {
        event.stopPropagation();
        onWidth(null);
      }}
      // Else what is around it would be dragged.
      draggable
      onDragStart={event => {
        event.preventDefault();
        event.stopPropagation();
      }}
    />
  );
}
