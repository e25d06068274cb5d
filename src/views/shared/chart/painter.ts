/** What charts are painted with: on a canvas for the page, as SVG for a file. */

export interface IPen {
  stroke?: string;
  fill?: string;
  /** Width of the stroke in pixels; 1 if left out. */
  width?: number;
  /** From 0 to 1. */
  alpha?: number;
  dash?: readonly number[];
}

export interface IType {
  colour: string;
  /** In pixels. */
  size: number;
  align?: 'start' | 'middle' | 'end';
  baseline?: 'top' | 'middle' | 'bottom';
  weight?: 'normal' | 'bold';
}

/** Coordinates are pixels from the upper left corner. */
export interface IPainter {
  /** A line through `x0, y0, x1, y1, …`; NaN leaves a gap. */
  line(points: ArrayLike<number>, pen: IPen): void;
  rect(x: number, y: number, width: number, height: number, pen: IPen): void;
  circle(x: number, y: number, radius: number, pen: IPen): void;
  text(x: number, y: number, text: string, type: IType): void;
  /** Paint something, clipped to a rectangle. */
  clip(
    x: number,
    y: number,
    width: number,
    height: number,
    paint: () => void
  ): void;
  /** Paint something with another origin. */
  at(x: number, y: number, paint: () => void): void;
}

/** Go through the places of a line; NaN interrupts it. */
function trace(
  points: ArrayLike<number>,
  go: (x: number, y: number, isFirst: boolean) => unknown
): void {
  let isFirst = true;
  for (let index = 0; index + 1 < points.length; index += 2) {
    const [x, y] = [points[index], points[index + 1]];
    const isGap = Number.isNaN(x) || Number.isNaN(y);
    if (!isGap) {
      go(x, y, isFirst);
    }
    isFirst = isGap;
  }
}

/** Paints on a canvas whose context is scaled to pixels of the page. */
export class CanvasPainter implements IPainter {
  constructor(
    private readonly _context: CanvasRenderingContext2D,
    private readonly _font: string
  ) {}

  line(points: ArrayLike<number>, pen: IPen): void {
    const context = this._context;
    this._begin(pen);
    context.lineJoin = 'round';
    trace(points, (x, y, isFirst) =>
      isFirst ? context.moveTo(x, y) : context.lineTo(x, y)
    );
    this._end(pen);
  }

  rect(x: number, y: number, width: number, height: number, pen: IPen): void {
    this._begin(pen);
    this._context.rect(x, y, width, height);
    this._end(pen);
  }

  circle(x: number, y: number, radius: number, pen: IPen): void {
    this._begin(pen);
    this._context.arc(x, y, radius, 0, 2 * Math.PI);
    this._end(pen);
  }

  text(x: number, y: number, text: string, type: IType): void {
    const context = this._context;
    context.save();
    context.font = `${type.weight ?? 'normal'} ${type.size}px ${this._font}`;
    context.fillStyle = type.colour;
    context.textAlign =
      type.align === 'middle' ? 'center' : (type.align ?? 'start');
    context.textBaseline = type.baseline ?? 'bottom';
    context.fillText(text, x, y);
    context.restore();
  }

  clip(
    x: number,
    y: number,
    width: number,
    height: number,
    paint: () => void
  ): void {
    const context = this._context;
    context.save();
    context.beginPath();
    context.rect(x, y, width, height);
    context.clip();
    paint();
    context.restore();
  }

  at(x: number, y: number, paint: () => void): void {
    this._context.save();
    this._context.translate(x, y);
    paint();
    this._context.restore();
  }

  private _begin(pen: IPen): void {
    const context = this._context;
    context.globalAlpha = pen.alpha ?? 1;
    context.lineWidth = pen.width ?? 1;
    context.setLineDash([...(pen.dash ?? [])]);
    context.beginPath();
  }

  private _end(pen: IPen): void {
    const context = this._context;
    if (pen.fill) {
      context.fillStyle = pen.fill;
      context.fill();
    }
    if (pen.stroke) {
      context.strokeStyle = pen.stroke;
      context.stroke();
    }
    context.globalAlpha = 1;
  }
}

const ESCAPES: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;'
};

/** Text escaped for SVG and HTML; characters they do not allow are left out. */
export function escaped(text: string): string {
  return (
    text
      // eslint-disable-next-line no-control-regex
      .replace(/[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/g, '')
      .replace(/[&<>"']/g, character => ESCAPES[character])
  );
}

/** Writes the text of an SVG image. */
export class SvgPainter implements IPainter {
  constructor(
    private readonly _width: number,
    private readonly _height: number,
    private readonly _font: string
  ) {}

  line(points: ArrayLike<number>, pen: IPen): void {
    const parts: string[] = [];
    trace(points, (x, y, isFirst) =>
      parts.push(`${isFirst ? 'M' : 'L'}${round(x)} ${round(y)}`)
    );
    if (parts.length > 0) {
      this._parts.push(
        `<path d="${parts.join('')}" stroke-linejoin="round"${penAttributes(pen)}/>`
      );
    }
  }

  rect(x: number, y: number, width: number, height: number, pen: IPen): void {
    this._parts.push(
      `<rect x="${round(x)}" y="${round(y)}" width="${round(width)}" height="${round(height)}"${penAttributes(pen)}/>`
    );
  }

  circle(x: number, y: number, radius: number, pen: IPen): void {
    this._parts.push(
      `<circle cx="${round(x)}" cy="${round(y)}" r="${round(radius)}"${penAttributes(pen)}/>`
    );
  }

  text(x: number, y: number, text: string, type: IType): void {
    const shift = { top: '0.8em', middle: '0.32em', bottom: '-0.2em' }[
      type.baseline ?? 'bottom'
    ];
    const weight = type.weight === 'bold' ? ' font-weight="bold"' : '';
    this._parts.push(
      `<text x="${round(x)}" y="${round(y)}" dy="${shift}" text-anchor="${type.align ?? 'start'}" font-size="${type.size}" fill="${escaped(type.colour)}"${weight}>${escaped(text)}</text>`
    );
  }

  clip(
    x: number,
    y: number,
    width: number,
    height: number,
    paint: () => void
  ): void {
    // An image of its own cuts off what is outside, and needs no id, which
    // several images in one page would share.
    this._parts.push(
      `<svg x="${round(x)}" y="${round(y)}" width="${round(width)}" height="${round(height)}" viewBox="${round(x)} ${round(y)} ${round(width)} ${round(height)}">`
    );
    paint();
    this._parts.push('</svg>');
  }

  at(x: number, y: number, paint: () => void): void {
    this._parts.push(`<g transform="translate(${round(x)} ${round(y)})">`);
    paint();
    this._parts.push('</g>');
  }

  /** The whole image. */
  get image(): string {
    const [width, height] = [round(this._width), round(this._height)];
    return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="${escaped(this._font)}">${this._parts.join('')}</svg>`;
  }

  private readonly _parts: string[] = [];
}

function penAttributes(pen: IPen): string {
  const dash = pen.dash?.length
    ? ` stroke-dasharray="${pen.dash.join(' ')}"`
    : '';
  const alpha =
    pen.alpha !== undefined && pen.alpha < 1 ? ` opacity="${pen.alpha}"` : '';
  const width =
    pen.stroke && pen.width !== undefined ? ` stroke-width="${pen.width}"` : '';
  const stroke = pen.stroke ? ` stroke="${escaped(pen.stroke)}"` : '';
  return ` fill="${pen.fill ? escaped(pen.fill) : 'none'}"${stroke}${width}${dash}${alpha}`;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
