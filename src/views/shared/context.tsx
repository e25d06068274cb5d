import * as React from 'react';

import type { ITrans } from '../../client/trans';
import { plainTrans } from '../../client/trans';

export { type ITrans, plainTrans };

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
