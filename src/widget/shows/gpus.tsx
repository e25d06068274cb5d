import * as React from 'react';

import { SystemModel } from '../../model/system';
import { GpusView } from '../../views/dashboard';
import type { IShowOptions } from '../show';

/** The loads of the machine and of its GPUs. */
export function showGpus({ client, trans, own }: IShowOptions): JSX.Element {
  return <GpusView system={own(new SystemModel(client))} trans={trans} />;
}
