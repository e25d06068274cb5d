import type { IClient } from '../../client/types';
import { TaskListModel } from '../../model/tasklist';
import { Trait, widgetChannel } from '../widgetmodel';
import { FakeModel } from './model';

describe('a trait', () => {
  it('is the same as a value of a store, in both directions', () => {
    const widget = new FakeModel({ selected: ['a'] });
    const tasks = new TaskListModel({} as IClient, 'ws');
    const end = new Trait<readonly string[]>(widget, 'selected').bind(
      tasks,
      () => [...tasks.getSnapshot().selection],
      names => tasks.select([...names], 'replace')
    );
    tasks.select(['a'], 'replace');
    expect(widget.saved).toBe(0);

    tasks.select(['b'], 'add');
    expect(widget.state.selected).toEqual(['a', 'b']);
    expect(widget.saved).toBe(1);

    widget.state.selected = ['c'];
    widget.emit('change:selected');
    expect([...tasks.getSnapshot().selection]).toEqual(['c']);
    expect(widget.saved).toBe(1);

    end();
    tasks.select([], 'replace');
    expect(widget.state.selected).toEqual(['c']);
    expect(widget.listeners).toEqual([]);
    tasks.dispose();
  });
});

describe('the channel', () => {
  it('hands bytes on as they lie in their buffer', () => {
    const widget = new FakeModel({});
    const heard: unknown[] = [];
    const end = widgetChannel(widget).listen((content, buffers) =>
      heard.push(content, ...buffers)
    );
    const memory = new Uint8Array([9, 1, 2, 9]).buffer;
    widget.emit('msg:custom', { type: 'x' }, [new DataView(memory, 1, 2)]);
    expect(heard).toEqual([{ type: 'x' }, new Uint8Array([1, 2])]);
    end();
    expect(widget.listeners).toEqual([]);
  });

  it('tells when the kernel side is gone', () => {
    const widget = new FakeModel({});
    let gone = 0;
    const end = widgetChannel(widget).onGone(() => gone++);
    widget.emit('comm:close');
    expect(gone).toBe(1);
    end();
    expect(widget.listeners).toEqual([]);
  });
});
