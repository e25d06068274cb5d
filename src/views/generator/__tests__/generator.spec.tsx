import { act, fireEvent, render, screen, within } from '@testing-library/react';
import * as React from 'react';

import { ClientError } from '../../../client/errors';
import type {
  Created,
  FieldError,
  Parameter,
  Parameters,
  Preview,
  PreviewRequest
} from '../../../client/types';
import { DraftModel } from '../../../model/draft';
import {
  asRunOptions,
  withEngine,
  withoutEmpty
} from '../../../model/runoptions';
import { LR, Searches } from '../../../model/__tests__/searches';
import { entriesOf } from '../../../model/yamlscan';
import { plainTrans } from '../../shared/context';
import { GeneratorView } from '..';
import {
  errorsByPath,
  filterRows,
  groupsOf,
  pinRows,
  placeholdersOf,
  searchRows
} from '../rows';

const TEXT = [
  'lr: 0.1  # learning rate',
  'opt: adam',
  'fast: false',
  'train:',
  '  epochs: 5',
  ''
].join('\n');

function parameter(
  name: string,
  type: Parameter['type'],
  more: Partial<Parameter> = {}
): Parameter {
  return {
    name,
    type,
    default: null,
    required: false,
    help: '',
    group: '',
    choices: null,
    flags: [],
    ...more
  };
}

const PARAMETERS = [
  parameter('lr', 'float', { help: 'step size' }),
  parameter('opt', 'choice', { choices: ['adam', 'sgd'], default: 'adam' }),
  parameter('fast', 'bool', { default: false }),
  parameter('seed', 'int', { default: 1, group: 'luck' })
];

/** Answers like the server does for values with bars. */
class Server extends Searches {
  requests: PreviewRequest[] = [];
  created: unknown[] = [];
  errors: FieldError[] = [];
  refuse: ClientError | null = null;
  gpus = { count: 0, framework: '' };

  getTemplate = async () => ({ text: TEXT, name: 'train' });
  joinConfigurations = this.getTemplate;
  told: Partial<Parameters> = {};

  getParameters = async (): Promise<Parameters> => ({
    kind: 'argparse',
    parameters: PARAMETERS,
    problems: [],
    error: null,
    default_gpus: this.gpus,
    ...this.told
  });
  override listTasks = async () => {
    throw new Error('not asked here');
  };
  previewSweep = async (ws: string, request: PreviewRequest) => {
    this.requests.push(request);
    const swept = entriesOf(request.text).filter(item =>
      item.text.includes('|')
    );
    const axes = swept.map(item => {
      const values = item.text.split('|').map(value => value.trim());
      return {
        key: item.path,
        kind: 'product' as const,
        count: values.length,
        values,
        line: item.line
      };
    });
    const count = axes.reduce((product, axis) => product * axis.count, 1);
    const answer: Preview = {
      count: this.errors.length ? 0 : count,
      duplicates: 0,
      axes,
      rows: axes.length
        ? axes[0].values.map(value => ({
            name: `train_${axes[0].key}=${value}`,
            values: { [axes[0].key]: value },
            ...(request.commands && { command: `train.py --lr ${value}` })
          }))
        : [
            {
              name: 'train',
              values: {},
              ...(request.commands && { command: 'train.py' })
            }
          ],
      errors: this.errors
    };
    return answer;
  };
  createTasks = async (ws: string, request: unknown): Promise<Created> => {
    if (this.refuse) {
      throw this.refuse;
    }
    this.created.push(request);
    return { names: ['a', 'b', 'c'], queued: true };
  };
}

