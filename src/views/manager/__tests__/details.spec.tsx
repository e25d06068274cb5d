import { act, fireEvent, render, screen, within } from '@testing-library/react';
import * as React from 'react';

import { ClientError } from '../../../client/errors';
import type { RunInfo, TaskDetail, TaskPatch } from '../../../client/types';
import { FakeClient, row } from '../../../model/__tests__/fake';
import { TaskDetailModel } from '../../../model/taskdetail';
import { plainTrans, TransContext } from '../../shared/context';
import { Details } from '../details';
import { quoted } from '../../shared/format';
import { commandOf } from '../details/reproduce';
import { rowsOf } from '../../shared/filecontent';

const RUN: RunInfo = {
  index: 1,
  status: 'completed',
  started_at: 1000,
  finished_at: 1090,
  duration: 90,
  exit_code: 0,
  pid: 42,
  records: { acc: 0.9 },
  log_size: 2048,
  source: 'git abc',
  code: null,
  environment: {
    host: 'node7',
    system: 'Debian',
    python: '3.11.7',
    executable: '/venv/bin/python',
    packages: 'hash',
    gpus: ['H100', 'H100'],
    cluster_job: ''
  }
};

const DETAIL: TaskDetail = {
  task: row('one', {
    status: 'completed',
    runs: 1,
    run: 1,
    swept: { lr: 0.1 },
    figures: { acc: 0.9 },
    started_at: 1000,
    finished_at: 1090,
    duration: 90,
    exit_code: 0
  }),
  config: 'lr: 0.1\nopt: adam\n',
  notes: 'was **fast**',
  env: [{ name: 'TOKEN', value: null, secret: true }],
  history: [RUN]
};

async function open(change: Partial<TaskDetail> = {}) {
  const detail = { ...DETAIL, ...change };
  const files: Record<string, string> = {
    'table.csv': 'a,b\n1,"x, y"\n',
    'page.html': '<b>bold</b>',
    'weights.bin': 'a\0b'
  };
  const extra = {
    getTask: jest.fn(async () => detail),
    changeTask: jest.fn(async (ws: string, name: string, patch: TaskPatch) => ({
      ...detail,
      notes: patch.notes ?? detail.notes
    })),
    getTemplate: jest.fn(
      async (ws: string, { task }: { task?: string } = {}) => ({
        text: task ? 'lr: 0.5\nopt: adam\n' : 'lr: 0.01\nopt: adam\n',
        name: 'x'
      })
    ),
    getRunInput: jest.fn(async () => ({
      run: 1,
      captured_at: null,
      kind: 'python',
      config_file: 'config.yaml',
      config: '',
      script: '/home/ann/train.py',
      workdir: '/home/ann/a b',
      shell: null,
      command: ['python', 'train.py', '--lr', '0.1'],
      env: [
        { name: 'SEED', value: '1 2', secret: false },
        { name: 'TOKEN', value: null, secret: true }
      ]
    })),
    listArtifacts: jest.fn(async () => ({
      run: 1,
      cut: false,
      items: Object.entries(files).map(([path, text]) => ({
        path,
        size: text.length,
        modified_at: 1000
      }))
    })),
    readArtifact: jest.fn(
      async (ws: string, task: string, run: number, path: string) =>
        new Blob([files[path]])
    )
  };
  const client = Object.assign(new FakeClient(), extra);
  const model = new TaskDetailModel(client.asClient, 'p/_pyruns_/train');
  const handlers = { onOpenLog: jest.fn(), onClose: jest.fn() };
  render(
    <TransContext.Provider value={plainTrans}>
      <Details model={model} row={detail.task} canWrite {...handlers} />
    </TransContext.Provider>
  );
  act(() => model.show('one', detail.task));
  await act(() => new Promise(resolve => setTimeout(resolve, 120)));
  return { client, model, ...handlers };
}

const tab = async (name: string) => {
  fireEvent.click(screen.getByRole('tab', { name }));
  await act(async () => undefined);
};

beforeAll(() => {
  // jsdom has neither.
  Object.assign(globalThis, {
    Response: class {
      constructor(private readonly _blob: Blob) {}
      arrayBuffer(): Promise<ArrayBuffer> {
        return new Promise(resolve => {
          const reader = new FileReader();
          reader.onload = () => resolve(reader.result as ArrayBuffer);
          reader.readAsArrayBuffer(this._blob);
        });
      }
    }
  });
});

