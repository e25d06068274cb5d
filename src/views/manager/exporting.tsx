/** Results as a file, in the form that is chosen. */
import * as React from 'react';

import { asClientError } from '../../client/errors';
import type { ExportQuery } from '../../client/types';
import type { WorkspaceModel } from '../../model/workspace';
import type { IWorkspaceState } from '../../model/workspacestate';
import { useTrans } from '../shared/context';
import { Icon } from '../shared/icons';
import { Popup } from '../shared/popup';
import { save } from '../shared/save';
import { Button } from '../shared/strip';

export type ExportForm = Required<Pick<ExportQuery, 'format' | 'runs'>>;

export interface IExportProps {
  model: WorkspaceModel;
  state: IWorkspaceState;
  anchor: HTMLElement;
  form: ExportForm;
  onForm: (form: ExportForm) => void;
  onClose: () => void;
}

export function ExportPopup(props: IExportProps): JSX.Element {
  const { model, state, form, onForm, onClose } = props;
  const trans = useTrans();
  const opener = React.useRef(document.activeElement as HTMLElement | null);
  const [busy, setBusy] = React.useState(false);
  const [failure, setFailure] = React.useState('');
  const closed = React.useRef(false);
  React.useEffect(() => () => void (closed.current = true), []);
  const { query, statuses } = state.listing;
  const wrong = state.queryError !== null;

  const download = async () => {
    setBusy(true);
    setFailure('');
    try {
      const { blob, name } = await model.exportResults(form);
      // Whoever closed it meanwhile does not want the file any more.
      if (!closed.current) {
        save(blob, name);
        onClose();
        opener.current?.focus();
      }
    } catch (error) {
      setFailure(asClientError(error).message);
    } finally {
      setBusy(false);
    }
  };

  return (
    <Popup
      anchor={props.anchor}
      onClose={onClose}
      label={trans.__('Export')}
      className="pyr-export"
    >
      <form
        onSubmit={event => {
          event.preventDefault();
          void download();
        }}
      >
        <p className="pyr-export-what">
          {query || statuses.length > 0
            ? trans._n(
                'The task that is listed now, with its configuration and figures.',
                'The %1 tasks that are listed now, with configuration and figures.',
                state.total,
                state.total.toLocaleString()
              )
            : trans.__(
                'All tasks of this workspace, with configuration and figures.'
              )}
        </p>
        <Choice
          legend={trans.__('Rows')}
          name="runs"
          value={form.runs}
          options={[
            ['latest', trans.__('Latest run of each task')],
            ['all', trans.__('Every run')]
          ]}
          onChange={runs => onForm({ ...form, runs })}
        />
        <Choice
          legend={trans.__('Format')}
          name="format"
          value={form.format}
          options={[
            ['csv', trans.__('CSV')],
            ['json', trans.__('JSON')]
          ]}
          onChange={format => onForm({ ...form, format })}
        />
        {(wrong || failure) && (
          <p className="pyr-field-error" role="alert">
            {failure || trans.__('Correct the search first.')}
          </p>
        )}
        <div className="pyr-export-end">
          <Button
            type="submit"
            accent
            autoFocus
            icon="download"
            label={busy ? trans.__('Exporting…') : trans.__('Download')}
            disabled={busy || wrong || state.total === 0}
          />
        </div>
        {state.total === 0 && !wrong && (
          <p className="pyr-popup-hint">
            <Icon name="warning" /> {trans.__('There is no task to export.')}
          </p>
        )}
      </form>
    </Popup>
  );
}

function Choice<T extends string>(props: {
  legend: string;
  name: string;
  value: T;
  options: [T, string][];
  onChange: (value: T) => void;
}): JSX.Element {
  const id = React.useId();
  return (
    <fieldset className="pyr-export-choice">
      <legend>{props.legend}</legend>
      {props.options.map(([value, label]) => (
        <label key={value}>
          <input
            type="radio"
            name={`${id}-${props.name}`}
            checked={props.value === value}
            onChange={() => props.onChange(value)}
          />
          {label}
        </label>
      ))}
    </fieldset>
  );
}
