/** Traits of a widget and a view, kept the same. */
import type { IWidgetModel } from './types';

/**
 * A trait as it is in Python, changed here only when it differs: else the two
 * sides would tell each other the same for ever.
 */
export class Trait<T> {
  constructor(model: IWidgetModel, name: string) {
    this._model = model;
    this._name = name;
  }

  get(): T {
    return this._model.get(this._name) as T;
  }

  set(value: T): void {
    if (JSON.stringify(this.get()) !== JSON.stringify(value)) {
      this._model.set(this._name, value);
      this._model.save_changes();
    }
  }

  /** Hear when the trait changes; returns how to stop that. */
  listen(heard: (value: T) => void): () => void {
    const event = `change:${this._name}`;
    const onChange = (): void => heard(this.get());
    this._model.on(event, onChange);
    return () => this._model.off(event, onChange);
  }

  private readonly _model: IWidgetModel;
  private readonly _name: string;
}
