import * as React from 'react';

import type { LogModel } from '../../model/log';
import type { IHit } from '../../model/logstate';
import type { LogTimesModel } from '../../model/logtimes';
import { useTrans } from '../shared/context';
import { watchTheme } from '../shared/chart/theme';
import { clockTime, fullTime } from '../shared/format';
import { TimeGutter } from './gutter';
import { HitMarks, placesOf } from './hits';
import { TerminalSink } from './sink';
import type { ITerminalParts } from './terminal';
import {
  allText,
  createTerminal,
  fitInto,
  scrollbackOf,
  scrollByKey
} from './terminal';
import { terminalTheme } from './theme';

/** Rows kept for scrolling back. */
const SCROLLBACK = 20_000;

/** Rows before an edge at which what follows is loaded. */
const PRELOAD_ROWS = 60;

export interface ILogTerminalProps {
  log: LogModel;
  scrollback?: number;
  /** Offer the text to screen readers; slower. */
  screenReader?: boolean;
  /** What can be done with it, null before and after its life. */
  onScreen: (screen: TerminalController | null) => void;
  /** Whether the last row is in sight. */
  onFollowing: (following: boolean) => void;
  onLink: (address: string) => void;
  onFailure: (error: Error) => void;
}

/** A terminal that shows the log of the model. */
export function LogTerminal(props: ILogTerminalProps): JSX.Element {
  const trans = useTrans();
  const box = React.useRef<HTMLDivElement>(null);
  const gutter = React.useRef<HTMLDivElement>(null);
  const callbacks = React.useRef(props);
  callbacks.current = props;
  const { log } = props;

  React.useEffect(() => {
    const element = box.current;
    const side = gutter.current;
    if (!element || !side) {
      return;
    }
    let screen: TerminalController | null = null;
    let gone = false;
    createTerminal(element, {
      scrollback: callbacks.current.scrollback ?? SCROLLBACK,
      screenReader: callbacks.current.screenReader ?? false,
      onLink: address => callbacks.current.onLink(address)
    }).then(
      parts => {
        if (gone) {
          parts.terminal.dispose();
        } else {
          screen = new TerminalController(element, side, parts, log, callbacks);
          callbacks.current.onScreen(screen);
        }
      },
      (error: Error) => {
        if (!gone) {
          callbacks.current.onFailure(error);
        }
      }
    );
    return () => {
      gone = true;
      if (screen) {
        callbacks.current.onScreen(null);
        screen.dispose();
      }
    };
  }, [log]);

  return (
    <>
      <div className="pyr-note pyr-log-times" ref={gutter} aria-hidden="true" />
      <div
        className="pyr-screen"
        ref={box}
        role="region"
        aria-label={trans.__('Log output')}
      />
    </>
  );
}

/** Joins terminal, page and model. */
export class TerminalController {
  constructor(
    private readonly _element: HTMLElement,
    side: HTMLElement,
    private readonly _parts: ITerminalParts,
    private readonly _log: LogModel,
    private readonly _callbacks: React.MutableRefObject<ILogTerminalProps>
  ) {
    const { terminal } = _parts;
    const element = _element;
    const { active } = terminal.buffer;
    this._sink = new TerminalSink(
      {
        write: (data, callback) => terminal.write(data, callback),
        reset: () => terminal.reset(),
        mark: () => terminal.registerMarker(0),
        isWrapped: row => active.getLine(row)?.isWrapped ?? false,
        get length() {
          return active.length;
        }
      },
      {
        seen: () => this._seen(),
        isFollowing: () => this._isEndInSight,
        isFull: rows => {
          const { viewportY, baseY } = terminal.buffer.active;
          return baseY + rows - viewportY > this._scrollback;
        },
        onLeave: end => _log.leaveEnd(end),
        top: () => this._sink.lines.offsetOf(active.viewportY),
        onRewrite: () => this._freezeFrame(),
        onRewritten: top => this._removeFrame(top),
        onReveal: hit => this._reveal(hit)
      },
      this._scrollback
    );
    this._marks = new HitMarks(terminal, this._sink.lines);
    this._gutter = new TimeGutter(side, terminal, this._sink.lines);
    this._observer = new ResizeObserver(() => {
      cancelAnimationFrame(this._frame);
      this._frame = requestAnimationFrame(this._fit);
    });
    const stopTheme = watchTheme(() => {
      terminal.options.theme = terminalTheme(element);
    });
    terminal.open(element);
    this._fit();
    this._observer.observe(element);
    element.addEventListener('scroll', this._slide, { passive: true });
    // Keys belong to the page (copy, find, shortcuts); nothing is typed here.
    terminal.attachCustomKeyEventHandler(event => {
      const plain = !(event.ctrlKey || event.metaKey || event.altKey);
      if (plain && event.type === 'keydown') {
        if (scrollByKey(terminal, element, event.key)) {
          event.preventDefault();
        }
      }
      return false;
    });
    const rendered = terminal.onRender(() => this._onRender());
    _log.attach(this._sink);
    this._stop = () => {
      _log.detach(this._sink);
      rendered.dispose();
      stopTheme();
    };
  }

