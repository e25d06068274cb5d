/** The module with the views of the notebook widgets. */
import '../../style/views.css';
import '../../style/widget.css';

import * as React from 'react';
import { createRoot } from 'react-dom/client';

import { createClient } from '../client/client';
import { CommTransport } from '../client/comm';
import { asClientError, ClientError } from '../client/errors';
import { ServerTransport } from '../client/server';
import { pageTrans } from '../client/trans';
import type { IClient } from '../client/types';
import { type ITrans, TransContext } from '../views/shared/context';
import { Banner } from '../views/shared/banner';
import { pageConnection } from './connection';
import type { IMountOptions, IServerPlace, MakeView } from './types';
import { makeComparisonView, makePlotView } from './views/compare';
import { makeDashboardView, makeGpusView } from './views/dashboard';
import { makeGeneratorView } from './views/generator';
import { makeLogView } from './views/log';
import { makeTableView } from './views/table';
import { Trait, widgetChannel } from './widgetmodel';

const VIEWS: Record<string, MakeView> = {
  comparison: makeComparisonView,
  dashboard: makeDashboardView,
  generator: makeGeneratorView,
  gpus: makeGpusView,
  log: makeLogView,
  manager: makeTableView,
  plot: makePlotView
};

/** Delay before a view without an answer is made again. */
const RETRY_MS = 3000;

/** Show the widget in `el`; returns a function that ends that. */
export function mount({ model, el, server }: IMountOptions): () => void {
  const ends: (() => void)[] = [];
  const channel = server ? null : widgetChannel(model);
  // Before the client is created, whose streams would reconnect.
  const endGone = channel?.onGone(() => {
    isGone = true;
    endAll();
    draw();
  });
  const trans = pageTrans();
  const comm = channel && new CommTransport(channel, undefined, trans);
  const client = comm ? createClient(comm) : serverClient(server!, trans);

  el.classList.add('pyr-widget');
  el.dataset.pyrRoad = server ? 'server' : 'kernel';
  // Keys typed here must not trigger the notebook's one-letter shortcuts.
  el.dataset.lmSuppressShortcuts = 'true';
  const frame = document.createElement('div');
  frame.className = 'pyr-widget-frame';
  el.append(frame);
  const onHeight = (): void => {
    const height = Number(model.get('height'));
    frame.style.setProperty('--pyr-widget-height', `${height}px`);
  };
  onHeight();
  model.on('change:height', onHeight);

  // Ids must differ from those of JupyterLab and other copies of this module.
  const root = createRoot(frame, { identifierPrefix: `pyr-${nextRoot()}-` });
  let view: JSX.Element | null = null;
  let problem = '';
  const draw = (): void =>
    root.render(
      <Frame view={view} problem={problem} trans={trans} isGone={isGone} />
    );
  const endAll = (): void => ends.splice(0).forEach(end => end());
  let retry: ReturnType<typeof setTimeout> | undefined;
  let isGone = false;
  let isOver = false;

  const show = async (): Promise<void> => {
    try {
      view = await VIEWS[String(model.get('view'))]({
        client,
        ws: server ? server.workspace : String(model.get('folder')),
        trans,
        // The requests of the view report the same errors.
        status: client.getStatus().catch(() => null),
        trait: name => new Trait(model, name),
        own: owned => {
          ends.push(() => owned.dispose());
          return owned;
        },
        atEnd: end => void ends.push(end)
      });
      problem = '';
    } catch (error) {
      problem = asClientError(error).message;
      endAll();
      const isUnreachable = error instanceof ClientError && error.isUnreachable;
      if (isUnreachable && !isGone && !isOver) {
        retry = setTimeout(() => void show(), RETRY_MS);
      }
    }
    if (isOver || isGone) {
      endAll();
    }
    if (!isOver) {
      draw();
    }
  };
  void show();

  const unmount = (): void => {
    isOver = true;
    clearTimeout(retry);
    window.removeEventListener('pagehide', onLeave);
    model.off('change:height', onHeight);
    endGone?.();
    root.unmount();
    endAll();
    comm?.dispose();
    frame.remove();
  };
  // Otherwise the kernel would continue to send to a closed page.
  const onLeave = (event: PageTransitionEvent): void => {
    if (!event.persisted) {
      unmount();
    }
  };
  window.addEventListener('pagehide', onLeave);
  return unmount;
}

/** Return one client per server, so that all widgets share its streams. */
function serverClient(server: IServerPlace, trans: ITrans): IClient {
  const known = clients.get(server.baseUrl);
  if (known) {
    return known;
  }
  const client = createClient(
    new ServerTransport(pageConnection(server), trans)
  );
  clients.set(server.baseUrl, client);
  return client;
}

const clients = new Map<string, IClient>();

/** Return a number that is unique among all copies of this module in the page. */
function nextRoot(): number {
  const page = globalThis as { [ROOTS]?: number };
  return (page[ROOTS] = (page[ROOTS] ?? 0) + 1);
}

const ROOTS = Symbol.for('pyruns-jupyter:roots');

function Frame(props: {
  view: JSX.Element | null;
  /** Why there is no view. */
  problem: string;
  trans: ITrans;
  /** Whether the kernel of the widget has stopped. */
  isGone: boolean;
}): JSX.Element {
  return (
    <TransContext.Provider value={props.trans}>
      {props.isGone && props.view && (
        <Banner kind="warning" icon="warning">
          {props.trans.__(
            'The kernel of this widget has stopped, and the widget shows the last data. Tasks keep running. Run the cell again for a live view.'
          )}
        </Banner>
      )}
      <Banner kind="error" icon="warning">
        {props.problem}
      </Banner>
      {props.view}
    </TransContext.Provider>
  );
}