describe('GeneratorView', () => {
  let server: Server;
  let model: DraftModel;
  const onCreated = jest.fn();
  const onBegun = jest.fn();

  const show = async () => {
    model = new DraftModel({ client: server, ws: 'w', kind: 'script' });
    render(
      <GeneratorView
        model={model}
        trans={plainTrans}
        workspace={{
          id: 'w',
          name: 'train',
          kind: 'script',
          path: 'digits',
          engine: 'local',
          problem: null
        }}
        onCreated={onCreated}
        onBegun={onBegun}
      />
    );
    await wait();
  };
  const wait = () => act(() => jest.advanceTimersByTimeAsync(200));

  beforeEach(() => {
    jest.useFakeTimers();
    onCreated.mockClear();
    server = new Server();
  });

  afterEach(() => {
    model.dispose();
    jest.useRealTimers();
  });

  describe('asking the script', () => {
    const ASKED = {
      asked_at: 1,
      interpreter: 'python',
      library: 'transformers.HfArgumentParser',
      stubbed: [],
      written: [],
      changed: null
    };
    const click = async (name: string) => {
      fireEvent.click(screen.getByRole('button', { name }));
      await wait();
    };

    it('is offered when the source may not show everything', async () => {
      await show();
      expect(screen.queryByText('Ask the script')).toBeNull();
      expect(
        screen.getByRole('button', {
          name: 'Ask the script for its parameters'
        })
      ).toBeEnabled();
    });

    it.each([{ incomplete: true }, { kind: 'command' as const }])(
      'shows what the parser told, and when: %j',
      async told => {
        server.told = told;
        const asked = { ...ASKED, stubbed: ['torch'] };
        server.asksScript = {
          ...server.asksScript,
          problem: null,
          parameters: { ...(await server.getParameters()), ...told, asked }
        };
        await show();
        await click('Ask the script');
        expect(server.askedScript).toEqual([{ stub_missing: false }]);
        expect(
          screen.getByText(/HfArgumentParser.* was asked on .*1970/)
        ).toHaveTextContent('Not installed, so values may be wrong: torch.');
        await click('Ask again');
        expect(server.askedScript).toHaveLength(2);
      }
    );

    it('says what has changed since', async () => {
      server.told = { asked: { ...ASKED, changed: 'conf.py' } };
      await show();
      expect(screen.getByText(/conf.py has changed since/)).toBeVisible();
    });

    it('says why there was no answer, and offers stubs', async () => {
      server.told = { incomplete: true };
      server.asksScript = { ...server.asksScript, missing: 'torch' };
      await show();
      await click('Ask the script');
      expect(screen.getByText('The script ended.')).toBeVisible();
      await click('Ask with stubs for missing modules');
      expect(server.askedScript[1]).toEqual({ stub_missing: true });
      await click('Dismiss');
      expect(screen.getByText('Ask the script')).toBeVisible();
    });

    it('can be cancelled', async () => {
      server.told = { incomplete: true };
      server.askScript = () => new Promise<never>(() => undefined);
      await show();
      await click('Ask the script');
      await click('Cancel');
      expect(screen.getByText('Ask the script')).toBeVisible();
    });

    it.each(['notebook', 'load'] as const)('is not for %s', async kind => {
      server.told = { kind, incomplete: true };
      await show();
      expect(screen.queryByText('Ask the script')).toBeNull();
    });
  });

  it('shows the parameters and how many tasks they make', async () => {
    await show();
    expect(screen.getByText('1 task')).toBeInTheDocument();
    expect(screen.getByLabelText('lr')).toHaveValue('0.1');
    expect(screen.getByText('step size')).toBeInTheDocument();
    expect(screen.getByRole('switch', { name: 'fast' })).not.toBeChecked();

    fireEvent.change(screen.getByLabelText('lr'), {
      target: { value: '0.01 | 0.1 | 1' }
    });
    expect(screen.getByText('1 task')).toBeInTheDocument();
    await wait();
    expect(screen.getByText('3 tasks')).toBeInTheDocument();
    expect(server.requests).toHaveLength(2);
    const table = within(screen.getByRole('region'));
    expect(table.getAllByRole('row')).toHaveLength(4);
    expect(model.getSnapshot().text).toBe(
      TEXT.replace('0.1 ', '0.01 | 0.1 | 1 ')
    );
  });

  it('shows the command of each task', async () => {
    await show();
    fireEvent.click(screen.getByRole('button', { name: 'Show commands' }));
    await wait();
    expect(screen.getByText('train.py')).toBeInTheDocument();
    fireEvent.change(screen.getByLabelText('lr'), {
      target: { value: '0.01 | 0.1' }
    });
    await wait();
    expect(screen.getByText('train.py --lr 0.01')).toBeInTheDocument();
    fireEvent.click(screen.getByRole('button', { name: 'Hide commands' }));
    await wait();
    expect(screen.queryByText('train.py --lr 0.01')).toBeNull();
  });

  describe('the check of command lines', () => {
    const LABEL =
      'Check command lines with the script’s parser before creating';

    it('is off by default, and shows errors at their parameters', async () => {
      await show();
      fireEvent.click(screen.getByRole('button', { name: 'Create' }));
      await wait();
      expect(server.created).toEqual([
        { text: TEXT, name: 'train', run: null }
      ]);

      const box = screen.getByRole('checkbox', { name: LABEL });
      expect(box).not.toBeChecked();
      fireEvent.click(box);
      const message = 'The script rejects the command line of task 1: lr.';
      server.refuse = new ClientError(message, {
        status: 400,
        field: 'lr',
        line: 1
      });
      fireEvent.click(screen.getByRole('button', { name: 'Create' }));
      await wait();
      expect(screen.getByLabelText('lr')).toBeInvalid();
      expect(screen.getAllByText(message)).toHaveLength(2);
      expect(screen.getByRole('button', { name: 'Create' })).toBeDisabled();

      server.refuse = null;
      fireEvent.change(screen.getByLabelText('lr'), { target: { value: '1' } });
      await wait();
      fireEvent.click(screen.getByRole('button', { name: 'Create' }));
      await wait();
      expect(server.created[1]).toMatchObject({ check: true });
    });

    it('can be turned off when the script cannot be asked now', async () => {
      await show();
      fireEvent.click(screen.getByRole('checkbox', { name: LABEL }));
      server.refuse = new ClientError(
        'The command lines could not be checked.',
        {
          status: 400,
          field: 'check'
        }
      );
      fireEvent.click(screen.getByRole('button', { name: 'Create' }));
      await wait();
      expect(
        screen.getByText('The command lines could not be checked.')
      ).toBeVisible();
      fireEvent.click(screen.getByRole('checkbox', { name: LABEL }));
      expect(screen.getByRole('button', { name: 'Create' })).toBeEnabled();
    });

    it.each(['notebook', 'load', 'none', 'command'] as const)(
      'is not for %s',
      async kind => {
        server.told = { kind };
        await show();
        expect(screen.queryByRole('checkbox', { name: LABEL })).toBeNull();
      }
    );
  });

  it.each([0, 1])('says how %d constants are set', async count => {
    server.told = {
      kind: 'command',
      parameters: [parameter('constants.LR', 'float')].slice(0, count)
    };
    await show();
    expect(screen.queryAllByText(/a copy of the script/)).toHaveLength(count);
  });

  it('leaves what is typed as it is typed', async () => {
    await show();
    const field = screen.getByLabelText('lr');
    fireEvent.change(field, { target: { value: '0.1 | ' } });
    expect(field).toHaveValue('0.1 | ');
    fireEvent.change(field, { target: { value: 'a # b' } });
    expect(field).toHaveValue('a # b');
    expect(model.getSnapshot().text).toContain('lr: "a # b"  # learning rate');
  });

  it('keeps form and YAML the same document', async () => {
    await show();
    fireEvent.change(screen.getByLabelText('epochs'), {
      target: { value: '7' }
    });
    fireEvent.click(screen.getByRole('tab', { name: 'YAML' }));
    const editor = screen.getByLabelText('Configuration');
    expect(editor).toHaveValue(TEXT.replace('epochs: 5', 'epochs: 7'));
    fireEvent.change(editor, { target: { value: 'lr: 3\nnew: x\n' } });
    fireEvent.click(screen.getByRole('tab', { name: 'Form' }));
    expect(screen.getByLabelText('lr')).toHaveValue('3');
    expect(screen.getByLabelText('new')).toHaveValue('x');
  });

  it('turns switches, picks choices and resets', async () => {
    await show();
    fireEvent.click(screen.getByRole('switch', { name: 'fast' }));
    expect(model.getSnapshot().text).toContain('fast: true');
    fireEvent.click(screen.getByText('sweep both'));
    expect(screen.getByLabelText('fast')).toHaveValue('true | false');

    fireEvent.click(screen.getByRole('button', { name: 'Values of opt' }));
    fireEvent.click(screen.getByRole('checkbox', { name: 'Sweep sgd' }));
    expect(screen.getByLabelText('opt')).toHaveValue('adam | sgd');
    await wait();
    expect(screen.getByText('4 tasks')).toBeInTheDocument();

    fireEvent.click(
      screen.getByRole('button', { name: 'Reset to the default: adam' })
    );
    expect(screen.getByLabelText('opt')).toHaveValue('adam');
  });

  it('shows mistakes beside their field and disables the buttons', async () => {
    server.errors = [
      {
        code: 'invalid',
        message: 'lr must be a number, not “x”.',
        field: 'lr',
        line: 1,
        column: 5
      },
      { code: 'invalid', message: 'No slash in a name.', field: 'name' }
    ];
    await show();
    expect(screen.getByLabelText('lr')).toHaveAccessibleDescription(
      /lr must be a number/
    );
    expect(screen.getByLabelText('Name')).toHaveAccessibleDescription(
      'No slash in a name.'
    );
    expect(screen.getByRole('button', { name: 'Create' })).toBeDisabled();
    expect(
      screen.getByRole('button', { name: 'Create and run' })
    ).toBeDisabled();
    expect(screen.getByText('Fix 2 errors to continue')).toBeInTheDocument();
    fireEvent.click(screen.getByTitle('Go to error'));
    expect(screen.getByLabelText('lr')).toHaveFocus();
  });

  it.each([
    [0, '', 'any'],
    [1, 'torch', '1 (imports torch)'],
    [2, '', '2']
  ])('says how many GPUs tasks get: %d %s', async (count, framework, shown) => {
    server.gpus = { count, framework };
    await show();
    expect(screen.getByLabelText('GPUs per task')).toHaveAttribute(
      'placeholder',
      shown
    );
  });

  it('forgets the memory of a GPU where a cluster assigns GPUs', () => {
    const options = withEngine({ jobs: 1, gpu_memory: 4 }, 'slurm');
    expect(withoutEmpty(options)).toEqual({ jobs: 1000, engine: 'slurm' });
  });

  it('offers Dask without what only Slurm has', async () => {
    await show();
    const choose = (value: string) =>
      fireEvent.change(screen.getByLabelText('Run on'), { target: { value } });
    choose('slurm');
    fireEvent.change(screen.getByLabelText('Partition'), {
      target: { value: 'gpu' }
    });
    choose('dask');
    expect(screen.queryByLabelText('Partition')).not.toBeInTheDocument();
    expect(screen.queryByLabelText('GPU memory (GiB)')).not.toBeInTheDocument();
    expect(screen.queryByLabelText('Preempt other tasks')).toBeNull();
    fireEvent.change(screen.getByLabelText('Memory per task'), {
      target: { value: '16G' }
    });
    const run = { jobs: 1000, engine: 'dask', memory: '16G' };
    expect(withoutEmpty(model.getSnapshot().run)).toEqual(run);
    expect(asRunOptions(run, 1)).toEqual(run);
  });

  it('runs tasks in a cluster, with what they ask of it', async () => {
    await show();
    expect(screen.queryByLabelText('Partition')).not.toBeInTheDocument();
    fireEvent.change(screen.getByLabelText('Run on'), {
      target: { value: 'slurm' }
    });
    expect(screen.getByLabelText('Parallel tasks')).toHaveValue(1000);
    expect(screen.queryByLabelText('GPU memory (GiB)')).not.toBeInTheDocument();
    fireEvent.change(screen.getByLabelText('Partition'), {
      target: { value: 'gpu' }
    });
    fireEvent.change(screen.getByLabelText('CPUs per task'), {
      target: { value: '4' }
    });
    server.refuse = new ClientError('memory must be an amount.', {
      status: 400,
      field: 'memory'
    });
    fireEvent.click(screen.getByRole('button', { name: 'Create and run' }));
    await wait();
    expect(screen.getByText('memory must be an amount.')).toBeInTheDocument();
    expect(screen.getByLabelText('Memory per task')).toBeInvalid();
    server.refuse = null;
    fireEvent.change(screen.getByLabelText('Memory per task'), {
      target: { value: '16G' }
    });
    fireEvent.click(screen.getByRole('button', { name: 'Create and run' }));
    await wait();
    const cluster = { partition: 'gpu', cpus: 4 };
    expect(server.created).toEqual([
      {
        text: TEXT,
        name: 'train',
        run: { jobs: 1000, engine: 'slurm', cluster, memory: '16G' }
      }
    ]);
    // It is remembered, and forgotten with another choice.
    expect(asRunOptions(model.getSnapshot().run, 1).cluster).toEqual(cluster);
    fireEvent.change(screen.getByLabelText('Run on'), {
      target: { value: '' }
    });
    // Memory means the same on this machine.
    expect(withoutEmpty(model.getSnapshot().run)).toEqual({
      jobs: 1,
      memory: '16G'
    });
    expect(screen.getByLabelText('Memory per task')).toHaveValue('16G');
    const earlier = { cluster: { partition: 'gpu', memory: '8G' } };
    expect(asRunOptions(earlier, 1)).toEqual({
      jobs: 1,
      memory: '8G',
      cluster: { partition: 'gpu' }
    });
  });

  it('requeues, sends a signal and preempts', async () => {
    await show();
    const choose = (label: string, value: string) =>
      fireEvent.change(screen.getByLabelText(label), { target: { value } });
    choose('Requeue', 'true');
    choose('Signal before time limit', 'USR1@2m');
    choose('Preempt other tasks', 'true');
    const run = { jobs: 1, resume: true, signal: 'USR1@2m', preempt: true };
    expect(withoutEmpty(model.getSnapshot().run)).toEqual(run);
    expect(asRunOptions(run, 1)).toEqual(run);
    choose('Requeue', 'false');
    expect(model.getSnapshot().run.resume).toBe(false);
    choose('Requeue', '');
    choose('Preempt other tasks', '');
    expect(withoutEmpty(model.getSnapshot().run)).toEqual({
      jobs: 1,
      signal: 'USR1@2m'
    });
    // Slurm has a preemption of its own.
    choose('Preempt other tasks', 'true');
    choose('Run on', 'slurm');
    expect(model.getSnapshot().run.preempt).toBeNull();
    expect(screen.queryByLabelText('Preempt other tasks')).toBeNull();
  });

  it('creates, runs, and shows what the server refuses', async () => {
    await show();
    fireEvent.change(screen.getByLabelText('Parallel tasks'), {
      target: { value: '2' }
    });
    server.refuse = new ClientError('There is a task “train” already.', {
      status: 409,
      field: 'name'
    });
    fireEvent.click(screen.getByRole('button', { name: 'Create and run' }));
    await wait();
    expect(onCreated).not.toHaveBeenCalled();
    expect(
      screen.getByText('There is a task “train” already.')
    ).toBeInTheDocument();

    server.refuse = null;
    fireEvent.change(screen.getByLabelText('Name'), {
      target: { value: 'other' }
    });
    await wait();
    fireEvent.click(screen.getByRole('button', { name: 'Create and run' }));
    await wait();
    expect(server.created).toEqual([
      { text: TEXT, name: 'other', run: { jobs: 2 } }
    ]);
    expect(onCreated).toHaveBeenCalledWith(['a', 'b', 'c'], true);
  });

  it('runs with GPUs and more, and shows which of it is refused', async () => {
    await show();
    const fill = (label: string, value: string) =>
      fireEvent.change(screen.getByLabelText(label), { target: { value } });
    fill('GPUs per task', '2');
    fireEvent.click(screen.getByText('More options'));
    fill('Priority', '5');
    fill('Time limit', 'soon');
    fill('Retries', '1000');
    server.refuse = new ClientError('A time limit is like 90s or 1h30m.', {
      status: 400,
      field: 'time_limit'
    });
    fireEvent.click(screen.getByRole('button', { name: 'Create and run' }));
    await wait();
    expect(screen.getByText(/A time limit is like/)).toBeInTheDocument();
    expect(screen.getByLabelText('Time limit')).toBeInvalid();
    fill('Time limit', '2h');
    expect(screen.queryByText(/A time limit is like/)).toBeNull();
    fill('Priority', '');
    server.refuse = null;
    fireEvent.click(screen.getByRole('button', { name: 'Create and run' }));
    await wait();
    expect(server.created).toEqual([
      {
        text: TEXT,
        name: 'train',
        run: { jobs: 1, gpus: 2, time_limit: '2h', retries: 100 }
      }
    ]);
  });

  it('keeps what is pinned above the rest, also in the draft', async () => {
    await show();
    const labels = () =>
      [...document.querySelectorAll('.pyr-field-name label')].map(
        each => each.textContent
      );
    expect(labels()[0]).toBe('lr');
    fireEvent.click(
      screen.getByRole('button', { name: 'Pin epochs to the top' })
    );
    expect(screen.getByRole('button', { name: /^Pinned/ })).toBeVisible();
    expect(labels().slice(0, 2)).toEqual(['train.epochs', 'lr']);
    expect(model.getSnapshot().pinned).toEqual(['train.epochs']);
    fireEvent.click(screen.getByRole('button', { name: /^Unpin/ }));
    expect(labels()[0]).toBe('lr');
  });

  it('begins from a file, and back', async () => {
    await show();
    act(() => model.useFile('best.yaml', 'lr: 3\n'));
    await wait();
    expect(screen.getByLabelText('lr')).toHaveValue('3');
    expect(screen.getByText('best.yaml')).toBeInTheDocument();
    fireEvent.click(screen.getByRole('button', { name: 'Undo' }));
    expect(screen.getByLabelText('lr')).toHaveValue('0.1');
  });

  it('adds a parameter that the configuration lacks', async () => {
    await show();
    const seed = screen.getByLabelText('seed');
    expect(seed).toHaveValue('');
    expect(seed).toHaveAttribute('placeholder', '1');
    fireEvent.change(seed, { target: { value: '1:4' } });
    expect(model.getSnapshot().text).toBe(`${TEXT}seed: 1:4\n`);
  });

  it('searches instead of making every combination', async () => {
    server.preview.dimensions = [
      {
        ...LR,
        condition: { key: 'opt', operator: '==', values: ['adam'] },
        alternative: { ...LR, kind: 'choice', values: ['0.1', '0.2'] }
      }
    ];
    await show();
    fireEvent.click(screen.getByRole('radio', { name: 'Adaptive' }));
    await wait();
    expect(screen.getByLabelText('Objective')).toHaveValue('val_loss');
    expect(screen.getByLabelText('Direction')).toHaveValue('minimize');
    expect(screen.getByText('50 trials')).toBeInTheDocument();
    expect(screen.queryByRole('button', { name: 'Create' })).toBeNull();
    const table = screen.getByRole('region', { name: 'Search space' });
    expect(within(table).getByText(/0.00001 … 0.1/)).toHaveTextContent(
      '0.00001 … 0.1 log scale only if opt == adam0.1, 0.2 otherwise'
    );
    expect(document.querySelector('.pyr-chip-interval')).toHaveTextContent(
      'log range'
    );
    fireEvent.change(screen.getByLabelText('Trials'), {
      target: { value: '20' }
    });
    fireEvent.change(screen.getByLabelText('Pruning'), {
      target: { value: 'median' }
    });
    await wait();
    fireEvent.click(screen.getByRole('button', { name: 'Start study' }));
    await wait();
    expect(onBegun).toHaveBeenCalledWith('train');
    expect(server.begun[0]).toMatchObject({ n: 20, prune: 'median' });
    fireEvent.click(screen.getByRole('radio', { name: 'Grid' }));
    await wait();
    expect(screen.getByText('1 task')).toBeInTheDocument();
  });

  it('sets the sampler, the pruner and several objectives', async () => {
    await show();
    fireEvent.click(screen.getByRole('radio', { name: 'Adaptive' }));
    await wait();
    const set = (label: string, value: string) =>
      fireEvent.change(screen.getByLabelText(label), { target: { value } });
    expect(screen.getByLabelText('Random trials')).toHaveAttribute(
      'placeholder',
      '10'
    );
    set('Random trials', '5');
    set('Pruning', 'hyperband');
    set('Steps per run', '30');
    set('Reduction factor', '2');
    set('Constraints', 'latency <= 20\n\n');
    set('Warm start', ' study:old ');
    await wait();
    expect(server.previewed[server.previewed.length - 1]).toMatchObject({
      objective: 'val_loss',
      direction: 'minimize',
      sampler: 'tpe',
      n_startup_trials: 5,
      prune: 'hyperband',
      max_resource: 30,
      min_resource: null,
      reduction_factor: 2,
      constraints: ['latency <= 20'],
      warm_start: 'study:old'
    });
    set('Sampler', 'qmc');
    expect(screen.queryByLabelText('Random trials')).toBeNull();
    expect(screen.queryByLabelText('Warm start')).toBeNull();
    fireEvent.click(screen.getByRole('button', { name: 'Add objective' }));
    expect(screen.queryByLabelText('Pruning')).toBeNull();
    set('Objective 2', 'epoch');
    await wait();
    const request = server.previewed[server.previewed.length - 1];
    expect(request).toMatchObject({
      objectives: [
        { metric: 'val_loss', direction: 'minimize' },
        { metric: 'epoch', direction: 'minimize' }
      ],
      sampler: 'qmc',
      n_startup_trials: null,
      prune: '',
      max_resource: null,
      warm_start: ''
    });
    expect(request.objective).toBeUndefined();
    fireEvent.click(screen.getByRole('button', { name: 'Remove objective 2' }));
    expect(screen.getByLabelText('Pruning')).toHaveValue('hyperband');
  });

  it('says what a search lacks', async () => {
    await show();
    server.available = false;
    server.preview = {
      dimensions: [],
      size: null,
      errors: [
        {
          code: 'invalid_input',
          message: 'Say which figure.',
          field: 'objective',
          line: null,
          column: null
        }
      ]
    };
    fireEvent.click(screen.getByRole('radio', { name: 'Adaptive' }));
    await wait();
    expect(screen.getByText('No studies yet')).toBeInTheDocument();
    expect(screen.getByText('Say which figure.')).toBeInTheDocument();
    expect(screen.getByLabelText('Objective')).toBeInvalid();
    expect(screen.getByText(/pyruns_jupyter\[optimize\]/)).toBeInTheDocument();
    expect(screen.getByRole('button', { name: 'Start study' })).toBeDisabled();
  });
});

