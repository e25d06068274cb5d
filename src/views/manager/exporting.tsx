/** Download the results as a file. */
import * as React from 'react';

import type { ExportQuery } from '../../client/types';
import type { TaskListModel } from '../../model/tasklist';
import type { ITaskListState } from '../../model/taskliststate';
import { useAttempt } from '../shared/attempt';
import { Radios } from '../shared/choice';
import { useTrans } from '../shared/context';
import { FormPopup } from '../shared/formpopup';
import { Icon } from '../shared/icons';
import type { PopupPlace } from '../shared/popup';
import { save } from '../shared/save';
import { Button } from '../shared/button';

export type ExportChoice = Required<
  Pick<ExportQuery, 'format' | 'runs' | 'curves'>
>;

export function ExportPopup({
  model,
  state,
  form,
  onForm,
  ...popup
}: PopupPlace & {
  model: TaskListModel;
  state: ITaskListState;
  form: ExportChoice;
  onForm: (form: ExportChoice) => void;
}): JSX.Element {
  const trans = useTrans();
  const { failure, isBusy, attempt } = useAttempt();
  const isClosed = React.useRef(false);
  React.useEffect(() => () => void (isClosed.current = true), []);
  const { query, statuses } = state.listing;
  const isWrong = state.queryError !== null;
  const isFolder = form.format === 'tensorboard' || form.format === 'mlflow';
  const download = (close: () => void) =>
    attempt(async () => {
      const curves = form.curves && !isFolder;
      const { blob, name } = await model.exportResults({ ...form, curves });
      // Closing the popup cancels the download.
      if (!isClosed.current) {
        save(blob, name);
        close();
      }
    });
  return (
    <FormPopup
      {...popup}
      label={trans.__('Export')}
      error={failure || (isWrong ? trans.__('Fix the query to continue.') : '')}
      onSubmit={download}
      buttons={
        <Button
          type="submit"
          accent
          autoFocus
          icon="download"
          label={isBusy ? trans.__('Exporting…') : trans.__('Download')}
          disabled={isBusy || isWrong || state.total === 0}
        />
      }
    >
      <p>
        {query || statuses.length > 0
          ? trans._n(
              'The %1 task in the list, with its configuration and metrics.',
              'The %1 tasks in the list, with their configurations and metrics.',
              state.total,
              state.total.toLocaleString()
            )
          : trans.__(
              'All tasks of this workspace, with their configurations and metrics.'
            )}
      </p>
      <Radios
        className="pyr-radios"
        label={trans.__('Runs')}
        value={form.runs}
        options={[
          ['latest', trans.__('Latest run of each task')],
          ['all', trans.__('Every run')]
        ]}
        onChange={runs => onForm({ ...form, runs })}
      />
      <Radios
        className="pyr-radios"
        label={trans.__('Format')}
        value={form.format}
        options={[
          ['csv', trans.__('CSV')],
          ['json', trans.__('JSON')],
          ['parquet', trans.__('Parquet')],
          ['tensorboard', trans.__('TensorBoard (zip)')],
          ['mlflow', trans.__('MLflow (zip)')]
        ]}
        onChange={format => onForm({ ...form, format })}
      />
      {!isFolder && (
        <Radios
          className="pyr-radios"
          label={trans.__('Rows')}
          value={form.curves ? 'curves' : 'runs'}
          options={[
            ['runs', trans.__('One per run')],
            ['curves', trans.__('One per value of a curve')]
          ]}
          onChange={rows => onForm({ ...form, curves: rows === 'curves' })}
        />
      )}
      {state.total === 0 && !isWrong && (
        <p className="pyr-popup-hint">
          <Icon name="warning" /> {trans.__('No tasks to export.')}
        </p>
      )}
    </FormPopup>
  );
}
