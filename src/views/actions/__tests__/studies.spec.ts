import { detail, study } from '../../../model/__tests__/searches';
import type { IStudiesOptions } from '../../../model/studies';
import { StudiesModel } from '../../../model/studies';
import { plainTrans } from '../../shared/context';
import type { IActionContext } from '../action';
import { STUDY_ACTIONS } from '../studies';

/** A page of a workspace with studies, the newest first. */
function page(names: readonly string[], chosen = '') {
  const client = {
    listStudies: jest.fn(async () => ({
      items: names.map(name => study(name)),
      damaged: []
    })),
    getStudy: async (ws: string, name: string) => detail([], { name }),
    changeStudy: jest.fn(async () => undefined)
  };
  const studies = new StudiesModel({
    client: client as unknown as IStudiesOptions['client'],
    ws: 'ws',
    chosen
  });
  const confirm = jest.fn(async () => true);
  const context: Partial<IActionContext> = {
    workspace: 'ws',
    trans: plainTrans,
    studies,
    confirm
  };
  return { client, studies, confirm, context: context as IActionContext };
}

describe('the study that is changed', () => {
  const stop = { action: 'stop', running: false };

  it('is the one that is being loaded, not the newest', async () => {
    const { client, studies, context } = page(['new', 'old'], 'old');
    studies.start();
    const done = await STUDY_ACTIONS['pause-study'].run(context, {});
    expect(done?.study).toBe('old');
    expect(client.changeStudy.mock.calls).toEqual([['ws', 'old', stop]]);
    studies.dispose();
  });

  it('is the newest where none is chosen', async () => {
    const { client, studies, context } = page(['new', 'old']);
    await STUDY_ACTIONS['pause-study'].run(context, {});
    expect(client.changeStudy.mock.calls).toEqual([['ws', 'new', stop]]);
    studies.dispose();
  });

  it('is the one of the question, also if another is shown meanwhile', async () => {
    const { client, studies, confirm, context } = page(['new', 'old'], 'old');
    confirm.mockImplementation(async () => {
      await studies.choose('new');
      return true;
    });
    await STUDY_ACTIONS['cancel-study'].run(context, {});
    expect(client.changeStudy.mock.calls).toEqual([
      ['ws', 'old', { action: 'stop', running: true }]
    ]);
    studies.dispose();
  });
});
