/** The kernel behind a widget. */
import type { IChannel } from '../client/comm';
import type { IWidgetModel } from './types';

/**
 * Events of a widget's model that tell that its kernel side is gone; the
 * first one comes when the kernel is restarted or dies.
 */
const ENDS = ['comm_live_update', 'comm:close', 'destroy'];

/** The custom messages of a widget's model as a channel. */
export function widgetChannel(model: IWidgetModel): IChannel {
  return {
    send: content => model.send(content),
    listen: heard => {
      const onMessage = (content: unknown, buffers: DataView[] = []): void =>
        heard(content, buffers.map(asBytes));
      model.on('msg:custom', onMessage);
      return () => model.off('msg:custom', onMessage);
    },
    onGone: heard => {
      ENDS.forEach(event => model.on(event, heard));
      return () => ENDS.forEach(event => model.off(event, heard));
    }
  };
}

function asBytes(view: DataView): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}
