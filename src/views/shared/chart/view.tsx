import * as React from 'react';

import { useTrans } from '../context';
import { useSize } from '../store';
import { CanvasPainter } from './painter';
import type { Chart, IHitResult, IScene } from './scene';
import type { IChartTheme } from './theme';
import { chartTheme, watchTheme } from './theme';
import { directionOf, nextPick } from './keyboardnav';

export interface IChartViewProps {
  chart: Chart;
  /** What it shows, for screen readers. */
  label: string;
  /** In pixels; by default the height of the container. */
  height?: number;
  /** What is highlighted because the pointer is at it elsewhere. */
  focus?: string | null;
  /** What the pointer is at; null when it left. */
  onPick?: (id: string | null) => void;
  /** What was clicked on. */
  onOpen?: (id: string) => void;
  /** A range of the x axis was selected; null: all of it, by a double click. */
  onZoom?: (range: [number, number] | null) => void;
}

/** Pixels that the pointer has to move to select a range. */
const MIN_ZOOM_PX = 6;

/** Milliseconds between the clicks of a double click. */
const DOUBLE_CLICK = 300;

/** Pixels that an arrow key moves the edge of the range. */
const KEY_STEP = 16;

/** A chart on a canvas, with a tooltip for what the pointer is at. */
export function ChartView(props: IChartViewProps): JSX.Element {
  const { chart, focus, onPick, onOpen, onZoom } = props;
  const [box, size] = useSize<HTMLDivElement>();
  const ground = React.useRef<HTMLCanvasElement>(null);
  const above = React.useRef<HTMLCanvasElement>(null);
  const theme = useChartTheme(box);
  const trans = useTrans();
  const help = React.useId();
  const [pick, setPick] = React.useState<IHitResult | null>(null);
  /** Whether arrow keys chose it; a screen reader announces it then. */
  const [byKeys, setByKeys] = React.useState(false);
  const [drag, setDrag] = React.useState<{ from: number; to: number } | null>(
    null
  );
  const { width, height } = size;

  const scene = React.useMemo<IScene | null>(
    () =>
      theme && width > 0 && height > 0 ? chart(width, height, theme) : null,
    [chart, width, height, theme]
  );

  React.useLayoutEffect(() => {
    if (scene && theme) {
      const painter = painterOn(ground.current, width, height, theme);
      if (painter) {
        scene.paint(painter);
      }
    }
    // What was hit may have moved, or be gone.
    setPick(old => (old && scene?.pick?.(old.x, old.y)) ?? null);
  }, [scene, theme, width, height]);

  React.useLayoutEffect(() => {
    if (!theme) {
      return;
    }
    const painter = painterOn(above.current, width, height, theme);
    const id = pick?.id ?? focus;
    if (painter && scene && id && !drag) {
      scene.highlight?.(painter, id, pick);
    }
    if (painter && drag) {
      painter.rect(
        Math.min(drag.from, drag.to),
        0,
        Math.abs(drag.to - drag.from),
        height,
        { fill: theme.accent, alpha: 0.15 }
      );
    }
  }, [scene, theme, width, height, pick, drag, focus]);

  const placeOf = (event: React.MouseEvent) => {
    const rect = event.currentTarget.getBoundingClientRect();
    return { x: event.clientX - rect.left, y: event.clientY - rect.top };
  };
  const choose = (found: IHitResult | null) => {
    if (
      found?.id !== pick?.id ||
      found?.x !== pick?.x ||
      found?.y !== pick?.y
    ) {
      setPick(found);
    }
    if (found?.id !== pick?.id) {
      onPick?.(found?.id ?? null);
    }
  };

  // A click waits until it cannot become a double click any more.
  const opening = React.useRef<ReturnType<typeof setTimeout>>();
  React.useEffect(() => () => clearTimeout(opening.current), []);
  const endDrag = (at: IHitResult | null, isClick: boolean) => {
    if (drag && scene?.invert && Math.abs(drag.to - drag.from) > MIN_ZOOM_PX) {
      const range = [scene.invert(drag.from), scene.invert(drag.to)];
      onZoom?.([Math.min(...range), Math.max(...range)]);
    } else if (at) {
      clearTimeout(opening.current);
      opening.current = setTimeout(
        () => onOpen?.(at.id),
        isClick && onZoom ? DOUBLE_CLICK : 0
      );
    }
    setDrag(null);
  };

  const walk = (event: React.KeyboardEvent) => {
    const direction = directionOf(event.key);
    if (!scene || !direction) {
      return false;
    }
    // The first step comes in from the edge.
    const from = pick ?? {
      x: direction.x < 0 ? width : direction.x > 0 ? 0 : width / 2,
      y: direction.y < 0 ? height : direction.y > 0 ? 0 : height / 2
    };
    if (event.shiftKey && onZoom && scene.invert && direction.x !== 0) {
      const [start, to] = drag ? [drag.from, drag.to] : [from.x, from.x];
      const next = Math.min(width, Math.max(0, to + direction.x * KEY_STEP));
      setDrag({ from: start, to: next });
    } else {
      setDrag(null);
      choose(nextPick(scene, from, direction, width, height) ?? pick);
    }
    return true;
  };
  const onKeyDown = (event: React.KeyboardEvent) => {
    let isOurs = false;
    if (event.ctrlKey || event.altKey || event.metaKey) {
      return;
    }
    if (event.key === 'Enter') {
      isOurs = drag !== null || pick !== null;
      endDrag(pick, false);
    } else if (event.key === 'Escape') {
      isOurs = drag !== null || onZoom !== undefined;
      if (!drag) {
        onZoom?.(null);
      }
      setDrag(null);
    } else {
      isOurs = walk(event);
    }
    if (isOurs) {
      setByKeys(true);
      event.preventDefault();
      event.stopPropagation();
    }
  };

  return (
    <div
      className="pyr-chart"
      ref={box}
      style={props.height === undefined ? undefined : { height: props.height }}
      role="application"
      aria-label={props.label}
      aria-describedby={help}
      tabIndex={0}
      onKeyDown={onKeyDown}
      onBlur={() => {
        if (byKeys) {
          setByKeys(false);
          setDrag(null);
          choose(null);
        }
      }}
      onPointerMove={event => {
        const { x, y } = placeOf(event);
        setByKeys(false);
        if (drag) {
          setDrag({ ...drag, to: x });
        }
        choose(scene?.pick?.(x, y) ?? null);
      }}
      onPointerLeave={() => {
        setDrag(null);
        choose(null);
      }}
      onPointerDown={event => {
        if (event.button === 0) {
          const { x } = placeOf(event);
          setDrag(onZoom && scene?.invert ? { from: x, to: x } : null);
        }
      }}
      onPointerUp={event => {
        // The last move of the pointer may not have been reported yet.
        const { x, y } = placeOf(event);
        endDrag(scene?.pick?.(x, y) ?? null, true);
      }}
      onDoubleClick={() => {
        clearTimeout(opening.current);
        onZoom?.(null);
      }}
    >
      <canvas ref={ground} role="img" aria-label={props.label} />
      <canvas ref={above} aria-hidden="true" />
      <span id={help} className="pyr-visually-hidden">
        {onZoom
          ? trans.__(
              'Use the arrow keys to move through the chart. Hold Shift to select a range, press Enter to zoom in and Escape to reset.'
            )
          : trans.__('Use the arrow keys to move through the chart.')}
      </span>
      <span className="pyr-visually-hidden" role="status">
        {byKeys && pick && describe(pick)}
      </span>
      {pick && !drag && <Tip pick={pick} width={width} height={height} />}
    </div>
  );
}

