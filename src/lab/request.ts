/** Questions of commands to the user, and their results. */
import { Dialog, showDialog } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { CommandRegistry } from '@lumino/commands';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';

import type { ClientError } from '../client/errors';
import { asClientError } from '../client/errors';
import type { Confirm } from '../views/shared/confirm';
import type { Caller } from './caller';
import { callerOf } from './caller';

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
    const { checkArguments } = await import('./argumentschemas');
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
export class Declined extends Error {}