  dispose(): void {
    this._stop();
    this._sink.dispose();
    this._marks.clear();
    this._gutter.clear();
    this._observer.disconnect();
    this._element.removeEventListener('scroll', this._slide);
    cancelAnimationFrame(this._frame);
    this._frozenFrame?.remove();
    this._parts.terminal.dispose();
  }

  follow(): void {
    this._log.goToEnd();
    this._parts.terminal.scrollToBottom();
  }

  setPaused(paused: boolean): void {
    this._sink.paused = paused;
  }

  /** Whether lines continue beyond the edge of the page. */
  setWide(isWide: boolean): void {
    if (isWide !== this._isWide) {
      this._isWide = isWide;
      this._parts.terminal.options.scrollback = this._scrollback;
      this._sink.most = this._scrollback;
      this._element.scrollLeft = 0;
      this._fit();
    }
  }

  /** Show or hide the times when lines were written. */
  setTimes(times: LogTimesModel | null): void {
    this._times = times;
    if (times) {
      this._onRender();
    } else {
      this._gutter.clear();
    }
  }

  /** Mark what was searched for. */
  mark(hits: readonly IHit[], current: number): void {
    this._hits = hits;
    this._current = current;
    this._marks.show(hits, current);
  }

  private _seen(): number {
    const { terminal } = this._parts;
    const { lines } = this._sink;
    const below = terminal.buffer.active.viewportY + terminal.rows;
    return below >= terminal.buffer.active.length
      ? (lines.end ?? 0)
      : (lines.offsetOf(below) ?? 0);
  }

  /** Return the selected text, or everything that can be scrolled to. */
  text(): string {
    const { terminal } = this._parts;
    return terminal.hasSelection()
      ? terminal.getSelection()
      : allText(terminal);
  }

  focus(): void {
    this._parts.terminal.focus();
  }

  private get _isEndInSight(): boolean {
    const { viewportY, baseY } = this._parts.terminal.buffer.active;
    return viewportY >= baseY;
  }

  private get _scrollback(): number {
    const usual = this._callbacks.current.scrollback ?? SCROLLBACK;
    return scrollbackOf(usual, this._isWide);
  }

  private _fit = (): void => {
    const element = this._element;
    // A hidden tab has no size, and a terminal of no columns loses its text.
    if (element.clientWidth > 0 && element.clientHeight > 0) {
      fitInto(element, this._parts, this._isWide);
      this._slide();
    }
  };

  /** The bar for going up and down stays in sight while text is shifted. */
  private _slide = (): void => {
    const { scrollLeft } = this._element;
    this._element.style.setProperty('--pyr-screen-shift', `${scrollLeft}px`);
  };

