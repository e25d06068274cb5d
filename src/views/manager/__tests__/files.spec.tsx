import { act, fireEvent, render, screen } from '@testing-library/react';
import * as React from 'react';

import type { IClient, TaskDetail } from '../../../client/types';
import { row } from '../../../model/__tests__/fake';
import { TaskDetailModel } from '../../../model/taskdetail';
import { Files } from '../details/files';

interface IListing {
  items: { path: string; size: number; modified_at: number }[];
  cut: boolean;
}

function listing(...paths: string[]): IListing {
  return {
    items: paths.map(path => ({ path, size: 1, modified_at: 0 })),
    cut: false
  };
}

let model: TaskDetailModel;
afterEach(() => model.dispose());

/** The files of a task with two runs, whose requests the test answers. */
function show() {
  const asked: {
    run: number;
    resolve: (value: IListing) => void;
    reject: (error: Error) => void;
  }[] = [];
  const client = {
    listArtifacts: (ws: string, task: string, run: number) =>
      new Promise<IListing>((resolve, reject) =>
        asked.push({ run, resolve, reject })
      )
  } as unknown as IClient;
  const detail = { task: row('a'), history: [{}, {}] } as TaskDetail;
  model = new TaskDetailModel(client, 'ws');
  model.show('a', detail.task);
  render(<Files model={model} detail={detail} />);
  return asked;
}

const file = (path: string) => screen.queryByTitle(path);
const again = () => screen.getByRole('button', { name: 'Refresh' });

describe('Files', () => {
  it('keeps the list while it is requested again', async () => {
    const asked = show();
    await act(async () => asked[0].resolve(listing('model.pt')));
    expect(file('model.pt')).toBeInTheDocument();
    fireEvent.click(again());
    expect(asked.map(({ run }) => run)).toEqual([2, 2]);
    expect(file('model.pt')).toBeInTheDocument();
    await act(async () => asked[1].resolve(listing('model.pt', 'new.pt')));
    expect(file('new.pt')).toBeInTheDocument();

    fireEvent.click(again());
    await act(async () => asked[2].reject(new Error('The disk is gone.')));
    expect(screen.getByText('The disk is gone.')).toBeInTheDocument();
    expect(file('new.pt')).toBeInTheDocument();
  });

  it('never shows the files of one run as those of another', async () => {
    const asked = show();
    await act(async () => asked[0].resolve(listing('second.pt')));
    fireEvent.change(screen.getByRole('combobox'), { target: { value: '1' } });
    expect(file('second.pt')).toBeNull();
    fireEvent.change(screen.getByRole('combobox'), { target: { value: '2' } });
    expect(asked.map(({ run }) => run)).toEqual([2, 1, 2]);
    await act(async () => asked[2].resolve(listing('second.pt')));
    await act(async () => asked[1].resolve(listing('first.pt')));
    expect(file('first.pt')).toBeNull();
    expect(file('second.pt')).toBeInTheDocument();
  });
});
