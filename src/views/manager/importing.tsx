/** Import the runs of other programs, after a preview. */
import * as React from 'react';

import type { ImportResult } from '../../client/types';
import { importRuns, ImportPreviewModel } from '../../model/runimport';
import type { TaskListModel } from '../../model/tasklist';
import { useAttempt } from '../shared/attempt';
import { Button, TextInput } from '../shared/button';
import { Toggle } from '../shared/choice';
import { useTrans } from '../shared/context';
import { countOfTasks } from '../shared/format';
import { FormPopup } from '../shared/formpopup';
import type { PopupPlace } from '../shared/popup';
import { serverSentence } from '../shared/serversentences';
import { statusWord } from '../shared/status';
import { useOwned } from '../shared/store';

/** Tasks whose names are shown. */
const MAX_NAMES = 10;

const EXAMPLE = 'mlruns';

export function ImportPopup({
  model,
  source: first,
  ...popup
}: PopupPlace & {
  model: TaskListModel;
  /** The path at first. */
  source: string;
}): JSX.Element {
  const { client, ws } = model;
  const trans = useTrans();
  const [path, setPath] = React.useState(first);
  const [artifacts, setArtifacts] = React.useState(false);
  const [preview, setPreview] = React.useState<ImportResult | null>(null);
  const [done, setDone] = React.useState<ImportResult | null>(null);
  const { failure, isBusy, attempt } = useAttempt();
  // Closing the popup ends the preview.
  const previews = useOwned(
    () => new ImportPreviewModel(client, ws),
    [client, ws]
  );
  const source = path.trim();
  const change = (update: () => void) => {
    update();
    setPreview(null);
    setDone(null);
  };
  const look = () =>
    attempt(async () => {
      setPreview(null);
      setPreview(await previews.preview({ path: source, artifacts }));
    });
  const run = (close: () => void) =>
    attempt(async () => {
      const result = await importRuns(client, ws, { path: source, artifacts });
      model.refresh();
      // Logs and artifacts are not part of the preview, and the runs may have changed.
      if (isAsPreviewed(result, preview)) {
        close();
      } else {
        setDone(result);
      }
    });
  const created = preview?.created ?? 0;
  return (
    <FormPopup
      {...popup}
      label={trans.__('Import runs')}
      className="pyr-import"
      error={failure}
      onSubmit={async close => {
        if (done) {
          close();
        } else if (source && !isBusy) {
          await (created > 0 ? run(close) : look());
        }
      }}
      buttons={
        <Button
          type="submit"
          accent
          disabled={isBusy || !source}
          label={
            done
              ? trans.__('OK')
              : isBusy
                ? created > 0
                  ? trans.__('Importing…')
                  : trans.__('Reading…')
                : created > 0
                  ? trans._n(
                      'Import %1 task',
                      'Import %1 tasks',
                      created,
                      created.toLocaleString()
                    )
                  : trans.__('Preview')
          }
        />
      }
    >
      <label className="pyr-import-source">
        <span>{trans.__('Folder or file with runs')}</span>
        <TextInput
          autoFocus
          value={path}
          placeholder={EXAMPLE}
          aria-invalid={failure !== ''}
          disabled={isBusy}
          onValue={value => change(() => setPath(value))}
        />
      </label>
      <p className="pyr-popup-hint">
        {trans.__(
          'Runs from TensorBoard, MLflow, W&B, Hydra or Optuna. The path is relative to the root folder of the server. The original files are not changed.'
        )}
      </p>
      <Toggle
        label={trans.__('Copy artifacts')}
        checked={artifacts}
        disabled={isBusy}
        className="pyr-line pyr-import-artifacts"
        onChange={checked => change(() => setArtifacts(checked))}
      />
      {done ? (
        <Summary result={done} isDone />
      ) : (
        preview && <Summary result={preview} />
      )}
    </FormPopup>
  );
}

/** Whether an import had the result of its preview. */
function isAsPreviewed(
  result: ImportResult,
  preview: ImportResult | null
): boolean {
  const told = (one: ImportResult | null) =>
    JSON.stringify([one?.created, one?.left_out, one?.notices]);
  return told(result) === told(preview);
}

/** What was or would be created, and what is left out. */
function Summary({
  result,
  isDone
}: {
  result: ImportResult;
  isDone?: boolean;
}): JSX.Element {
  const trans = useTrans();
  const { created, runs } = result;
  const programs = [...new Set(runs.map(each => each.program))].join(', ');
  const tasks = countOfTasks(trans, created);
  const shown = runs.slice(0, MAX_NAMES);
  const more = created - shown.length;
  return (
    <div className="pyr-import-preview" role="status">
      <p>
        {created > 0
          ? isDone
            ? trans.__('Created: %1 (%2)', tasks, programs)
            : trans.__('Will be created: %1 (%2)', tasks, programs)
          : trans.__('No tasks to create.')}
      </p>
      <ul>
        {shown.map(run => (
          <li key={run.task}>
            {trans.__('%1 (%2)', run.task, statusWord(trans, run.status))}
          </li>
        ))}
        {more > 0 && (
          <li>
            {trans._n(
              'and %1 more task',
              'and %1 more tasks',
              more,
              more.toLocaleString()
            )}
          </li>
        )}
      </ul>
      {(result.left_out.length > 0 || result.notices.length > 0) && (
        <>
          <p>{trans.__('Not imported')}</p>
          <ul>
            {result.notices.map(notice => (
              <li key={notice}>{serverSentence(trans, notice)}</li>
            ))}
            {result.left_out.map(({ reason, count, names }) => (
              <li key={reason}>
                {count > names.length
                  ? trans._n(
                      '%2 and %1 more: %3',
                      '%2 and %1 more: %3',
                      count - names.length,
                      names.join(', '),
                      serverSentence(trans, reason)
                    )
                  : trans.__(
                      '%1: %2',
                      names.join(', '),
                      serverSentence(trans, reason)
                    )}
              </li>
            ))}
          </ul>
        </>
      )}
    </div>
  );
}
