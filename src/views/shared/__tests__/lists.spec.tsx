import { act, fireEvent, render, screen } from '@testing-library/react';
import * as React from 'react';

import type { TaskRow } from '../../../client/types';
import { row } from '../../../model/__tests__/fake';
import { useListSelection } from '../selection';
import { Tabs } from '../tabs';
import { splitName, TaskLines } from '../tasklines';

const VIEWS = 'Views';
const ACTIVE = 'Active';
const RECENT = 'Recent';
const NAN = 'loss is nan';
const NAMES = ['a', 'b', 'c', 'd', 'e'];

function List({ across }: { across?: number }) {
  const [selection, setSelection] = React.useState<ReadonlySet<string>>(
    new Set()
  );
  const list = useListSelection({
    count: NAMES.length,
    across,
    selection,
    nameAt: index => NAMES[index],
    select: (names, mode) =>
      setSelection(old => {
        const others = [...old].filter(name => !names.includes(name));
        return new Set(
          mode === 'replace'
            ? names
            : mode === 'add'
              ? [...others, ...names]
              : others
        );
      }),
    page: () => 2
  });
  return (
    <div role="listbox" tabIndex={0} onKeyDown={list.keyDown}>
      {NAMES.map((name, index) => (
        <div
          key={name}
          role="option"
          aria-selected={selection.has(name)}
          onClick={event => list.click(event, index)}
        >
          {name}
          <input
            type="checkbox"
            aria-label={name}
            readOnly
            onClick={event => {
              event.stopPropagation();
              list.click(event, index, true);
            }}
          />
        </div>
      ))}
    </div>
  );
}

describe('a list of which some can be selected', () => {
  const selected = () =>
    screen
      .queryAllByRole('option', { selected: true })
      .map(option => option.textContent)
      .join('');
  const click = (name: string, keys = {}) =>
    fireEvent.click(screen.getByText(name), keys);
  const press = (key: string, keys = {}) =>
    fireEvent.keyDown(screen.getByRole('listbox'), { key, ...keys });

  it('selects by clicks', () => {
    render(<List />);
    click('b');
    click('d', { shiftKey: true });
    expect(selected()).toBe('bcd');
    click('c', { ctrlKey: true });
    expect(selected()).toBe('bd');
    click('e', { shiftKey: true, ctrlKey: true });
    expect(selected()).toBe('bcde');
    fireEvent.click(screen.getByLabelText('b'));
    expect(selected()).toBe('cde');
    fireEvent.click(screen.getByLabelText('d'), { shiftKey: true });
    expect(selected()).toBe('e');
    click('a');
    expect(selected()).toBe('a');
  });

  it('selects by keys', () => {
    render(<List />);
    press('Home');
    press(' ');
    expect(selected()).toBe('a');
    press('PageDown', { shiftKey: true });
    expect(selected()).toBe('abc');
    press('ArrowUp', { shiftKey: true });
    expect(selected()).toBe('ab');
    press('End');
    press('ArrowDown');
    press(' ');
    expect(selected()).toBe('abe');
    press('Escape');
    expect(selected()).toBe('');
    expect(press('x')).toBe(true);
    expect(press('Home')).toBe(false);
  });
});

describe('a list with several entries in a line', () => {
  it('moves to all sides, and stays at its edges', () => {
    render(<List across={2} />);
    const list = screen.getByRole('listbox');
    const goes = (...keys: string[]) => {
      keys.forEach(key => fireEvent.keyDown(list, { key }));
      fireEvent.keyDown(list, { key: ' ' });
      const [option] = screen.getAllByRole('option', { selected: true });
      fireEvent.keyDown(list, { key: 'Escape' });
      return option.textContent;
    };
    expect(goes('Home', 'ArrowRight')).toBe('b');
    expect(goes('ArrowUp')).toBe('b');
    expect(goes('ArrowDown')).toBe('d');
    expect(goes('ArrowLeft')).toBe('c');
    expect(goes('ArrowUp')).toBe('a');
    expect(goes('ArrowRight', 'ArrowDown', 'ArrowDown')).toBe('e');
    expect(goes('ArrowDown')).toBe('e');
  });
});

