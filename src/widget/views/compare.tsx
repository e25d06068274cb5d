import * as React from 'react';

import { CompareModel } from '../../model/compare';
import { CompareView } from '../../views/compare';
import type { IOptions, Tab } from '../../views/compare/options';
import { asOptions, DEFAULT_OPTIONS, TABS } from '../../views/compare/options';
import type { IViewOptions } from '../types';
import { withLogPanel } from './logpanel';

/** Options of the view, by the name of the trait with the same value. */
type Bindings = Readonly<Record<string, keyof IOptions>>;

/** A comparison of tasks; the tasks and the tab are traits. */
export function makeComparisonView(
  options: IViewOptions
): Promise<JSX.Element> {
  return makeView(options, TABS, 'table', { tab: 'tab' });
}

/** Curves of tasks; the tasks and all options are traits. */
export function makePlotView(options: IViewOptions): Promise<JSX.Element> {
  return makeView(options, ['curves'], 'curves', {
    figures: 'curves',
    x: 'axis',
    smoothing: 'smoothing',
    log_x: 'isLogX',
    log_y: 'isLogY'
  });
}

async function makeView(
  options: IViewOptions,
  tabs: readonly Tab[],
  tab: Tab,
  bindings: Bindings
): Promise<JSX.Element> {
  const { client, ws, trans, own, atEnd, trait } = options;
  const names = trait<readonly string[]>('names');
  const model = own(
    new CompareModel({ client, ws, saved: { names: [...names.get()] } })
  );
  atEnd(
    names.bind(
      model,
      () => model.getSnapshot().names,
      value => model.setNames(value)
    )
  );
  const bound = Object.entries(bindings).map(([name, option]) => ({
    trait: trait(name),
    option
  }));
  const optionsOfTraits = (): Partial<IOptions> => {
    const values = asOptions(
      Object.fromEntries(bound.map(each => [each.option, each.trait.get()]))
    );
    // An empty trait stands for the first curves.
    const curves = values.curves?.length ? values.curves : null;
    return Object.fromEntries(
      bound.map(({ option }) => [option, { ...values, curves }[option]])
    );
  };

  const status = await options.status;

  const Compared = (props: {
    openLog: (task: string) => void;
  }): JSX.Element => {
    const [viewOptions, setViewOptions] = React.useState<IOptions>(() => ({
      ...DEFAULT_OPTIONS,
      tab,
      ...optionsOfTraits()
    }));
    React.useEffect(() => {
      const ends = bound.map(each =>
        each.trait.listen(() =>
          setViewOptions(old => ({ ...old, ...optionsOfTraits() }))
        )
      );
      return () => ends.forEach(end => end());
    }, []);
    return (
      <CompareView
        model={model}
        title={trait<string>('workspace').get()}
        trans={trans}
        tabs={tabs}
        options={viewOptions}
        onOptions={changed => {
          setViewOptions(changed);
          bound.forEach(each => each.trait.set(changed[each.option] ?? []));
        }}
        canExecute={status?.can_execute}
        canWrite={status?.can_write}
        onOpenLog={props.openLog}
      />
    );
  };
  return withLogPanel(options, openLog => <Compared openLog={openLog} />);
}