describe('rows', () => {
  it('pins and filters without losing any', () => {
    const groups = groupsOf(entriesOf(TEXT), PARAMETERS);
    const paths = (list: typeof groups) =>
      list.flatMap(group => group.rows.map(row => row.path));
    const pinned = pinRows(groups, ['seed', 'gone', 'opt']);
    expect(paths(pinned)).toEqual([
      'seed',
      'opt',
      'lr',
      'fast',
      'train.epochs'
    ]);
    expect(pinRows(groups, [])).toEqual(groups);
    expect(paths(filterRows(groups, row => row.type === 'bool'))).toEqual([
      'fast'
    ]);
  });

  it('groups by section and by the script’s groups', () => {
    const groups = groupsOf(entriesOf(TEXT), PARAMETERS);
    expect(groups.map(group => [group.name, group.rows.length])).toEqual([
      ['', 3],
      ['train', 1],
      ['luck', 1]
    ]);
    expect(groups[1].rows[0]).toMatchObject({
      path: 'train.epochs',
      type: 'int'
    });
    expect(groups[1].rows[0].label).toBe('epochs');
    expect(searchRows(groups, 'step lr')).toHaveLength(1);
    expect(searchRows(groups, 'nothing such')).toEqual([]);
  });

  it('keeps the groups of a subcommand apart', () => {
    const parameter = (name: string, group: string) => ({
      ...PARAMETERS[0],
      name,
      group
    });
    const text = 'cmd: train\ntrain:\n  lr: 1\n  out: x\neval:\n  out: y\n';
    const groups = groupsOf(entriesOf(text), [
      parameter('cmd', ''),
      parameter('train.lr', 'train: Optimizer'),
      parameter('train.out', 'train'),
      parameter('eval.out', 'eval')
    ]);
    expect(
      groups.map(group => [group.name, group.rows.map(row => row.label)])
    ).toEqual([
      ['', ['cmd']],
      ['train: Optimizer', ['lr']],
      ['train', ['out']],
      ['eval', ['out']]
    ]);
  });

  it('does not say the group again in a dotted key', () => {
    const [group] = groupsOf(entriesOf('model.depth: 18\n'), [
      { ...PARAMETERS[0], name: 'model.depth', group: 'model' }
    ]);
    expect(group).toMatchObject({ name: 'model' });
    expect(group.rows[0].path).toBe('model.depth');
    expect(group.rows[0].label).toBe('depth');
  });

  it('finds what a command line needs', () => {
    expect(placeholdersOf('--lr {lr} {{x}} {out} {lr}')).toEqual(['lr', 'out']);
  });

  it('finds the place of a mistake', () => {
    const entries = entriesOf(TEXT);
    const place = (field: string | null, line: number | null) =>
      [
        ...errorsByPath(
          [{ code: '', message: '', field, line }],
          entries
        ).keys()
      ][0];
    expect(place('train.epochs', null)).toBe('train.epochs');
    expect(place('opt.inner', null)).toBe('opt');
    expect(place('yaml', 5)).toBe('train.epochs');
    expect(place('yaml', null)).toBe('');
    expect(place('name', null)).toBe('@name');
  });
});
