import type { AlertRules, AlertRulesChange, IClient } from '../client/types';
import { AnswerModel } from './answer';

type Client = Pick<IClient, 'getAlertRules' | 'changeAlertRules'>;

/** The alert rules in the settings of a project and of a workspace. */
export class AlertRulesModel extends AnswerModel<AlertRules> {
  constructor(
    private readonly _client: Client,
    private readonly _ws: string
  ) {
    super(signal => _client.getAlertRules(_ws, undefined, signal));
  }

  /**
   * Replace the rules.
   *
   * @throws ClientError if a rule is not valid, or others changed them
   */
  change(rules: Omit<AlertRulesChange, 'expected'>): Promise<AlertRules> {
    const { workspace, project } = this.state.value ?? {};
    const expected = { workspace, project };
    return this.send(() =>
      this._client.changeAlertRules(this._ws, { ...rules, expected })
    );
  }
}
