import * as React from 'react';

import type { IPopupProps } from './popup';
import { Popup, useClosePopup } from './popup';

interface IFormProps {
  /** `close` closes the popup. */
  onSubmit: (close: () => void) => unknown;
  /** What is wrong, '' if nothing is. */
  error: string;
  /** At the end of the form. */
  buttons: React.ReactNode;
  children: React.ReactNode;
}

/** A popup with a form: its fields, what is wrong, and its buttons. */
export function FormPopup({
  onSubmit,
  error,
  buttons,
  children,
  ...popup
}: IFormProps & IPopupProps): JSX.Element {
  return (
    <Popup {...popup} className={`pyr-form-popup ${popup.className ?? ''}`}>
      <Form onSubmit={onSubmit} error={error} buttons={buttons}>
        {children}
      </Form>
    </Popup>
  );
}

function Form({ onSubmit, error, buttons, children }: IFormProps): JSX.Element {
  const close = useClosePopup();
  return (
    <form
      onSubmit={event => {
        event.preventDefault();
        void onSubmit(close);
      }}
    >
      {children}
      {error && (
        <p className="pyr-field-error" role="alert">
          {error}
        </p>
      )}
      <div className="pyr-form-end">{buttons}</div>
    </form>
  );
}
