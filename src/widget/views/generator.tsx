import * as React from 'react';

import { DraftModel } from '../../model/draft';
import { GeneratorView } from '../../views/generator';
import { Banner } from '../../views/shared/banner';
import type { IViewOptions } from '../types';

/** A form for new tasks; its text, its name and the created tasks are traits. */
export async function makeGeneratorView(
  options: IViewOptions
): Promise<JSX.Element> {
  const { client, ws, trans, own, atEnd, trait } = options;
  const workspace = await client.getWorkspace(ws);
  const text = trait<string>('text');
  const name = trait<string>('name');
  const created = trait<readonly string[]>('created');
  const draft = own(
    new DraftModel({ client, ws, kind: workspace.kind, saveDelay: 150 })
  );
  const writeTraits = (): void => {
    const state = draft.getSnapshot();
    text.set(state.text);
    name.set(state.name);
  };
  const bindTraits = (): void => {
    if (text.get()) {
      draft.setText(text.get());
    }
    if (name.get()) {
      draft.setName(name.get());
    }
    writeTraits();
    atEnd(draft.subscribe(writeTraits));
    atEnd(text.listen(value => draft.setText(value)));
    atEnd(name.listen(value => draft.setName(value)));
  };
  await draft.load();
  // After a failure the user may load the draft later.
  void draft.ready.then(bindTraits);
  const status = await options.status;

  const Generator = (): JSX.Element => {
    const [notice, setNotice] = React.useState<string | null>(null);
    return (
      <>
        <GeneratorView
          model={draft}
          workspace={workspace}
          trans={trans}
          canWrite={status?.can_write}
          canExecute={status?.can_execute}
          onBegun={study => setNotice(trans.__('Study %1 started', study))}
          onCreated={(names, queued) => {
            created.set(names);
            setNotice(
              queued
                ? trans._n(
                    '%1 task created and queued',
                    '%1 tasks created and queued',
                    names.length
                  )
                : trans._n('%1 task created', '%1 tasks created', names.length)
            );
          }}
        />
        {notice !== null && (
          <Banner kind="info" icon="completed" onClose={() => setNotice(null)}>
            {notice}
          </Banner>
        )}
      </>
    );
  };
  return <Generator />;
}
