import { ReactWidget } from '@jupyterlab/ui-components';
import type { Message } from '@lumino/messaging';
import * as React from 'react';

import { asClientError } from '../client/errors';
import type { ITrans } from '../views/shared/context';
import { TransContext } from '../views/shared/context';
import { HostToolbarContext } from '../views/shared/hosttoolbar';
import { InFrontContext } from '../views/shared/store';

/** A widget that renders again when it is shown or hidden. */
export abstract class VisibleWidget extends ReactWidget {
  protected override onAfterShow(msg: Message): void {
    super.onAfterShow(msg);
    this.update();
  }

  protected override onAfterHide(msg: Message): void {
    super.onAfterHide(msg);
    this.update();
  }
}

/** A page that is loaded when it is attached. */
export class PageWidget extends VisibleWidget {
  /**
   * @param trans - the translator
   * @param load - makes the view; its models are disposed with the widget
   */
  constructor(
    private readonly _trans: ITrans,
    private readonly _load: (page: PageWidget) => Promise<JSX.Element>
  ) {
    super();
    this.addClass('pyr-page');
  }

  /** The toolbar above the page; null where the page has its own. */
  toolbar: React.ContextType<typeof HostToolbarContext> = null;

  /** Dispose a model together with the page. */
  own<T extends { dispose(): void }>(model: T): T {
    if (this.isDisposed) {
      model.dispose();
    } else {
      this._owned.push(model);
    }
    return model;
  }

  /** Make the view again. */
  reload(): void {
    this._disposeOwned();
    this._view = null;
    this._turn++;
    this.update();
  }

  override dispose(): void {
    if (!this.isDisposed) {
      super.dispose();
      this._disposeOwned();
    }
  }

  protected override render(): JSX.Element | null {
    const View = (this._view ??= this._makeView());
    return (
      <TransContext.Provider value={this._trans}>
        <InFrontContext.Provider value={this.isVisible}>
          <HostToolbarContext.Provider value={this.toolbar}>
            <Boundary key={this._turn} onRetry={() => this.reload()}>
              <React.Suspense fallback={null}>
                <View />
              </React.Suspense>
            </Boundary>
          </HostToolbarContext.Provider>
        </InFrontContext.Provider>
      </TransContext.Provider>
    );
  }

  private _makeView() {
    // At once: React renders only after Lab has laid out the page.
    const loaded = this._load(this).then(element => ({
      default: () => element
    }));
    // React reports a failure as soon as it renders.
    loaded.catch(() => this._disposeOwned());
    return React.lazy(() => loaded);
  }

  private _disposeOwned(): void {
    for (const model of this._owned.splice(0)) {
      model.dispose();
    }
  }

  private readonly _owned: { dispose(): void }[] = [];
  private _view: ReturnType<PageWidget['_makeView']> | null = null;
  private _turn = 0;
}

interface IBoundaryProps {
  readonly children: React.ReactNode;
  readonly onRetry: () => void;
}

/** Shows the error of a view that cannot be loaded or rendered, with nothing that has to be loaded. */
class Boundary extends React.Component<
  IBoundaryProps,
  { problem: string | null }
> {
  static override contextType = TransContext;
  declare context: ITrans;
  override state = { problem: null as string | null };

  static getDerivedStateFromError(error: unknown): { problem: string } {
    return { problem: asClientError(error).message };
  }

  override render(): React.ReactNode {
    const { problem } = this.state;
    if (problem === null) {
      return this.props.children;
    }
    const trans = this.context;
    return (
      <div className="pyr-view" role="alert">
        <div className="pyr-column pyr-empty">
          <div className="pyr-empty-title">
            {trans.__('Couldn’t show this page')}
          </div>
          <p>{problem}</p>
          <p>{trans.__('Your tasks and files are not affected.')}</p>
          <button
            type="button"
            className="pyr-button"
            onClick={this.props.onRetry}
          >
            {trans.__('Retry')}
          </button>
        </div>
      </div>
    );
  }
}
