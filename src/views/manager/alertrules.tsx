/** Edit the alert rules in the settings of the project and the workspace. */
import * as React from 'react';

import { asClientError } from '../../client/errors';
import { AlertRulesModel } from '../../model/alertrules';
import type { TaskListModel } from '../../model/tasklist';
import { Banner } from '../shared/banner';
import { Button, IconButton, TextInput } from '../shared/button';
import { Choice } from '../shared/choice';
import { useTrans } from '../shared/context';
import { FormPopup } from '../shared/formpopup';
import type { PopupPlace } from '../shared/popup';
import { useOwned, useStore } from '../shared/store';

/** Which runs a rule watches: the keys of the answer of the server. */
type Scope = 'workspace' | 'project';

const SCOPES: readonly Scope[] = ['workspace', 'project'];

/** What a rule does apart from the alert. */
type Effect = 'notify' | 'tag' | 'stop';

const EXAMPLE = 'loss is nan';

interface IRule {
  /** Identifies the row. */
  readonly id: number;
  readonly scope: Scope;
  readonly condition: string;
  readonly effect: Effect;
  readonly tag: string;
}

export function AlertRulesPopup({
  model,
  ...popup
}: PopupPlace & { model: TaskListModel }): JSX.Element {
  const { client, ws } = model;
  const trans = useTrans();
  const stored = useOwned(() => new AlertRulesModel(client, ws), [client, ws]);
  const { value: known, error: failure } = useStore(stored);
  const [rules, setRules] = React.useState<readonly IRule[]>([]);
  /** Errors by the id of a rule; 0 for the whole. */
  const [errors, setErrors] = React.useState<ReadonlyMap<number, string>>(
    new Map()
  );
  const [isBusy, setBusy] = React.useState(false);
  const [isOutdated, setOutdated] = React.useState(false);
  const nextId = React.useRef(1);
  const make = React.useCallback(
    (scope: Scope, text: string): IRule => ({
      id: nextId.current++,
      scope,
      ...parseRule(text)
    }),
    []
  );
  React.useEffect(() => void stored.ask(), [stored]);
  /** The stored rules that `rules` are a change of. */
  const base = React.useRef<readonly IRule[]>([]);
  React.useEffect(() => {
    if (known) {
      const old = base.current;
      base.current = SCOPES.flatMap(scope =>
        known[scope].map(text => make(scope, text))
      );
      setErrors(new Map());
      setRules(mine => {
        const merged = mergeRules(old, mine, base.current);
        return merged.length > 0 ? merged : [make('workspace', '')];
      });
    }
  }, [known, make]);

  const save = async (close: () => void) => {
    if (!known || isBusy) {
      return;
    }
    const written = rules.filter(rule => rule.condition.trim());
    const of = (scope: Scope) => written.filter(rule => rule.scope === scope);
    setBusy(true);
    try {
      await stored.change({
        workspace: of('workspace').map(ruleText),
        project: of('project').map(ruleText)
      });
      close();
    } catch (thrown) {
      const error = asClientError(thrown);
      const found = error.errors.length > 0 ? error.errors : [error];
      setOutdated(error.status === 409);
      setErrors(
        new Map(
          found.map(({ field, message }) => {
            const place = /^(workspace|project)\[(\d+)\]$/.exec(field ?? '');
            const rule = place && of(place[1] as Scope)[Number(place[2])];
            return [rule?.id ?? 0, message];
          })
        )
      );
      setBusy(false);
    }
  };
  const change = (id: number, part: Partial<IRule>) => {
    setRules(rules.map(each => (each.id === id ? { ...each, ...part } : each)));
    setErrors(new Map([...errors].filter(([key]) => key !== id)));
  };
  return (
    <FormPopup
      {...popup}
      label={trans.__('Alert rules')}
      className="pyr-rules"
      error={isOutdated ? '' : (errors.get(0) ?? failure?.message ?? '')}
      onSubmit={save}
      buttons={
        <>
          <Button
            icon="add"
            label={trans.__('Add rule')}
            disabled={!known}
            onClick={() => setRules([...rules, make('workspace', '')])}
          />
          <Button
            type="submit"
            accent
            label={trans.__('Save')}
            disabled={!known || isBusy || isOutdated}
          />
        </>
      }
    >
      <p className="pyr-popup-hint">
        {trans.__(
          'The rules apply to tasks that are queued from now on. Example: %1',
          'val_loss > 1.5 * min'
        )}
      </p>
      <Banner kind="warning">{known?.problem}</Banner>
      <ul>
        {rules.map((rule, at) => (
          <li key={rule.id}>
            <Rule
              rule={rule}
              number={at + 1}
              error={errors.get(rule.id) ?? ''}
              onChange={part => change(rule.id, part)}
              onRemove={() =>
                setRules(rules.filter(each => each.id !== rule.id))
              }
            />
          </li>
        ))}
      </ul>
      {isOutdated && (
        <Banner
          kind="warning"
          actions={
            <Button
              label={trans.__('Load the newer rules')}
              title={trans.__('Load the stored rules and keep your changes')}
              onClick={async () => {
                await stored.ask();
                setOutdated(false);
              }}
            />
          }
        >
          {trans.__('The alert rules were changed elsewhere.')}
        </Banner>
      )}
    </FormPopup>
  );
}

