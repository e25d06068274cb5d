import { ReactWidget } from '@jupyterlab/ui-components';
import type { Message } from '@lumino/messaging';
import * as React from 'react';

import { asClientError } from '../client/errors';
import type { ITrans } from '../views/shared/context';
import { TransContext, useTrans } from '../views/shared/context';
import { InFrontContext } from '../views/shared/store';
import { Button, Empty } from '../views/shared/strip';

/** A page that is loaded when it is first shown. */
export class PageWidget extends ReactWidget {
  /**
   * @param trans - the translator
   * @param load - makes the view; its models are disposed with the widget
   */
  constructor(trans: ITrans, load: (page: PageWidget) => Promise<JSX.Element>) {
    super();
    this._trans = trans;
    this._load = load;
    this.addClass('pyr-page');
  }

  /** Dispose a model together with the page. */
  own<T extends { dispose(): void }>(model: T): T {
    if (this.isDisposed) {
      model.dispose();
    } else {
      this._owned.push(model);
    }
    return model;
  }

  /** Load the view anew. */
  reload(): void {
    this._view = null;
    this._turn++;
    this.update();
  }

  override dispose(): void {
    if (this.isDisposed) {
      return;
    }
    super.dispose();
    for (const model of this._owned.splice(0)) {
      model.dispose();
    }
  }

  protected override onAfterShow(msg: Message): void {
    super.onAfterShow(msg);
    this.update();
  }

  protected override onAfterHide(msg: Message): void {
    super.onAfterHide(msg);
    this.update();
  }

  protected override render(): JSX.Element {
    return (
      <TransContext.Provider value={this._trans}>
        <InFrontContext.Provider value={this.isVisible}>
          <Boundary>
            <Loader key={this._turn} load={this._get} />
          </Boundary>
        </InFrontContext.Provider>
      </TransContext.Provider>
    );
  }

  private _get = (anew: boolean): Promise<JSX.Element> => {
    if (!this._view || anew) {
      this._view = this._load(this);
    }
    return this._view;
  };

  private readonly _trans: ITrans;
  private readonly _load: (page: PageWidget) => Promise<JSX.Element>;
  private readonly _owned: { dispose(): void }[] = [];
  private _view: Promise<JSX.Element> | null = null;
  private _turn = 0;
}

/** A view that fails says so, instead of leaving an empty page. */
class Boundary extends React.Component<
  { children: React.ReactNode },
  { problem: string | null }
> {
  static override contextType = TransContext;
  declare context: ITrans;
  override state = { problem: null as string | null };

  static getDerivedStateFromError(error: unknown): { problem: string } {
    return { problem: error instanceof Error ? error.message : String(error) };
  }

  override render(): React.ReactNode {
    const { problem } = this.state;
    if (problem === null) {
      return this.props.children;
    }
    const trans = this.context;
    return (
      <div className="pyr-view" role="alert">
        <Empty icon="warning" title={trans.__('This page has failed')}>
          <p>
            {trans.__('Nothing is lost: tasks and files are as they were.')}
          </p>
          <p>
            <code>{problem}</code>
          </p>
          <Button
            label={trans.__('Show it again')}
            onClick={() => this.setState({ problem: null })}
          />
        </Empty>
      </div>
    );
  }
}

function Loader(props: {
  load: (anew: boolean) => Promise<JSX.Element>;
}): JSX.Element | null {
  const { load } = props;
  const trans = useTrans();
  const [attempt, setAttempt] = React.useState(0);
  const [view, setView] = React.useState<JSX.Element | null>(null);
  const [problem, setProblem] = React.useState('');
  React.useEffect(() => {
    let stale = false;
    load(attempt > 0)
      .then(element => {
        if (!stale) {
          setView(element);
        }
      })
      .catch(error => {
        if (!stale) {
          setProblem(asClientError(error).message);
        }
      });
    return () => {
      stale = true;
    };
  }, [load, attempt]);
  if (view) {
    return view;
  }
  if (!problem) {
    return null;
  }
  return (
    <div className="pyr-view">
      <Empty icon="warning" title={trans.__('This page cannot be shown')}>
        <p>{problem}</p>
        <Button
          label={trans.__('Try again')}
          onClick={() => {
            setProblem('');
            setAttempt(attempt + 1);
          }}
        />
      </Empty>
    </div>
  );
}
