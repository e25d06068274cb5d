import * as React from 'react';

import type { Artifact, TaskDetail } from '../../../client/types';
import type { TaskDetailModel } from '../../../model/taskdetail';
import { useRequest } from '../../shared/request';
import { Choice } from '../../shared/choice';
import { useTrans } from '../../shared/context';
import { bytes, relativeTime } from '../../shared/format';
import { Icon } from '../../shared/icons';
import { useNow } from '../../shared/store';
import { Banner } from '../../shared/banner';
import { IconButton } from '../../shared/button';
import { Preview } from './preview';

/** Files that are listed. */
const MAX_FILES = 500;

/** The files that a run left, each with a preview. */
export function Files(props: {
  model: TaskDetailModel;
  detail: TaskDetail;
  onOpenFile?: (path: string) => void;
}): JSX.Element {
  const trans = useTrans();
  const { model, detail, onOpenFile } = props;
  const task = detail.task.name;
  const runs = detail.history.length;
  const [chosenRun, setRun] = React.useState<number | null>(null);
  const [chosen, setChosen] = React.useState<string | null>(null);
  const run = chosenRun ?? runs;
  const now = useNow(true, 30_000);
  const question = React.useMemo(
    () => (run > 0 ? () => model.listFiles(run) : null),
    [model, run]
  );
  const { value, error, ask } = useRequest(question);
  if (runs === 0) {
    return <p className="pyr-note">{trans.__('This task has not run yet.')}</p>;
  }
  const file = value?.items.find(item => item.path === chosen);
  if (file) {
    return (
      <Preview
        key={`${run}/${file.path}`}
        model={model}
        run={run}
        file={file}
        onBack={() => setChosen(null)}
        onOpen={
          onOpenFile &&
          (() =>
            onOpenFile(
              `${model.ws}/tasks/${task}/artifacts/run${run}/${file.path}`
            ))
        }
      />
    );
  }
  return (
    <>
      <div className="pyr-line pyr-details-bar">
        <Choice
          label={trans.__('Run')}
          value={String(run)}
          options={Array.from({ length: runs }, (_, index) => [
            String(runs - index),
            String(runs - index)
          ])}
          onChange={value => setRun(Number(value))}
        />
        <IconButton icon="refresh" label={trans.__('Refresh')} onClick={ask} />
      </div>
      <Banner kind="warning">{error?.message}</Banner>
      {value?.items.length === 0 && (
        <p className="pyr-note">
          {trans.__(
            'No files. Files that a script saves in pyruns_jupyter.artifact_dir() appear here.'
          )}
        </p>
      )}
      <ul>
        {value?.items.slice(0, MAX_FILES).map(item => (
          <FileLine
            key={item.path}
            file={item}
            when={relativeTime(trans, item.modified_at, now)}
            onOpen={() => setChosen(item.path)}
          />
        ))}
      </ul>
      {value && (value.items.length > MAX_FILES || value.cut) && (
        <p className="pyr-note">{trans.__('Not all files are listed.')}</p>
      )}
    </>
  );
}

function FileLine(props: {
  file: Artifact;
  when: string;
  onOpen: () => void;
}): JSX.Element {
  const { file } = props;
  return (
    <li>
      <button
        type="button"
        className="pyr-file"
        title={file.path}
        onClick={props.onOpen}
      >
        <Icon name="file" />
        <span className="pyr-cut">{file.path}</span>
        <span>{bytes(file.size)}</span>
        <span className="pyr-file-time">{props.when}</span>
      </button>
    </li>
  );
}
