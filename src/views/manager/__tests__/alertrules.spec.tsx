import { act, fireEvent, render, screen } from '@testing-library/react';
import * as React from 'react';

import { ClientError } from '../../../client/errors';
import type { TaskListModel } from '../../../model/tasklist';
import { AlertRulesPopup, parseRule } from '../alertrules';

const STORED = {
  project: ['loss is nan -> stop'],
  workspace: ['acc < 0.1 -> tag bad'],
  problem: null
};

let getAlertRules: jest.Mock;
let changeAlertRules: jest.Mock;
let onClose: jest.Mock;

async function show(stored: object = STORED): Promise<void> {
  getAlertRules = jest.fn(() => Promise.resolve(stored));
  changeAlertRules = jest.fn(() => Promise.resolve(stored));
  onClose = jest.fn();
  const client = {
    getAlertRules,
    changeAlertRules
  };
  render(
    <AlertRulesPopup
      model={{ client, ws: 'ws' } as unknown as TaskListModel}
      anchor={document.body}
      onClose={onClose}
    />
  );
  await act(async () => undefined);
}

const conditions = () =>
  screen.getAllByRole<HTMLInputElement>('textbox', { name: 'Condition' });
const click = (name: string) =>
  act(async () => fireEvent.click(screen.getByRole('button', { name })));
const fill = (field: HTMLElement, value: string) =>
  fireEvent.change(field, { target: { value } });

describe('Alert rules', () => {
  it('are added, changed, moved and removed', async () => {
    await show();
    expect(conditions().map(field => field.value)).toEqual([
      'acc < 0.1',
      'loss is nan'
    ]);
    await click('Add rule');
    expect(conditions()[2]).toHaveFocus();
    fill(conditions()[2], 'no output for 10m');
    const scopes = screen.getAllByRole('combobox', { name: 'Applies to' });
    fill(scopes[2], 'project');
    fill(screen.getAllByRole('combobox', { name: 'Action' })[1], 'tag');
    fill(screen.getAllByRole('textbox', { name: 'Tag' })[1], 'nan');
    await click('Remove rule 1');
    await click('Add rule'); // Empty ones are not stored.
    await click('Save');
    expect(changeAlertRules).toHaveBeenCalledWith('ws', {
      workspace: [],
      project: ['loss is nan -> tag nan', 'no output for 10m'],
      expected: { project: STORED.project, workspace: STORED.workspace }
    });
    expect(onClose).toHaveBeenCalled();
  });

  it('show what is wrong below the rule', async () => {
    await show();
    const error = (field: string, message: string) => ({
      code: 'invalid_input',
      field,
      message
    });
    changeAlertRules.mockRejectedValueOnce(
      new ClientError('first', {
        errors: [error('project[0]', 'Not a rule.'), error('text', 'Damaged.')]
      })
    );
    fill(conditions()[1], 'loss is high');
    await click('Save');
    expect(conditions()[0]).toHaveAttribute('aria-invalid', 'false');
    expect(conditions()[1]).toHaveAttribute('aria-invalid', 'true');
    expect(conditions()[1]).toHaveAccessibleDescription('Not a rule.');
    expect(screen.getByText('Damaged.')).toBeInTheDocument();
    expect(onClose).not.toHaveBeenCalled();
    fill(conditions()[1], 'loss is nan');
    expect(screen.queryByText('Not a rule.')).toBeNull();
  });

  it('are saved after a conflict, together with the newer ones', async () => {
    await show();
    fill(conditions()[0], 'acc < 0.2');
    await click('Remove rule 2');
    const newer = {
      project: [...STORED.project, 'no output for 10m'],
      workspace: [],
      problem: null
    };
    getAlertRules.mockResolvedValue(newer);
    changeAlertRules.mockRejectedValueOnce(
      new ClientError('The alert rules have changed.', { status: 409 })
    );
    await click('Save');
    expect(screen.getByRole('button', { name: 'Save' })).toBeDisabled();
    expect(
      screen.getByText('The alert rules were changed elsewhere.')
    ).toBeVisible();
    await click('Load the newer rules');
    expect(conditions().map(field => field.value)).toEqual([
      'no output for 10m',
      'acc < 0.2'
    ]);
    await click('Save');
    expect(changeAlertRules).toHaveBeenLastCalledWith('ws', {
      workspace: ['acc < 0.2 -> tag bad'],
      project: ['no output for 10m'],
      expected: { project: newer.project, workspace: newer.workspace }
    });
    expect(onClose).toHaveBeenCalled();
  });

  it('begin with an empty one, and report a problem of the settings', async () => {
    await show({ project: [], workspace: [], problem: 'alerts is damaged.' });
    expect(conditions()).toHaveLength(1);
    expect(screen.getByText('alerts is damaged.')).toBeInTheDocument();
  });

  it.each([
    ['loss is nan', 'loss is nan', 'notify', ''],
    ['loss > 3 -> stop', 'loss > 3', 'stop', ''],
    ['a is nan -> tag x y', 'a is nan', 'tag', 'x y'],
    ['a is nan -> notify', 'a is nan', 'notify', '']
  ])('are taken apart: %s', (text, condition, effect, tag) => {
    expect(parseRule(text)).toEqual({ condition, effect, tag });
  });
});
