import { ClientError } from '../../client/errors';
import type { Created, Preview, PreviewRequest } from '../../client/types';
import type { ISavedDraft } from '../draftstate';
import { DraftModel } from '../draft';
import { Searches } from './searches';

const TEXT = 'lr: 0.1  # rate\nlayers: [1]\n';

function preview(count: number): Preview {
  return { count, duplicates: 0, axes: [], rows: [], errors: [] };
}

interface IAsked {
  request: PreviewRequest;
  signal?: AbortSignal;
  answer(value: Preview): void;
  fail(error: Error): void;
}

class Server extends Searches {
  asked: IAsked[] = [];
  created: unknown[] = [];
  refuse: ClientError | null = null;
  names = ['train_1', 'train_2', 'train_3'];

  getTemplate = async (ws: string, { task }: { task?: string } = {}) => ({
    text: task ? `lr: 5 # of ${task}\n` : TEXT,
    name: this.names.shift() ?? 'none'
  });
  joinConfigurations = async (ws: string, { names }: { names: string[] }) => ({
    text: `lr: (${names.join(' | ')})\n`,
    name: 'none'
  });
  getParameters = async () => ({
    kind: 'argparse' as const,
    problems: [],
    error: null,
    parameters: [
      {
        name: 'opt',
        type: 'choice' as const,
        default: 'adam',
        required: false,
        help: '',
        group: '',
        choices: ['adam', 'sgd'],
        flags: ['--opt']
      }
    ]
  });
  previewSweep = (ws: string, request: PreviewRequest, signal?: AbortSignal) =>
    new Promise<Preview>((answer, fail) => {
      this.asked.push({ request, signal, answer, fail });
    });
  createTasks = async (ws: string, request: unknown): Promise<Created> => {
    if (this.refuse) {
      throw this.refuse;
    }
    this.created.push(request);
    return { names: ['train_1'], queued: false };
  };
}

