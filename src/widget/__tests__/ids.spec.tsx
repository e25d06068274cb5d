import { act, render, waitFor } from '@testing-library/react';
import * as React from 'react';

import type { IClient } from '../../client/types';
import { DraftModel } from '../../model/draft';
import { plainTrans } from '../../views/shared/context';
import { GeneratorView } from '../../views/generator';
import type { IViews } from '../types';
import { FakeModel } from './model';

const WORKSPACE = {
  id: 'ws',
  name: 'train',
  kind: 'script' as const,
  path: 'digits',
  engine: 'local' as const,
  problem: null
};

const ANSWERS: Record<string, unknown> = {
  getWorkspace: WORKSPACE,
  getTemplate: { text: 'lr: 0.1\n', name: 'train' },
  getParameters: {
    kind: 'argparse',
    parameters: [],
    problems: [],
    error: null
  },
  previewSweep: { count: 1, duplicates: 0, axes: [], rows: [], errors: [] }
};

/** A widget whose kernel answers from a table. */
class AnsweringModel extends FakeModel {
  override send(content: object): void {
    const { request, operation = '' } = content as {
      request?: string;
      operation?: string;
    };
    if (request !== undefined) {
      void Promise.resolve().then(() =>
        this.emit('msg:custom', {
          type: 'answer',
          request,
          text: JSON.stringify(answerTo(operation))
        })
      );
    }
  }
}

function answerTo(operation: string): unknown {
  return ANSWERS[operation] ?? ANSWERS[camel(operation)] ?? {};
}

function camel(name: string): string {
  return name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
}

/** A copy of the views with a React of its own, as widgets load it. */
function loadViews(): IViews {
  let views: IViews | undefined;
  jest.isolateModules(() => {
    views = jest.requireActual<IViews>('../mount');
  });
  return views!;
}

function addWidget(views: IViews): () => void {
  const el = document.createElement('div');
  document.body.append(el);
  const model = new AnsweringModel({
    view: 'generator',
    folder: '/far/_pyruns_/train',
    height: 300,
    text: '',
    name: '',
    created: []
  });
  return views.mount({ model, el, server: null });
}

const idsIn = (root: ParentNode) =>
  [...root.querySelectorAll('[id]')].map(element => element.id);

describe('ids of elements', () => {
  const isAct = globalThis as { IS_REACT_ACT_ENVIRONMENT?: boolean };
  afterEach(() => {
    isAct.IS_REACT_ACT_ENVIRONMENT = true;
  });

  it('are different in JupyterLab and in each copy of the widgets', async () => {
    const client = {
      getTemplate: async () => ANSWERS.getTemplate,
      getParameters: async () => ANSWERS.getParameters,
      previewSweep: async () => ANSWERS.previewSweep
    } as unknown as IClient;
    const model = new DraftModel({ client, ws: 'ws', kind: 'script' });
    const lab = render(
      <GeneratorView
        model={model}
        trans={plainTrans}
        workspace={WORKSPACE}
        onCreated={() => undefined}
        onBegun={() => undefined}
      />
    );
    await act(() => model.ready);
    expect(idsIn(lab.container)).toHaveLength(
      new Set(idsIn(lab.container)).size
    );

    // The copies of React here are not this one, and nobody acts for them.
    isAct.IS_REACT_ACT_ENVIRONMENT = false;
    const [first, second] = [loadViews(), loadViews()];
    const ends = [addWidget(first), addWidget(first), addWidget(second)];
    await waitFor(() =>
      expect(
        [...document.querySelectorAll('.pyr-widget')].map(
          widget => widget.querySelectorAll('[role=tab]').length
        )
      ).toEqual([2, 2, 2])
    );
    const ids = idsIn(document);
    expect(ids.length).toBeGreaterThan(4 * 3);
    expect(ids.filter((id, at) => ids.indexOf(id) !== at)).toEqual([]);
    ends.forEach(end => end());
    isAct.IS_REACT_ACT_ENVIRONMENT = true;
    lab.unmount();
    model.dispose();
  });
});
