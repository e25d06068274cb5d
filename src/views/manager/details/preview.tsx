/** The preview of a file that a run left; nothing in it is executed. */
import * as React from 'react';

import type { Artifact } from '../../../client/types';
import type { TaskDetailModel } from '../../../model/taskdetail';
import { useRequest } from '../../shared/request';
import { useAttempt } from '../../shared/attempt';
import { useTrans } from '../../shared/context';
import { bytes } from '../../shared/format';
import { save } from '../../shared/save';
import { Banner } from '../../shared/banner';
import { IconButton } from '../../shared/button';
import { FileContent, kindOf, maxBytesOf } from '../../shared/filecontent';

export function Preview(props: {
  model: TaskDetailModel;
  run: number;
  file: Artifact;
  onBack: () => void;
  /** Open it in JupyterLab; hidden without it. */
  onOpen?: () => void;
}): JSX.Element {
  const trans = useTrans();
  const { model, run, file } = props;
  const kind = kindOf(file.path);
  const { maxBytes, isWhole } = maxBytesOf(kind);
  const tooLarge = isWhole && file.size > maxBytes;
  const { failure, attempt } = useAttempt();
  const { path } = file;
  const isEmpty = file.size === 0;
  const limit = file.size > maxBytes ? maxBytes : undefined;
  const question = React.useMemo(() => {
    if (tooLarge) {
      return null;
    }
    return isEmpty
      ? async () => new Blob()
      : () => model.readFile(run, path, limit);
  }, [model, run, path, tooLarge, isEmpty, limit]);
  const { value, error } = useRequest(question);
  const download = () =>
    attempt(async () => {
      const blob = await model.readFile(run, file.path);
      save(blob, file.path.slice(file.path.lastIndexOf('/') + 1));
    });
  return (
    <div>
      <div className="pyr-line pyr-details-bar">
        <IconButton
          icon="left"
          label={trans.__('Back to files')}
          autoFocus
          onClick={props.onBack}
        />
        <span className="pyr-preview-name pyr-cut" title={file.path}>
          {file.path}
        </span>
        <span>{bytes(file.size)}</span>
        {props.onOpen && (
          <IconButton
            icon="file"
            label={trans.__('Open in JupyterLab')}
            onClick={props.onOpen}
          />
        )}
        <IconButton
          icon="download"
          label={trans.__('Download')}
          onClick={() => void download()}
        />
      </div>
      <Banner kind="error">{failure || error?.message}</Banner>
      {tooLarge && (
        <p className="pyr-note">
          {trans.__('File too large to preview. Download it instead.')}
        </p>
      )}
      {value && <FileContent kind={kind} path={file.path} blob={value} />}
      {value && file.size > maxBytes && (
        <p className="pyr-note">
          {trans.__('Showing the first %1.', bytes(maxBytes))}
        </p>
      )}
    </div>
  );
}
