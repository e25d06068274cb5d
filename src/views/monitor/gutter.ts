import type { Terminal } from '@xterm/xterm';

import type { LineMap } from './linemap';

/** Times next to the rows of a terminal, where they change. */
export class TimeGutter {
  /**
   * @param element - the column next to the terminal
   * @param terminal - whose rows are labelled
   * @param lines - maps its bytes to rows
   */
  constructor(
    private readonly _element: HTMLElement,
    private readonly _terminal: Terminal,
    private readonly _lines: LineMap
  ) {}

  /**
   * Label the rows in sight.
   *
   * @param textOf - the label for the byte at an offset; empty for none
   */
  update(textOf: (offset: number) => { text: string; title: string }): void {
    const { viewportY, length } = this._terminal.buffer.active;
    const { rows } = this._terminal;
    const height = this._rowHeight();
    let last = '';
    let used = 0;
    for (let at = 0; at < rows; at++) {
      const row = viewportY + at;
      const line = this._terminal.buffer.active.getLine(row);
      if (row < 0 || row >= length || !line || line.isWrapped) {
        continue;
      }
      const offset = this._lines.offsetOf(row);
      const end = this._lines.end;
      if (offset === null || end === null || offset >= end) {
        continue;
      }
      const { text, title } = textOf(offset);
      if (text !== '' && text !== last) {
        const label = this._label(used++);
        label.textContent = text;
        label.title = title;
        label.style.transform = `translateY(${at * height}px)`;
        label.style.lineHeight = `${height}px`;
      }
      last = text || last;
    }
    while (this._labels.length > used) {
      this._labels.pop()?.remove();
    }
  }

  clear(): void {
    this._labels.splice(0).forEach(label => label.remove());
  }

  private _label(index: number): HTMLElement {
    let label = this._labels[index];
    if (!label) {
      label = document.createElement('span');
      label.className = 'pyr-log-time';
      this._element.appendChild(label);
      this._labels.push(label);
    }
    return label;
  }

  private _rowHeight(): number {
    const screen = this._terminal.element?.querySelector('.xterm-screen');
    return (screen?.clientHeight ?? 0) / Math.max(1, this._terminal.rows);
  }

  private readonly _labels: HTMLElement[] = [];
}
