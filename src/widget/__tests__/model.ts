import type { IWidgetModel } from '../types';

type Heard = (...values: never[]) => void;

/** The front end's half of a widget, with a kernel that tests play. */
export class FakeModel implements IWidgetModel {
  constructor(public state: Record<string, unknown>) {}

  sent: { type: string }[] = [];
  saved = 0;

  get(name: string): unknown {
    return this.state[name];
  }

  set(name: string, value: unknown): void {
    this.state[name] = value;
  }

  save_changes(): void {
    this.saved++;
  }

  send(content: object): void {
    this.sent.push(content as { type: string });
  }

  on(event: string, heard: Heard): void {
    this._heard.push({ event, heard });
  }

  off(event: string, heard: Heard): void {
    this._heard = this._heard.filter(
      entry => entry.event !== event || entry.heard !== heard
    );
  }

  emit(event: string, ...values: unknown[]): void {
    for (const entry of [...this._heard]) {
      if (entry.event === event) {
        (entry.heard as (...values: unknown[]) => void)(...values);
      }
    }
  }

  get listeners(): string[] {
    return this._heard.map(entry => entry.event);
  }

  private _heard: { event: string; heard: Heard }[] = [];
}