  private _onRender(): void {
    const { viewportY, baseY } = this._parts.terminal.buffer.active;
    const following = this._isEndInSight;
    if (following !== this._following) {
      this._following = following;
      this._callbacks.current.onFollowing(following);
    }
    if (!this._frozenFrame) {
      this._loadNearEdge(viewportY, baseY);
    }
    const times = this._times;
    if (times) {
      const { task, run, size, isAtEnd } = this._log.getSnapshot();
      const { start, end } = this._sink.lines;
      if (task !== null && run !== null && start !== null && end !== null) {
        // What is on its way to the screen will be asked for, too.
        times.setVisibleRange(
          task,
          run,
          start,
          isAtEnd ? Math.max(end, size) : end
        );
      }
      this._gutter.update(offset => {
        const time = times.timeOf(offset);
        return time === null
          ? { text: '', title: '' }
          : { text: clockTime(time, true), title: fullTime(time) };
      });
    }
  }

  /** Load what comes before or after when it will be in sight soon. */
  private _loadNearEdge(viewportY: number, baseY: number): void {
    const { start, position, isAtEnd } = this._log.getSnapshot();
    // At the end, rows were replaced by fewer ones.
    const isUp = viewportY < this._lastY && viewportY < baseY;
    const isDown = viewportY > this._lastY;
    this._lastY = viewportY;
    if (
      isUp &&
      viewportY < PRELOAD_ROWS &&
      start > 0 &&
      start !== this._tried
    ) {
      this._tried = start;
      this._load(this._log.loadEarlier());
    } else if (isDown && baseY - viewportY < PRELOAD_ROWS && !isAtEnd) {
      if (position !== this._tried) {
        this._tried = position;
        this._load(this._log.loadLater());
      }
    }
  }

  /** Retry a failed load at the next scroll. */
  private _load(loading: Promise<boolean>): void {
    void loading.then(isLoaded => {
      if (!isLoaded) {
        this._tried = -1;
      }
    });
  }

  /** Keep a picture of the screen while its content is rewritten. */
  private _freezeFrame(): void {
    const rows = this._element.querySelector<HTMLElement>('.xterm-screen');
    if (rows && !this._frozenFrame) {
      const still = rows.cloneNode(true) as HTMLElement;
      still.classList.add('pyr-freeze-frame');
      still.setAttribute('aria-hidden', 'true');
      rows.parentElement?.appendChild(still);
      this._frozenFrame = still;
    }
  }

  private _removeFrame(top: number | null): void {
    const { terminal } = this._parts;
    const row = top === null ? null : this._sink.lines.rowOf(top);
    if (row !== null) {
      terminal.scrollToLine(row);
      this._lastY = row;
    }
    this._marks.show(this._hits, this._current);
    const still = this._frozenFrame;
    // What is written shows with the next picture.
    requestAnimationFrame(() =>
      requestAnimationFrame(() => {
        still?.remove();
        if (this._frozenFrame === still) {
          this._frozenFrame = null;
        }
      })
    );
  }

  private _reveal(hit: IHit): void {
    const { terminal } = this._parts;
    const [place] = placesOf(hit, this._sink.lines, terminal);
    if (place) {
      const { viewportY, baseY } = terminal.buffer.active;
      const isInSight =
        place.row >= viewportY + 1 && place.row < viewportY + terminal.rows - 1;
      if (!isInSight) {
        const row = place.row - Math.floor(terminal.rows / 3);
        terminal.scrollToLine(Math.max(0, Math.min(baseY, row)));
      }
      this._lastY = terminal.buffer.active.viewportY;
      this._marks.show(this._hits, this._current);
    }
  }

  private readonly _sink: TerminalSink;
  private readonly _marks: HitMarks;
  private readonly _gutter: TimeGutter;
  private readonly _observer: ResizeObserver;
  private readonly _stop: () => void;
  private _times: LogTimesModel | null = null;
  private _hits: readonly IHit[] = [];
  private _current = -1;
  private _following = true;
  private _isWide = false;
  private _frame = 0;
  private _lastY = 0;
  /** Where loading was tried last; the same place is not tried again. */
  private _tried = -1;
  /** The picture in front of the terminal during a rewrite. */
  private _frozenFrame: HTMLElement | null = null;
}
