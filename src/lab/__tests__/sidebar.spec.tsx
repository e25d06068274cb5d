import type { JupyterFrontEnd } from '@jupyterlab/application';
import { fireEvent, screen } from '@testing-library/react';
import { CommandRegistry } from '@lumino/commands';
import { Widget } from '@lumino/widgets';
import * as React from 'react';

import { plainTrans } from '../../views/shared/context';
import { sidebarPlugin } from '../sidebar';
import type { ICore } from '../tokens';
import { rendered } from './rendered';

let mockIsMissing = true;

jest.mock('../../views/sidebar', () => {
  if (mockIsMissing) {
    throw new Error('Loading chunk sidebar failed');
  }
  const text = 'GPUs and tasks';
  return { SidebarView: () => <p>{text}</p> };
});

it('shows why it could not be loaded, and loads it on Retry', async () => {
  const panels: Widget[] = [];
  const app = {
    commands: new CommandRegistry(),
    shell: { add: (panel: Widget) => panels.push(panel) }
  } as unknown as JupyterFrontEnd;
  const core = {
    trans: plainTrans,
    session: { rights: { canWrite: true } }
  } as unknown as ICore;
  void sidebarPlugin.activate(app, core, null, null);
  const logged = jest.spyOn(console, 'error').mockImplementation();
  await rendered(() => Widget.attach(panels[0], document.body));
  expect(screen.getByRole('alert')).toHaveTextContent('Loading chunk');
  mockIsMissing = false;
  fireEvent.click(screen.getByRole('button', { name: 'Retry' }));
  await rendered();
  expect(panels[0].node).toHaveTextContent('GPUs and tasks');
  await rendered(() => panels[0].hide());
  expect(panels[0].node).toBeEmptyDOMElement();
  await rendered(() => panels[0].dispose());
  logged.mockRestore();
});