describe('Details', () => {
  it('tells how it went, where, and what it was given', async () => {
    const { model } = await open();
    const panel = screen.getByRole('tabpanel');
    expect(panel).toHaveTextContent(/Duration1:30.*Exit code0.*Hostnode7/);
    expect(panel).toHaveTextContent('GPUs2 × H100');
    expect(panel).toHaveTextContent(/Sweptlr0\.1.*Metricsacc0\.9/);
    expect(panel).toHaveTextContent('TOKEN(secret)');
    expect(panel).toHaveTextContent('was **fast**');
    model.dispose();
  });

  it('shows how a run used the machine, with hints', async () => {
    const { model } = await open({
      history: [
        {
          ...RUN,
          gpu_hours: 2.5,
          system: {
            seconds: 90,
            cpu_percent: 101.4,
            memory_gib_max: 3.25,
            gpu_memory_share: 0.213,
            energy_kwh: 0.75
          },
          hints: ['The data loader may be the limit.']
        }
      ]
    });
    const panel = screen.getByRole('tabpanel');
    expect(panel).toHaveTextContent(/GPU-hours2\.500GPU energy0\.7500 kWh/);
    expect(panel).toHaveTextContent(/GPU memoryup to 21%CPU101%/);
    expect(panel).toHaveTextContent(/Memoryup to 3\.3 GiB/);
    expect(panel).not.toHaveTextContent('GPU utilization');
    expect(panel).toHaveTextContent('The data loader may be the limit.');
    model.dispose();
  });

  it('compares the configuration with the defaults or another task', async () => {
    const { model } = await open();
    await tab('Configuration');
    const line = screen.getByRole('row', { name: /^lr/ });
    expect(line).toHaveAttribute('data-differs', 'true');
    expect(line).toHaveTextContent('lr0.10.01');
    fireEvent.click(screen.getByLabelText('Only differences'));
    expect(screen.queryByRole('row', { name: /^opt/ })).toBeNull();
    model.dispose();
  });

  it('saves notes if nobody else has meanwhile', async () => {
    const { client, model } = await open();
    const press = async (name: string) => {
      fireEvent.click(screen.getByRole('button', { name }));
      await act(async () => undefined);
    };
    await press('Edit');
    const field = screen.getByRole('textbox', { name: 'Notes' });
    fireEvent.change(field, { target: { value: 'slow after all' } });
    client.changeTask.mockRejectedValueOnce(
      new ClientError('The notes were changed meanwhile.', { status: 409 })
    );
    client.getTask.mockResolvedValue({ ...DETAIL, notes: 'theirs' });
    await press('Save');
    expect(screen.getByRole('alert')).toHaveTextContent('now read: “theirs”');
    expect(screen.getByRole('textbox', { name: 'Notes' })).toHaveValue(
      'slow after all'
    );
    await press('Save');
    expect(client.changeTask.mock.lastCall?.[2]).toEqual({
      notes: 'slow after all',
      expected: { notes: 'theirs' }
    });
    expect(screen.getByRole('tabpanel')).toHaveTextContent('slow after all');
    model.dispose();
  });

  it('keeps notes that were not saved while one looks at another task', async () => {
    const { model } = await open();
    fireEvent.click(screen.getByRole('button', { name: 'Edit' }));
    fireEvent.change(screen.getByRole('textbox', { name: 'Notes' }), {
      target: { value: 'half a thought' }
    });
    const look = async (name: string) => {
      act(() => model.show(name, undefined));
      await act(() => new Promise(resolve => setTimeout(resolve, 120)));
    };
    await look('two');
    expect(screen.queryByRole('textbox', { name: 'Notes' })).toBeNull();
    await look('one');
    expect(screen.getByRole('textbox', { name: 'Notes' })).toHaveValue(
      'half a thought'
    );
    fireEvent.click(screen.getByRole('button', { name: 'Cancel' }));
    await look('two');
    await look('one');
    expect(screen.queryByRole('textbox', { name: 'Notes' })).toBeNull();
    model.dispose();
  });

  it('sets and removes variables, without knowing secrets', async () => {
    const { client, model } = await open();
    fireEvent.change(screen.getByLabelText('Variable name'), {
      target: { value: 'SEED' }
    });
    fireEvent.change(screen.getByLabelText('Value'), {
      target: { value: '7' }
    });
    const press = async (name: string) => {
      fireEvent.click(screen.getByRole('button', { name }));
      await act(async () => undefined);
    };
    await press('Set');
    expect(client.changeTask.mock.lastCall?.[2]).toEqual({
      env: { SEED: '7' },
      expected: { env: { SEED: null } }
    });
    expect(screen.getByLabelText('Variable name')).toHaveValue('');
    await press('Remove TOKEN');
    expect(client.changeTask.mock.lastCall?.[2]).toEqual({
      env: { TOKEN: null }
    });
    client.changeTask.mockRejectedValueOnce(
      new ClientError("'A B' is no name of a variable.", { status: 400 })
    );
    fireEvent.change(screen.getByLabelText('Variable name'), {
      target: { value: 'A B' }
    });
    await press('Set');
    expect(screen.getByRole('alert')).toHaveTextContent('no name');
    expect(screen.getByLabelText('Variable name')).toHaveValue('A B');
    model.dispose();
  });

  it('lists runs with all that is known of them', async () => {
    const { model } = await open();
    await tab('Runs');
    expect(screen.getByRole('tabpanel')).toHaveTextContent(
      /Run 1.*Process42Sourcegit abcLog2\.0 KiBacc0\.9/
    );
    model.dispose();
  });

  it('shows tables and pages without running anything in them', async () => {
    const { model } = await open();
    await tab('Files');
    const look = async (name: string) => {
      fireEvent.click(screen.getByRole('button', { name: new RegExp(name) }));
      // What is shown asks for more, each time after it was drawn.
      for (let turn = 0; turn < 4; turn++) {
        await act(() => new Promise(resolve => setTimeout(resolve, 20)));
      }
    };
    await look('table.csv');
    expect(
      within(screen.getByRole('table'))
        .getAllByRole('cell')
        .map(cell => cell.textContent)
    ).toEqual(['1', 'x, y']);
    await look('Back to files');
    await look('page.html');
    const frame = document.querySelector('iframe')!;
    expect(frame).toHaveAttribute('sandbox', '');
    expect(frame.getAttribute('srcdoc')).toMatch(
      /^<meta http-equiv="Content-Security-Policy".*<b>bold/
    );
    await look('Back to files');
    await look('weights.bin');
    expect(screen.getByText(/Binary file/)).toBeInTheDocument();
    model.dispose();
  });

  it('tells how to run it again', async () => {
    const { model } = await open();
    await tab('Reproduce');
    const panel = screen.getByRole('tabpanel');
    expect(panel).toHaveTextContent('cd p jupyter pyruns run one');
    expect(panel).toHaveTextContent(
      "cd '/home/ann/a b' SEED='1 2' python train.py --lr 0.1"
    );
    expect(panel).toHaveTextContent('Secrets are omitted');
    model.dispose();
  });

  it('says what is wrong when it cannot be read', async () => {
    const { client, model } = await open();
    client.getTask.mockRejectedValue(
      new ClientError("There is no task 'two'.", { status: 404 })
    );
    act(() => model.show('two', undefined));
    await act(() => new Promise(resolve => setTimeout(resolve, 120)));
    expect(screen.getByText("There is no task 'two'.")).toBeInTheDocument();
    model.dispose();
  });
});

describe('commands and tables', () => {
  it('quotes words for a shell', () => {
    expect(['a-b_c=1', 'a b', "it's", '', '$x'].map(quoted)).toEqual([
      'a-b_c=1',
      "'a b'",
      "'it'\\''s'",
      "''",
      "'$x'"
    ]);
    expect(
      commandOf({
        run: 1,
        captured_at: null,
        kind: null,
        config_file: null,
        config: null,
        script: null,
        workdir: null,
        shell: null,
        command: ['bash', '-c', 'echo $HOME'],
        env: []
      })
    ).toBe("bash -c 'echo $HOME'");
  });

  it('reads tables as spreadsheets write them', () => {
    expect(rowsOf('a,b\r\n"1 ""x""\n2",\r\n3', ',')).toEqual([
      ['a', 'b'],
      ['1 "x"\n2', ''],
      ['3']
    ]);
    expect(rowsOf('', ',')).toEqual([]);
    expect(rowsOf('x\n'.repeat(1000), ',')).toHaveLength(200);
  });
});