/** A hit in words, for screen readers. */
function describe({ title, lines }: IHitResult): string {
  return [title, ...lines.map(line => `${line.name} ${line.value}`)].join(', ');
}

/** A tooltip for a hit, on the side where there is room. */
function Tip(props: {
  pick: IHitResult;
  width: number;
  height: number;
}): JSX.Element {
  const { pick, width, height } = props;
  const style: React.CSSProperties =
    pick.x > width / 2 ? { right: width - pick.x + 12 } : { left: pick.x + 12 };
  if (pick.y > height / 2) {
    style.bottom = Math.max(0, height - pick.y);
  } else {
    style.top = pick.y;
  }
  return (
    <div className="pyr-chart-tip" style={style} aria-hidden="true">
      <div className="pyr-faint">{pick.title}</div>
      {pick.lines.map(({ name, value, colour }, index) => (
        <div key={index} className="pyr-line">
          {colour && (
            <span className="pyr-swatch" style={{ background: colour }} />
          )}
          <span className="pyr-fill pyr-cut">{name}</span>
          <span>{value}</span>
        </div>
      ))}
    </div>
  );
}

function painterOn(
  canvas: HTMLCanvasElement | null,
  width: number,
  height: number,
  theme: IChartTheme
): CanvasPainter | null {
  const context = canvas?.getContext('2d');
  if (!canvas || !context) {
    return null;
  }
  const ratio = window.devicePixelRatio || 1;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  return new CanvasPainter(context, theme.font);
}

/** The colours of the page, updated when its theme changes. */
export function useChartTheme(
  place: React.RefObject<HTMLElement>
): IChartTheme | null {
  const [theme, setTheme] = React.useState<IChartTheme | null>(null);
  React.useEffect(() => {
    const look = () => {
      if (place.current) {
        setTheme(chartTheme(place.current));
      }
    };
    look();
    return watchTheme(look);
  }, [place]);
  return theme;
}
