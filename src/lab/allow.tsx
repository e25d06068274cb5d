/** Asks the user to allow what a command is about to do. */
import '../../style/request.css';

import { Dialog, showDialog } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { Declined } from './request';

/** What a command is about to do for another caller than our menus. */
export interface IRequest {
  readonly title: string;
  /** Why the user is asked, if the caller is not the reason. */
  readonly reason?: string;
  /** Names and values, shown as they are. */
  readonly facts: readonly (readonly [name: string, value: string])[];
  /** Label of the button that allows it. */
  readonly accept: string;
}

/**
 * Ask the user to allow a request; the default button is Cancel.
 *
 * @throws Declined, for `answer`, if the user does not allow it
 */
export async function askToAllow(
  trans: TranslationBundle,
  request: IRequest
): Promise<void> {
  const result = await showDialog({
    title: request.title,
    body: (
      <div className="pyr-request">
        <p>
          {request.reason ??
            trans.__(
              'A document or another extension requests this action. Continue only if you trust it.'
            )}
        </p>
        <dl>
          {request.facts.map(([name, value]) => (
            <React.Fragment key={name}>
              <dt>{name}</dt>
              <dd>{showInvisible(value)}</dd>
            </React.Fragment>
          ))}
        </dl>
      </div>
    ),
    buttons: [
      Dialog.cancelButton({ label: trans.__('Cancel') }),
      Dialog.warnButton({ label: request.accept })
    ],
    defaultButton: 0
  });
  if (!result.button.accept) {
    throw new Declined();
  }
}

/** Escape line breaks, and characters that reorder or hide other ones. */
export function showInvisible(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu,
    character =>
      `\\u{${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}}`
  );
}