describe('DraftModel', () => {
  let server: Server;
  let saved: ISavedDraft[];
  let draft: DraftModel;

  const make = (options: Partial<DraftModel.IOptions> = {}) =>
    new DraftModel({
      client: server,
      ws: 'w/_pyruns_/train',
      kind: 'script',
      saveDraft: item => saved.push(item),
      ...options
    });
  const settle = () => jest.advanceTimersByTimeAsync(0);

  beforeEach(async () => {
    jest.useFakeTimers();
    server = new Server();
    saved = [];
    draft = make();
    await draft.load();
    await settle();
  });

  afterEach(() => {
    draft.dispose();
    jest.useRealTimers();
  });

  it('starts with the template and its expansion', async () => {
    expect(draft.getSnapshot()).toMatchObject({
      phase: 'ready',
      text: TEXT,
      name: 'train_1'
    });
    expect(server.asked).toHaveLength(1);
    server.asked[0].answer(preview(1));
    await settle();
    expect(draft.getSnapshot()).toMatchObject({
      fresh: true,
      preview: { count: 1 }
    });
    expect(draft.defaultOf('lr')).toBe('0.1');
    expect(draft.defaultOf('opt')).toBe('adam');
  });

  it('edits the text, and the text only where the value is', () => {
    draft.setValue('layers', '[1, 2] | [3]');
    draft.setValue('lr', '1 | 2');
    expect(draft.getSnapshot().text).toBe(
      'lr: 1 | 2  # rate\nlayers: [1, 2] | [3]\n'
    );
    expect(draft.entries.map(entry => entry.text)).toEqual([
      '1 | 2',
      '[1, 2] | [3]'
    ]);
  });

  it('asks once for quick typing and drops answers of older texts', async () => {
    server.asked[0].answer(preview(1));
    await settle();
    draft.setValue('lr', '1');
    draft.setValue('lr', '1 | 2');
    expect(draft.getSnapshot().fresh).toBe(false);
    await jest.advanceTimersByTimeAsync(130);
    expect(server.asked).toHaveLength(2);
    expect(server.asked[1].request.text).toContain('lr: 1 | 2');

    draft.setValue('lr', '1 | 2 | 3');
    expect(server.asked[1].signal!.aborted).toBe(true);
    server.asked[1].answer(preview(2));
    await settle();
    expect(draft.getSnapshot().preview!.count).toBe(1);
    await jest.advanceTimersByTimeAsync(130);
    server.asked[2].answer(preview(3));
    await settle();
    expect(draft.getSnapshot()).toMatchObject({
      fresh: true,
      preview: { count: 3 }
    });
  });

  it('keeps the last expansion and asks again while the server is away', async () => {
    server.asked[0].answer(preview(1));
    await settle();
    draft.setValue('lr', '2');
    await jest.advanceTimersByTimeAsync(130);
    server.asked[1].fail(new ClientError('gone'));
    await settle();
    expect(draft.getSnapshot().previewProblem!.message).toBe('gone');
    expect(draft.getSnapshot().preview!.count).toBe(1);
    await jest.advanceTimersByTimeAsync(2100);
    server.asked[2].answer(preview(1));
    await settle();
    expect(draft.getSnapshot()).toMatchObject({
      fresh: true,
      previewProblem: null
    });
  });

  it('shows a refusal at its field until something is changed', async () => {
    server.refuse = new ClientError('taken', {
      status: 409,
      code: 'conflict',
      field: 'name'
    });
    expect(await draft.create(true)).toBeNull();
    expect(draft.errors).toEqual([
      expect.objectContaining({ field: 'name', message: 'taken' })
    ]);
    draft.setName('other');
    expect(draft.errors).toEqual([]);
  });

  it('creates with the jobs asked for and proposes the next name', async () => {
    draft.setRun({ jobs: 2, gpus: 1, retries: null });
    expect(await draft.create(true)).toEqual({
      names: ['train_1'],
      queued: false
    });
    expect(server.created).toEqual([
      { text: TEXT, name: 'train_1', run: { jobs: 2, gpus: 1 } }
    ]);
    await settle();
    expect(draft.getSnapshot().name).toBe('train_2');
    expect(draft.getSnapshot().text).toBe(TEXT);
  });

  it('takes a task as template and gives back what it replaced', async () => {
    draft.setValue('lr', '7');
    const mine = draft.getSnapshot().text;
    await draft.useTemplate('old');
    expect(draft.getSnapshot()).toMatchObject({
      text: 'lr: 5 # of old\n',
      template: 'old'
    });
    expect(draft.defaultOf('lr')).toBe('0.1');
    draft.undoTemplate();
    expect(draft.getSnapshot()).toMatchObject({ text: mine, template: '' });
  });

  it('takes several tasks as a sweep', async () => {
    await draft.useTemplate('a', 'b');
    expect(draft.getSnapshot()).toMatchObject({
      text: 'lr: (a | b)\n',
      template: '',
      search: null
    });
    expect(draft.defaultOf('lr')).toBe('0.1');
  });

  it('saves the draft after a while and takes it up again', async () => {
    draft.setValue('lr', '7');
    draft.setRun({ jobs: 3 });
    await jest.advanceTimersByTimeAsync(500);
    expect(saved).toEqual([
      {
        text: draft.getSnapshot().text,
        name: 'train_1',
        run: { jobs: 3 },
        template: '',
        search: null,
        pinned: []
      }
    ]);
    draft.setName('mine');
    draft.dispose();
    expect(saved[1].name).toBe('mine');

    draft = make({ loadDraft: async () => saved[1] });
    await draft.load();
    expect(draft.getSnapshot()).toMatchObject({
      name: 'mine',
      run: { jobs: 3 }
    });
    expect(draft.getSnapshot().text).toContain('lr: 7  # rate');
  });

  it('says why it cannot be loaded, and can be asked again', async () => {
    const works = server.getTemplate;
    server.getTemplate = async () => {
      throw new ClientError('train.py, line 3: not closed', { status: 400 });
    };
    draft = make();
    await draft.load();
    expect(draft.getSnapshot()).toMatchObject({
      phase: 'failed',
      problem: { message: 'train.py, line 3: not closed' }
    });
    server.getTemplate = works;
    await draft.load();
    expect(draft.getSnapshot().phase).toBe('ready');
  });

  it('is searched by what tasks report', async () => {
    await draft.beginSearching();
    const { search, canSearch } = draft.getSnapshot();
    expect(canSearch).toBe(true);
    expect(search).toMatchObject({
      objective: 'val_loss',
      direction: 'minimize',
      n: 50,
      prune: ''
    });
    draft.setRun({ jobs: 4, gpus: 1 });
    draft.setSearch({ ...search!, n: 20, prune: 'median' });
    await jest.advanceTimersByTimeAsync(200);
    const { preview, fresh } = draft.getSnapshot();
    expect(fresh).toBe(true);
    expect(preview?.count).toBe(20);
    expect(preview?.axes[0]).toMatchObject({
      key: 'lr',
      span: '0.00001 … 0.1',
      isLog: true
    });
    const began = await draft.begin();
    expect(began?.name).toBe('train_1');
    expect(server.begun).toMatchObject([
      {
        text: TEXT,
        name: 'train_1',
        objective: 'val_loss',
        direction: 'minimize',
        n: 20,
        prune: 'median',
        jobs: 4,
        run: { gpus: 1 }
      }
    ]);
    expect(draft.getSnapshot().name).toBe('train_2');
    await jest.advanceTimersByTimeAsync(500);
    expect(saved[saved.length - 1].search?.n).toBe(20);
    draft.setSearch(null);
    await jest.advanceTimersByTimeAsync(200);
    expect(server.asked[server.asked.length - 1].request.name).toBe('train_2');
  });

  it('asks the script, and follows the new defaults', async () => {
    const parameters = {
      kind: 'argparse' as const,
      parameters: [],
      problems: [],
      error: null,
      asked: {
        asked_at: 1,
        interpreter: 'python',
        library: 'argparse',
        stubbed: [],
        written: [],
        changed: null
      }
    };
    server.asksScript = { ...server.asksScript, problem: null, parameters };
    server.getTemplate = async () => ({ text: 'lr: 0.5\n', name: 'n' });
    const asking = draft.ask();
    expect(draft.getSnapshot().asking).toBe(true);
    await asking;
    expect(server.askedScript).toEqual([{ stub_missing: false }]);
    expect(draft.getSnapshot()).toMatchObject({
      asking: false,
      askProblem: null,
      parameters,
      text: 'lr: 0.5\n',
      defaults: 'lr: 0.5\n'
    });
    draft.setText('lr: 7\n');
    server.getTemplate = async () => ({ text: 'lr: 0.9\n', name: 'n' });
    await draft.ask();
    expect(draft.getSnapshot()).toMatchObject({
      text: 'lr: 7\n',
      defaults: 'lr: 0.9\n'
    });
  });

  it('says why a script told nothing, and can be cancelled', async () => {
    server.asksScript = { ...server.asksScript, missing: 'torch' };
    await draft.ask();
    expect(draft.getSnapshot().askProblem).toEqual({
      message: 'The script ended.',
      missing: 'torch'
    });
    draft.dismissAskProblem();
    expect(draft.getSnapshot().askProblem).toBeNull();
    server.askScript = () => Promise.reject(new Error('offline'));
    await draft.ask(true);
    expect(draft.getSnapshot().askProblem).toMatchObject({ missing: null });
    let signal: AbortSignal | undefined;
    server.askScript = (_: string, __: object, given?: AbortSignal) => {
      signal = given;
      return new Promise<never>(() => undefined);
    };
    void draft.ask();
    draft.cancelAsking();
    expect(signal?.aborted).toBe(true);
    expect(draft.getSnapshot()).toMatchObject({
      asking: false,
      askProblem: null
    });
  });
});
