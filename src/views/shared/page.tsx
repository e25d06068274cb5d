import * as React from 'react';

import type { ITrans } from './context';
import { TransContext } from './context';

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
