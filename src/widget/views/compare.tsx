import * as React from 'react';

import { CompareModel } from '../../model/compare';
import { StudiesModel } from '../../model/studies';
import { CompareView } from '../../views/compare';
import type { IOptions, Tab } from '../../views/compare/options';
import { DEFAULT_OPTIONS, TABS } from '../../views/compare/options';
import type { IViewOptions } from '../types';
import type { Trait } from '../widgetmodel';
import { withLogPanel } from './logpanel';

/** A trait and the part of how a comparison is looked at that it stands for. */
interface IBound {
  trait: Trait<unknown>;
  of: (options: IOptions) => unknown;
  from: (value: unknown) => Partial<IOptions>;
}

/** Tasks side by side; which tasks, and which tab, are traits. */
export function makeComparisonView(
  options: IViewOptions
): Promise<JSX.Element> {
  return show(options, TABS, 'table', [
    {
      trait: options.trait('tab'),
      of: ({ tab }) => tab,
      from: value => ({ tab: TABS.find(tab => tab === value) ?? 'table' })
    }
  ]);
}

/** Curves of tasks over each other; all about them are traits. */
export function makePlotView(options: IViewOptions): Promise<JSX.Element> {
  const { trait } = options;
  return show(options, ['curves'], 'curves', [
    {
      trait: trait('figures'),
      of: ({ curves }) => curves ?? [],
      from: value => {
        const keys = value as string[];
        return { curves: keys.length > 0 ? keys : null };
      }
    },
    {
      trait: trait('x'),
      of: ({ axis }) => axis,
      from: value => ({ axis: value as string })
    },
    {
      trait: trait('smoothing'),
      of: ({ smoothing }) => smoothing,
      from: value => ({ smoothing: value as number })
    },
    {
      trait: trait('log_x'),
      of: ({ isLogX }) => isLogX,
      from: value => ({ isLogX: value as boolean })
    },
    {
      trait: trait('log_y'),
      of: ({ isLogY }) => isLogY,
      from: value => ({ isLogY: value as boolean })
    }
  ]);
}

function show(
  options: IViewOptions,
  tabs: readonly Tab[],
  tab: Tab,
  bounds: readonly IBound[]
): Promise<JSX.Element> {
  const { client, ws, trans, own, atEnd, trait } = options;
  const names = trait<readonly string[]>('names');
  const studies = tabs.includes('search')
    ? new StudiesModel({ client, ws })
    : undefined;
  const model = own(
    new CompareModel({
      client,
      ws,
      saved: { names: [...names.get()] },
      studies
    })
  );
  atEnd(
    names.bind(
      model,
      () => model.getSnapshot().names,
      value => model.setNames(value)
    )
  );
  const wanted = (): IOptions =>
    bounds.reduce(
      (all, { trait, from }) => ({ ...all, ...from(trait.get()) }),
      {
        ...DEFAULT_OPTIONS,
        tab
      }
    );

  const Compared = (props: {
    openLog: (task: string) => void;
  }): JSX.Element => {
    const [looks, setLooks] = React.useState(wanted);
    React.useEffect(() => {
      const ends = bounds.map(({ trait, from }) =>
        trait.listen(value => setLooks(old => ({ ...old, ...from(value) })))
      );
      return () => ends.forEach(end => end());
    }, []);
    return (
      <CompareView
        model={model}
        title={trait<string>('workspace').get()}
        trans={trans}
        tabs={tabs}
        options={looks}
        onOptions={changed => {
          setLooks(changed);
          bounds.forEach(({ trait, of }) => trait.set(of(changed)));
        }}
        onOpenLog={props.openLog}
      />
    );
  };
  return withLogPanel(options, openLog => <Compared openLog={openLog} />);
}
