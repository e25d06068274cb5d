/** Questions of commands to the user, and their results. */
import { Dialog, showDialog } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { CommandRegistry } from '@lumino/commands';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';
import * as React from 'react';

import type { ClientError } from '../client/errors';
import { asClientError } from '../client/errors';
import type { Confirm } from '../views/shared/confirm';
import { checkArguments } from './arguments';
import type { Caller } from './caller';
import { callerOf } from './caller';

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
 * Return what a command answers, as JSON. When it fails, its caller is told
 * and, unless that is code, the user too.
 *
 * @param explain - title and text for the user; null if they were shown already
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
    checkArguments(trans, args, (await commands.describedBy(id)).args);
    return toJson((await work(caller)) ?? {});
  } catch (error) {
    if (error instanceof Declined) {
      return { declined: true };
    }
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

/** Convert an object to JSON for Lab's state and callers of commands. */
export function toJson(value: object): ReadonlyPartialJSONObject {
  return JSON.parse(JSON.stringify(value)) as ReadonlyPartialJSONObject;
}

/** Ask in a dialog of Lab. */
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

/** Thrown when the user does not allow a request. */
class Declined extends Error {}

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
