import * as React from 'react';

import type { ITrans } from '../../client/trans';
import { plainTrans } from '../../client/trans';

export { type ITrans, plainTrans };

export const TransContext = React.createContext<ITrans>(plainTrans);

/** The translator of the page around. */
export function useTrans(): ITrans {
  return React.useContext(TransContext);
}