/** Apply the changes from `old` to `mine` to newer rules. */
function mergeRules(
  old: readonly IRule[],
  mine: readonly IRule[],
  newer: readonly IRule[]
): readonly IRule[] {
  const keyOf = (rule: IRule) => `${rule.scope} ${ruleText(rule)}`;
  const [before, now, stored] = [old, mine, newer].map(
    rules => new Set(rules.map(keyOf))
  );
  const isRemoved = (key: string) => before.has(key) && !now.has(key);
  return [
    ...newer.filter(rule => !isRemoved(keyOf(rule))),
    ...mine.filter(rule => {
      const key = keyOf(rule);
      return rule.condition && !before.has(key) && !stored.has(key);
    })
  ];
}

function Rule(props: {
  rule: IRule;
  /** Its place, from 1. */
  number: number;
  error: string;
  onChange: (part: Partial<IRule>) => void;
  onRemove: () => void;
}): JSX.Element {
  const { rule, number, error, onChange } = props;
  const trans = useTrans();
  const id = React.useId();
  return (
    <fieldset className="pyr-rule">
      <legend>{trans.__('Rule %1', number)}</legend>
      <div className="pyr-rule-fields">
        <label className="pyr-rule-condition">
          <span>{trans.__('Condition')}</span>
          <TextInput
            // A new rule is written at once.
            autoFocus={rule.condition === ''}
            value={rule.condition}
            placeholder={EXAMPLE}
            aria-invalid={error !== ''}
            aria-describedby={error ? id : undefined}
            onValue={condition => onChange({ condition })}
          />
        </label>
        <Choice<Effect>
          label={trans.__('Action')}
          value={rule.effect}
          options={[
            ['notify', trans.__('Only alert')],
            ['tag', trans.__('Add a tag')],
            ['stop', trans.__('Stop the run')]
          ]}
          onChange={effect => onChange({ effect })}
        />
        {rule.effect === 'tag' && (
          <label className="pyr-control">
            <span>{trans.__('Tag')}</span>
            <TextInput value={rule.tag} onValue={tag => onChange({ tag })} />
          </label>
        )}
        <Choice<Scope>
          label={trans.__('Applies to')}
          value={rule.scope}
          options={[
            ['workspace', trans.__('This workspace')],
            ['project', trans.__('All workspaces of the project')]
          ]}
          onChange={scope => onChange({ scope })}
        />
        <IconButton
          icon="delete"
          label={trans.__('Remove rule %1', number)}
          onClick={props.onRemove}
        />
      </div>
      {error && (
        <p className="pyr-field-error" id={id} role="alert">
          {error}
        </p>
      )}
    </fieldset>
  );
}

/** Take a rule apart: `CONDITION`, `CONDITION -> stop` or `CONDITION -> tag NAME`. */
export function parseRule(
  text: string
): Pick<IRule, 'condition' | 'effect' | 'tag'> {
  const [, condition, action = ''] =
    /^(.*?)(?:\s*->\s*(.*))?$/s.exec(text) ?? [];
  const [, tag = ''] = /^tag\s+(.*)$/s.exec(action) ?? [];
  const effect = tag ? 'tag' : action === 'stop' ? 'stop' : 'notify';
  return { condition, effect, tag };
}

function ruleText({ condition, effect, tag }: IRule): string {
  return effect === 'notify'
    ? condition
    : `${condition} -> ${effect === 'tag' ? `tag ${tag}` : 'stop'}`;
}
