/** Traits and messages of a widget's model. */
import type { IChannel } from '../client/comm';
import type { IStore } from '../model/store';
import type { IWidgetModel } from './types';

/**
 * A trait of the Python object. It is set only to a different value: otherwise
 * both sides would update each other forever.
 */
export class Trait<T> {
  constructor(
    private readonly _model: IWidgetModel,
    private readonly _name: string
  ) {}

  get(): T {
    return this._model.get(this._name) as T;
  }

  set(value: T): void {
    if (!isSame(this.get(), value)) {
      this._model.set(this._name, value);
      this._model.save_changes();
    }
  }

  /** Listen to changes of the trait; returns a function that ends that. */
  listen(onValue: (value: T) => void): () => void {
    const event = `change:${this._name}`;
    const onChange = (): void => onValue(this.get());
    this._model.on(event, onChange);
    return () => this._model.off(event, onChange);
  }

  /**
   * Synchronise the trait with a value of a store.
   *
   * @returns a function that ends that
   */
  bind(
    store: Pick<IStore<unknown>, 'subscribe'>,
    read: () => T,
    write: (value: T) => void
  ): () => void {
    const ends = [
      store.subscribe(() => this.set(read())),
      this.listen(value => {
        if (!isSame(value, read())) {
          write(value);
        }
      })
    ];
    return () => ends.forEach(end => end());
  }
}

function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** Events for the loss of the kernel side; the first one for its restart or end. */
const GONE_EVENTS = ['comm_live_update', 'comm:close', 'destroy'];

/** The custom messages of a widget's model as a channel. */
export function widgetChannel(model: IWidgetModel): IChannel {
  return {
    send: content => model.send(content),
    listen: onMessage => {
      const onCustom = (content: unknown, buffers: DataView[] = []): void =>
        onMessage(content, buffers.map(asBytes));
      model.on('msg:custom', onCustom);
      return () => model.off('msg:custom', onCustom);
    },
    onGone: onGone => {
      GONE_EVENTS.forEach(event => model.on(event, onGone));
      return () => GONE_EVENTS.forEach(event => model.off(event, onGone));
    }
  };
}

function asBytes(view: DataView): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}
