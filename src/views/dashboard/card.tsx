import * as React from 'react';

export interface ICardProps {
  title: React.ReactNode;
  /** After the title, smaller. */
  detail?: React.ReactNode;
  /** At the end of the title's line. */
  actions?: React.ReactNode;
  className?: string;
  children: React.ReactNode;
}

/** A part of the page with a title of its own. */
export function Card(props: ICardProps): JSX.Element {
  const id = React.useId();
  return (
    <section
      className={`pyr-card ${props.className ?? ''}`}
      aria-labelledby={id}
    >
      <header className="pyr-line pyr-card-head">
        <h2 id={id}>{props.title}</h2>
        <span className="pyr-fill pyr-note pyr-cut">{props.detail}</span>
        {props.actions}
      </header>
      {props.children}
    </section>
  );
}

/** A share as a bar; it is also shown as text. */
export function Bar(props: {
  /** Percent, null when not known. */
  value: number | null;
  label: string;
  series?: 1 | 2;
}): JSX.Element {
  const { value } = props;
  return (
    <span
      className={`pyr-bar pyr-series-${props.series ?? 1}`}
      role="meter"
      aria-label={props.label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={value === null ? undefined : Math.round(value)}
    >
      <span style={{ width: `${Math.min(100, Math.max(0, value ?? 0))}%` }} />
    </span>
  );
}
