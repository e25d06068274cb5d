/** The part of Lab's translation bundle that is used here. */
export interface ITrans {
  __(msgid: string, ...args: unknown[]): string;
  _n(msgid: string, plural: string, n: number, ...args: unknown[]): string;
}

function fill(text: string, args: unknown[]): string {
  return text.replace(/%(\d+)/g, (match, digits: string) => {
    const index = Number(digits) - 1;
    return index in args ? String(args[index]) : match;
  });
}

/** Placeholders for all that varies in a text. */
const PLACES = ['%1', '%2', '%3', '%4', '%5', '%6', '%7', '%8', '%9'];

/** A translator that finds each text once: that of JupyterLab is slow, and a table has hundreds. */
export function rememberingTrans<T extends ITrans>(trans: T): T {
  const find = trans.__.bind(trans);
  const known = new Map<string, string>();
  const translate = (msgid: string, ...args: unknown[]): string => {
    let text = known.get(msgid);
    if (text === undefined) {
      text = find(msgid, ...PLACES);
      known.set(msgid, text);
    }
    return args.length > 0 ? fill(text, args) : text;
  };
  return Object.create(trans, { __: { value: translate } });
}

/** Share the translations of JupyterLab with the widgets in the same page. */
export function sharePageTrans(trans: ITrans): void {
  (globalThis as { [PAGE_TRANS]?: ITrans })[PAGE_TRANS] = trans;
}

/** Return the translations of this page, which are English outside of JupyterLab. */
export function pageTrans(): ITrans {
  return (globalThis as { [PAGE_TRANS]?: ITrans })[PAGE_TRANS] ?? plainTrans;
}

const PAGE_TRANS = Symbol.for('pyruns-jupyter:trans');

/** English as in the sources, where there is no translator. */
export const plainTrans: ITrans = {
  __: (msgid, ...args) => fill(msgid, args),
  _n: (msgid, plural, n, ...args) =>
    fill(n === 1 ? msgid : plural, [n, ...args])
};
