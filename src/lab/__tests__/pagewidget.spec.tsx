import { act, fireEvent, screen } from '@testing-library/react';
import { MessageLoop } from '@lumino/messaging';
import { Widget } from '@lumino/widgets';
import * as React from 'react';

import { Store } from '../../model/store';
import { plainTrans } from '../../views/shared/context';
import {
  InFrontContext,
  useNow,
  useStoreWhile
} from '../../views/shared/store';
import { PageWidget } from '../pagewidget';
import { rendered } from './rendered';

class Counter extends Store<{ count: number }> {
  constructor() {
    super({ count: 0 });
  }

  add(): void {
    this.update({ count: this.state.count + 1 });
  }
}

async function show(view: JSX.Element): Promise<PageWidget> {
  const page = new PageWidget(plainTrans, async () => view);
  await rendered(() => Widget.attach(page, document.body));
  return page;
}

describe('PageWidget', () => {
  it('says that a view has failed, and shows it again when asked to', async () => {
    let broken = true;
    const text = 'all well';
    const View = () => {
      if (broken) {
        throw new Error('no such figure');
      }
      return <p>{text}</p>;
    };
    const told = jest.spyOn(console, 'error').mockImplementation();
    const page = await show(<View />);
    expect(screen.getByRole('alert')).toHaveTextContent('no such figure');
    broken = false;
    fireEvent.click(screen.getByRole('button', { name: 'Retry' }));
    await rendered();
    expect(screen.getByText(text)).toBeInTheDocument();
    told.mockRestore();
    await rendered(() => page.dispose());
  });

  it('loads the view once it is attached, before it is rendered', async () => {
    const load = jest.fn(async () => <p />);
    const page = new PageWidget(plainTrans, load);
    expect(load).not.toHaveBeenCalled();
    await rendered(() => {
      Widget.attach(page, document.body);
      expect(load).toHaveBeenCalledTimes(1);
    });
    await rendered(() => page.update());
    expect(load).toHaveBeenCalledTimes(1);
    await rendered(() => page.dispose());
  });

  it('ends the models of a view that cannot be loaded', async () => {
    const model = { dispose: jest.fn() };
    const told = jest.spyOn(console, 'error').mockImplementation();
    const page = new PageWidget(plainTrans, async owner => {
      owner.own(model);
      throw new Error('no such chunk');
    });
    await rendered(() => Widget.attach(page, document.body));
    expect(page.node).toHaveTextContent('no such chunk');
    expect(model.dispose).toHaveBeenCalledTimes(1);
    told.mockRestore();
    await rendered(() => page.dispose());
  });

  it('loads the view anew when it is told to', async () => {
    let turn = 0;
    const page = new PageWidget(plainTrans, async () => (
      <p>{`turn ${++turn}`}</p>
    ));
    await rendered(() => Widget.attach(page, document.body));
    expect(page.node).toHaveTextContent('turn 1');
    await rendered(() => page.reload());
    expect(page.node).toHaveTextContent('turn 2');
    await rendered(() => page.dispose());
  });

  it('lets a view rest while another page is in front', async () => {
    const counter = new Counter();
    const View = () => {
      const { count } = useStoreWhile(
        counter,
        React.useContext(InFrontContext)
      );
      return <p>{`seen ${count}`}</p>;
    };
    const page = await show(<View />);
    act(() => counter.add());
    expect(page.node).toHaveTextContent('seen 1');
    await rendered(() => page.hide());
    act(() => counter.add());
    expect(page.node).toHaveTextContent('seen 1');
    await rendered(() => page.show());
    expect(page.node).toHaveTextContent('seen 2');
    await rendered(() => page.dispose());
  });

  it('stops clocks while another page is in front', async () => {
    jest.useFakeTimers();
    const advance = (time: number) =>
      act(async () => {
        MessageLoop.flush();
        await jest.advanceTimersByTimeAsync(time);
      });
    const View = () => <p>{`now ${useNow(true)}`}</p>;
    const page = new PageWidget(plainTrans, async () => <View />);
    await rendered(() => Widget.attach(page, document.body));
    await advance(10);
    const texts: (string | null)[] = [];
    const tick = async () => {
      await advance(3000);
      texts.push(page.node.textContent);
    };
    await tick();
    await tick();
    expect(texts[1]).not.toBe(texts[0]);
    page.hide();
    await advance(10);
    await tick();
    await tick();
    expect(texts[3]).toBe(texts[2]);
    page.show();
    await advance(10);
    expect(page.node.textContent).not.toBe(texts[3]);
    await tick();
    await tick();
    expect(texts[5]).not.toBe(texts[4]);
    await rendered(() => page.dispose());
    jest.useRealTimers();
  });
});
