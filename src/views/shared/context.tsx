import * as React from 'react';

/** The part of a translation bundle that the views use. */
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

/** The English texts of the sources, where there is no translator. */
export const plainTrans: ITrans = {
  __: (msgid, ...args) => fill(msgid, args),
  _n: (msgid, plural, n, ...args) =>
    fill(n === 1 ? msgid : plural, [n, ...args])
};

export const TransContext = React.createContext<ITrans>(plainTrans);

/** The translator of the page around. */
export function useTrans(): ITrans {
  return React.useContext(TransContext);
}

/** A view whose texts are in the language that it gets as `trans`. */
export function withTrans<Props extends { trans: ITrans }>(
  View: React.ComponentType<Props>
): (props: Props) => JSX.Element {
  return function Translated(props) {
    return (
      <TransContext.Provider value={props.trans}>
        <View {...props} />
      </TransContext.Provider>
    );
  };
}
