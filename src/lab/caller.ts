/**
 * Who calls a command. Any document can make JupyterLab execute a command with
 * one click: a button in Markdown or HTML names it and its arguments in
 * `data-commandlinker-command` and `data-commandlinker-args`.
 */
import { CommandRegistry } from '@lumino/commands';
import type {
  ReadonlyJSONObject,
  ReadonlyPartialJSONObject
} from '@lumino/coreutils';

/** Marks our own arguments. A document writes JSON, which has no symbols. */
const OWN = Symbol('pyruns-jupyter');
/** The widget whose toolbar executes the command. */
const WIDGET = Symbol('pyruns-jupyter:widget');

/**
 * `user`: our menus and buttons, a menu of Lab or a key.
 * `code`: an extension, by way of `IPyruns.execute`.
 * `other`: anything else, and so perhaps a document.
 */
export type Caller = 'user' | 'code' | 'other';

/**
 * Return arguments for a command that our own menus and buttons execute.
 *
 * @param widget - the widget that the command is about; by default the current one
 */
export function ownArgs(
  args: ReadonlyPartialJSONObject = {},
  caller: Caller = 'user',
  widget: unknown = null
): ReadonlyJSONObject {
  return { ...args, [OWN]: caller, [WIDGET]: widget } as ReadonlyJSONObject;
}

/** Return the widget whose toolbar executes a command; null for other callers. */
export function widgetOf(args: ReadonlyPartialJSONObject): unknown {
  return (args as { [WIDGET]?: unknown })[WIDGET] ?? null;
}

/** The keys that the user has pressed since the last click. */
class TypedKeys implements EventListenerObject {
  handleEvent(event: Event): void {
    if (!event.isTrusted) {
      return;
    }
    if (event.type !== 'keydown') {
      this._keys = [];
      return;
    }
    const key = CommandRegistry.keystrokeForKeydownEvent(
      event as KeyboardEvent
    );
    if (!MODIFIERS.test(key)) {
      this._keys = [...this._keys.slice(1 - MAX_KEYS), key];
    }
  }

  /** Return whether the last keys are these; they count only once. */
  take(keys: readonly string[]): boolean {
    const isTyped = this._keys.slice(-keys.length).join() === keys.join();
    if (isTyped) {
      this._keys = [];
    }
    return isTyped;
  }

  private _keys: readonly string[] = [];
}

/** Keys of the longest shortcut. */
const MAX_KEYS = 4;

const MODIFIERS = /^(Alt|Cmd|Ctrl|Shift| )*$/;

let typed: TypedKeys | null = null;

/** Begin to notice shortcuts. */
export function watchKeys(): void {
  if (!typed) {
    typed = new TypedKeys();
    // Before Lab, which handles a key only after it could insert a text.
    window.addEventListener('keydown', typed, true);
    window.addEventListener('pointerdown', typed, true);
  }
}

/**
 * Return who executes a command; to be asked before anything is awaited.
 *
 * Shortcuts and menus come from settings, whose JSON cannot carry the mark. A
 * document can imitate their arguments, but neither the keys that are bound to
 * the command nor a click in an open menu.
 */
export function callerOf(
  commands: CommandRegistry,
  id: string,
  args: ReadonlyPartialJSONObject
): Caller {
  if (OWN in args) {
    return args[OWN as unknown as string] as Caller;
  }
  const isKey = commands.keyBindings.some(
    ({ command, keys }) => command === id && typed?.take(keys)
  );
  return isKey || isInMenu(window.event) ? 'user' : 'other';
}

/** Return whether the user clicks or presses a key in a menu of Lab. */
function isInMenu(event: Event | undefined): boolean {
  const path = event?.isTrusted ? event.composedPath() : [];
  // A document is shown somewhere deeper.
  return path.some(
    (node, index) =>
      path[index + 1] === document.body &&
      (node as Element).classList.contains('lm-Menu')
  );
}
