/**
 * Who calls a command. Any document can make JupyterLab execute a command with
 * one click: a button in Markdown or HTML names it and its arguments in
 * `data-commandlinker-command` and `data-commandlinker-args`.
 */
import { Dialog, showDialog } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { CommandRegistry } from '@lumino/commands';
import type {
  ReadonlyJSONObject,
  ReadonlyPartialJSONObject
} from '@lumino/coreutils';
import * as React from 'react';

import type { ClientError } from '../client/errors';
import { asClientError } from '../client/errors';
import type { Confirm } from '../views/shared/ask';

/** Marks our own arguments. A document writes JSON, which has no symbols. */
const OWN = Symbol('pyruns-jupyter');

/**
 * `user`: our menus and buttons, a menu of Lab or a key.
 * `code`: an extension, by way of `IPyruns.execute`.
 * `other`: anything else, and so perhaps a document.
 */
export type Caller = 'user' | 'code' | 'other';

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
export function ownArgs(
  args: ReadonlyPartialJSONObject = {},
  caller: Caller = 'user'
): ReadonlyJSONObject {
  return { ...args, [OWN]: caller } as ReadonlyJSONObject;
}

/**
 * Return who executes a command; to be asked before anything is awaited.
 *
 * Shortcuts and menus come from settings, whose JSON cannot carry the mark. A
 * document can imitate their arguments, but neither a key that is bound to the
 * command nor a click in an open menu.
 */
export function callerOf(
  commands: CommandRegistry,
  id: string,
  args: ReadonlyPartialJSONObject
): Caller {
  if (OWN in args) {
    return args[OWN as unknown as string] as Caller;
  }
  const { event } = window;
  if (!event?.isTrusted) {
    return 'other';
  }
  const path = event.composedPath();
  const isMenu =
    ['keydown', 'mouseup'].includes(event.type) &&
    path.some(
      (node, index) =>
        path[index + 1] === document.body &&
        (node as Element).classList.contains('lm-Menu')
    );
  const isKey =
    event instanceof KeyboardEvent &&
    event.type === 'keydown' &&
    commands.keyBindings.some(
      ({ command, keys }) =>
        command === id &&
        keys[keys.length - 1] ===
          CommandRegistry.keystrokeForKeydownEvent(event)
    );
  return isMenu || isKey ? 'user' : 'other';
}

/**
 * Return what a command answers, as JSON. When it fails, its caller is told
 * and, unless that is code, the user too.
 *
 * @param explain - what the user is told; null if that was shown already
 */
export async function answer(
  trans: TranslationBundle,
  commands: CommandRegistry,
  id: string,
  args: ReadonlyPartialJSONObject,
  work: (caller: Caller) => Promise<object | void>,
  explain = (
    problem: ClientError
  ): readonly [title: string, body: string] | null => [
    commands.label(id, args),
    problem.message
  ]
): Promise<ReadonlyPartialJSONObject> {
  const caller = callerOf(commands, id, args);
  try {
    return toJson((await work(caller)) ?? {});
  } catch (error) {
    const problem = asClientError(error);
    const told = caller === 'code' ? null : explain(problem);
    if (told) {
      const [title, body] = told;
      const buttons = [Dialog.okButton({ label: trans.__('OK') })];
      void showDialog({ title, body, buttons });
    }
    if (caller !== 'user') {
      throw problem;
    }
    return { error: problem.message };
  }
}

/** As Lab's state and callers of commands take it. */
export function toJson(value: object): ReadonlyPartialJSONObject {
  return JSON.parse(JSON.stringify(value)) as ReadonlyPartialJSONObject;
}

/** Asks in a dialog of Lab. */
export function confirmInLab(trans: TranslationBundle): Confirm {
  return async question => {
    const result = await showDialog({
      title: question.title,
      body: question.body,
      buttons: [
        Dialog.cancelButton({ label: trans.__('Cancel') }),
        Dialog.warnButton({ label: question.accept })
      ]
    });
    return result.button.accept;
  };
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
              'A document or another extension asks for this. Continue only if you trust it.'
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