describe('Tabs', () => {
  it('are chosen by arrow keys, Home and End', () => {
    const Example = () => {
      const [value, setValue] = React.useState('one');
      const tabs = ['one', 'two', 'three'].map(id => ({ id, label: id }));
      return (
        <Tabs
          label={VIEWS}
          panel="panel"
          {...{ tabs, value }}
          onChange={setValue}
        />
      );
    };
    render(<Example />);
    const press = (key: string) =>
      fireEvent.keyDown(screen.getByRole('tab', { selected: true }), { key });
    const chosen = () => {
      const tab = screen.getByRole('tab', { selected: true });
      expect(screen.getAllByRole('tab').map(each => each.tabIndex)).toEqual(
        screen.getAllByRole('tab').map(each => (each === tab ? 0 : -1))
      );
      return tab.textContent;
    };
    press('ArrowLeft');
    expect(chosen()).toBe('three');
    expect(document.activeElement).toHaveTextContent('three');
    press('ArrowRight');
    expect(chosen()).toBe('one');
    press('End');
    expect(chosen()).toBe('three');
    press('Home');
    expect(chosen()).toBe('one');
  });
});

describe('lines of tasks', () => {
  it('are one stop of Tab, and opened beside with Ctrl', () => {
    const onOpen = jest.fn();
    render(
      <TaskLines
        lists={[
          { title: ACTIVE, tasks: [row('a', { status: 'running' })] },
          { title: RECENT, tasks: [row('b'), row('c')], note: 'and 2 more' }
        ]}
        line={task => ({
          time: '1 s',
          progress: task.name === 'a' ? 0.4 : null
        })}
        onOpen={(task, event) => onOpen(task.name, event.ctrlKey)}
      />
    );
    const line = (name: string) =>
      screen.getByRole('button', { name: new RegExp(`${name} ?1 s`) });
    const stops = () =>
      ['a', 'b', 'c'].filter(name => line(name).tabIndex === 0);
    expect(stops()).toEqual(['a']);
    expect(screen.getByRole('progressbar')).toHaveAttribute(
      'aria-valuenow',
      '40'
    );
    expect(screen.getByText('and 2 more')).toBeInTheDocument();
    act(() => line('a').focus());
    fireEvent.keyDown(line('a'), { key: 'ArrowDown' });
    expect(line('b')).toHaveFocus();
    expect(stops()).toEqual(['b']);
    fireEvent.keyDown(line('b'), { key: 'End' });
    fireEvent.keyDown(line('c'), { key: 'ArrowDown' });
    expect(line('c')).toHaveFocus();
    fireEvent.keyDown(line('c'), { key: 'Enter', ctrlKey: true });
    expect(onOpen).toHaveBeenLastCalledWith('c', true);
    fireEvent.click(line('b'));
    expect(onOpen).toHaveBeenLastCalledWith('b', false);
  });

  it('has a bell with the number of alerts', () => {
    const alert = { time: 1, level: 'error', title: NAN, text: '' };
    const tasks = [
      row('a', { alert: { ...alert, number: 3 } as TaskRow['alert'] }),
      row('b')
    ];
    render(
      <TaskLines
        lists={[{ tasks }]}
        line={() => ({ time: '1 s' })}
        onOpen={jest.fn()}
      />
    );
    const bell = screen.getByRole('img', {
      name: 'Alert (error): loss is nan (3 alerts)'
    });
    expect(bell).toHaveTextContent('3');
    expect(bell.closest('button')).toHaveAttribute('data-task', 'a');
  });
});

describe('the name of a task', () => {
  it.each([
    ['net_01_lr=0.1,opt=adam', { opt: 'adam', 'model.lr': 0.1 }, 'net_01'],
    ['net_lr', { lr: 0.1 }, 'net_lr'],
    ['lr=0.1', { lr: 0.1 }, 'lr=0.1']
  ])('%s is split before swept values', (name, swept, start) => {
    expect(splitName(row(name, { swept }))).toEqual({
      text: start,
      values: name.slice(start.length)
    });
  });
});
