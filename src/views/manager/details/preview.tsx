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
import { DataTable } from '../../shared/table';

/** Bytes of a text that are shown. */
const MAX_TEXT_BYTES = 256 * 1024;

/** Bytes of a picture that are fetched. */
const MAX_PICTURE_BYTES = 16 * 1024 * 1024;

/** An HTML preview cannot load anything from the network. */
const NO_NETWORK =
  '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; img-src data:; style-src \'unsafe-inline\'; font-src data:">';

const MAX_ROWS = 200;
const MAX_CELLS = 50;

type Kind = 'picture' | 'table' | 'page' | 'text';

const PICTURES: Record<string, string> = {
  png: 'image/png',
  jpg: 'image/jpeg',
  jpeg: 'image/jpeg',
  gif: 'image/gif',
  webp: 'image/webp',
  // Scripts in an SVG do not run inside <img>.
  svg: 'image/svg+xml'
};

function endingOf(path: string): string {
  return /\.(\w+)$/.exec(path)?.[1].toLowerCase() ?? '';
}

function kindOf(path: string): Kind {
  const ending = endingOf(path);
  if (ending in PICTURES) {
    return 'picture';
  }
  if (ending === 'csv' || ending === 'tsv') {
    return 'table';
  }
  return ending === 'html' || ending === 'htm' ? 'page' : 'text';
}

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
  const maxBytes = kind === 'picture' ? MAX_PICTURE_BYTES : MAX_TEXT_BYTES;
  const tooLarge = kind === 'picture' && file.size > maxBytes;
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
    <div className="pyr-preview">
      <div className="pyr-details-bar">
        <IconButton
          icon="left"
          label={trans.__('Back to files')}
          autoFocus
          onClick={props.onBack}
        />
        <span className="pyr-preview-name" title={file.path}>
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
          {trans.__('Image too large to preview. Download it instead.')}
        </p>
      )}
      {value && <Content kind={kind} path={file.path} blob={value} />}
      {value && file.size > maxBytes && (
        <p className="pyr-note">
          {trans.__('Showing the first %1.', bytes(maxBytes))}
        </p>
      )}
    </div>
  );
}

function Content(props: {
  kind: Kind;
  path: string;
  blob: Blob;
}): JSX.Element | null {
  const { kind, path, blob } = props;
  return kind === 'picture' ? (
    <Picture blob={blob} path={path} />
  ) : (
    <TextContent kind={kind} path={path} blob={blob} />
  );
}

function Picture(props: { blob: Blob; path: string }): JSX.Element | null {
  const { blob, path } = props;
  const [url, setUrl] = React.useState('');
  React.useEffect(() => {
    const typed = new Blob([blob], { type: PICTURES[endingOf(path)] });
    const next = URL.createObjectURL(typed);
    setUrl(next);
    return () => URL.revokeObjectURL(next);
  }, [blob, path]);
  return url ? <img className="pyr-picture" src={url} alt={path} /> : null;
}

function TextContent(props: {
  kind: Kind;
  path: string;
  blob: Blob;
}): JSX.Element | null {
  const trans = useTrans();
  const { kind, path, blob } = props;
  const { value, error } = useRequest(
    React.useCallback(() => readText(blob), [blob])
  );
  if (!value) {
    return error && <p className="pyr-note">{error.message}</p>;
  }
  if (value.isBinary) {
    return (
      <p className="pyr-note">
        {trans.__('Binary file, no preview. Download it instead.')}
      </p>
    );
  }
  switch (kind) {
    case 'page':
      return (
        // No scripts, no forms, an opaque origin.
        <iframe
          className="pyr-page-preview"
          sandbox=""
          referrerPolicy="no-referrer"
          title={path}
          srcDoc={NO_NETWORK + value.text}
        />
      );
    case 'table':
      return (
        <Table
          rows={rowsOf(value.text, endingOf(path) === 'tsv' ? '\t' : ',')}
        />
      );
    default:
      return (
        <pre className="pyr-snippet pyr-text-preview" tabIndex={0}>
          {endingOf(path) === 'json' ? pretty(value.text) : value.text}
        </pre>
      );
  }
}

async function readText(
  blob: Blob
): Promise<{ text: string; isBinary: boolean }> {
  const bytesOfIt = new Uint8Array(await new Response(blob).arrayBuffer());
  const isBinary = bytesOfIt.subarray(0, 4096).includes(0);
  return {
    text: isBinary ? '' : new TextDecoder().decode(bytesOfIt),
    isBinary
  };
}

function pretty(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

/** The first rows of a table (RFC 4180). */
export function rowsOf(text: string, separator: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  let cell = '';
  let quoted = false;
  for (let i = 0; i < text.length && rows.length < MAX_ROWS; i++) {
    const letter = text[i];
    if (quoted) {
      if (letter !== '"') {
        cell += letter;
      } else if (text[i + 1] === '"') {
        cell += '"';
        i++;
      } else {
        quoted = false;
      }
    } else if (letter === '"' && cell === '') {
      quoted = true;
    } else if (letter === separator) {
      row.push(cell);
      cell = '';
    } else if (letter === '\n') {
      row.push(cell.replace(/\r$/, ''));
      rows.push(row);
      row = [];
      cell = '';
    } else {
      cell += letter;
    }
  }
  if (rows.length < MAX_ROWS && (cell || row.length > 0)) {
    rows.push([...row, cell.replace(/\r$/, '')]);
  }
  return rows;
}

function Table({ rows }: { rows: string[][] }): JSX.Element {
  const trans = useTrans();
  const [head, ...body] = rows;
  const longest = Math.max(0, ...rows.map(row => row.length));
  const width = Math.min(MAX_CELLS, longest);
  return (
    <>
      <div className="pyr-table-preview" tabIndex={0}>
        <DataTable
          rows={body}
          columns={Array.from({ length: width }, (_, at) => ({
            id: String(at),
            title: head?.[at] ?? '',
            cell: (row: string[]) => row[at]
          }))}
        />
      </div>
      {rows.length >= MAX_ROWS && (
        <p className="pyr-note">
          {trans.__('Showing the first %1 rows.', MAX_ROWS)}
        </p>
      )}
    </>
  );
}
