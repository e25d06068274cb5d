/**
 * Who calls a command. Any document can make JupyterLab execute a command with
 * one click: a button in Markdown or HTML names it and its arguments in
 * `data-commandlinker-command` and `data-commandlinker-args`.
 */
import { Dialog, showDialog } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import type {
  ReadonlyJSONObject,
  ReadonlyPartialJSONObject
} from '@lumino/coreutils';
import * as React from 'react';

/** Marks our own arguments. A document writes JSON, which has no symbols. */
const OWN = Symbol('pyruns-jupyter');

/** What a command would do for a caller that is not one of our menus. */
export interface IRequest {
  readonly title: string;
  /** Why the user is asked, where the caller is not the reason. */
  readonly reason?: string;
  /** Names and values, shown as they are. */
  readonly facts: readonly (readonly [name: string, value: string])[];
  /** Label of the button that allows it. */
  readonly accept: string;
}

/** Return arguments for a command that our own menus and buttons execute. */
export function ownArgs(args: ReadonlyJSONObject = {}): ReadonlyJSONObject {
  return { ...args, [OWN]: true } as ReadonlyJSONObject;
}

/** Return whether our own menus and buttons made these arguments. */
export function isOwn(args: ReadonlyPartialJSONObject): boolean {
  return OWN in args;
}

/** Ask the user to allow a request; the default button is Cancel. */
export async function askToAllow(
  trans: TranslationBundle,
  request: IRequest
): Promise<boolean> {
  const result = await showDialog({
    title: request.title,
    body: (
      <div className="pyr-request">
        <p>
          {request.reason ??
            trans.__(
              'A document, a shortcut or another extension asks for this. Continue only if you trust it.'
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
  return result.button.accept;
}

/** Escape line breaks, and characters that reorder or hide other ones. */
export function showInvisible(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu,
    character =>
      `\\u{${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}}`
  );
}

/**
 * Take away whatever makes Lab execute a command when an element is clicked,
 * as long as the returned function is not called.
 *
 * Lab's sanitizer keeps these attributes, and formulas are set after it.
 */
export function withoutCommands(element: HTMLElement): () => void {
  const clean = () => {
    for (const found of element.querySelectorAll(SELECTOR)) {
      ATTRIBUTES.forEach(name => found.removeAttribute(name));
    }
  };
  // Called before the browser handles the next click.
  const observer = new MutationObserver(clean);
  observer.observe(element, {
    attributeFilter: [...ATTRIBUTES],
    childList: true,
    subtree: true
  });
  clean();
  return () => observer.disconnect();
}

const ATTRIBUTES = ['data-commandlinker-command', 'data-commandlinker-args'];
const SELECTOR = ATTRIBUTES.map(name => `[${name}]`).join();
