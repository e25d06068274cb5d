/**
 * The content of an artifact: an image, a table, an HTML page, audio, video or
 * text. Nothing in it is executed.
 */
import * as React from 'react';

import { useRequest } from './request';
import { useTrans } from './context';
import { DataTable } from './table';

/** Bytes of a text that are shown. */
const MAX_TEXT_BYTES = 256 * 1024;

/** Bytes of other files, which are only shown as a whole. */
const MAX_FILE_BYTES = 16 * 1024 * 1024;

/** An HTML preview cannot load anything from the network. */
const NO_NETWORK =
  '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; img-src data:; style-src \'unsafe-inline\'; font-src data:">';

/** Pixels of an image whose pixels stay visible when it is enlarged. */
const MAX_PIXELATED = 64;

const MAX_ROWS = 200;
const MAX_CELLS = 50;

const SVG = 'image/svg+xml';

export type FileKind = 'image' | 'table' | 'html' | 'audio' | 'video' | 'text';

/** Content types by the ending of a file: that of the server is not used. */
const TYPES: Record<string, string> = {
  png: 'image/png',
  jpg: 'image/jpeg',
  jpeg: 'image/jpeg',
  gif: 'image/gif',
  webp: 'image/webp',
  bmp: 'image/bmp',
  svg: SVG,
  wav: 'audio/wav',
  mp3: 'audio/mpeg',
  ogg: 'audio/ogg',
  flac: 'audio/flac',
  mp4: 'video/mp4',
  webm: 'video/webm'
};

function endingOf(path: string): string {
  return /\.(\w+)$/.exec(path)?.[1].toLowerCase() ?? '';
}

export function kindOf(path: string): FileKind {
  const ending = endingOf(path);
  if (ending in TYPES) {
    return TYPES[ending].split('/')[0] as FileKind;
  }
  if (ending === 'csv' || ending === 'tsv') {
    return 'table';
  }
  return ending === 'html' || ending === 'htm' ? 'html' : 'text';
}

/** How many bytes are loaded; with `isWhole`, no part of a larger file is. */
export function maxBytesOf(kind: FileKind): {
  maxBytes: number;
  isWhole: boolean;
} {
  const isWhole = ['image', 'audio', 'video'].includes(kind);
  return { maxBytes: isWhole ? MAX_FILE_BYTES : MAX_TEXT_BYTES, isWhole };
}

export interface IFileContentProps {
  kind: FileKind;
  /** The path, which names the file; its ending is the type of the content. */
  path: string;
  blob: Blob;
  /** For screen readers; the path without it. */
  label?: string;
}

export function FileContent(props: IFileContentProps): JSX.Element | null {
  const { kind, path, blob, label = path } = props;
  const type = TYPES[endingOf(path)] ?? 'image/png';
  switch (kind) {
    case 'image':
      return <Picture blob={blob} type={type} label={label} />;
    case 'audio':
    case 'video':
      return <Player kind={kind} blob={blob} type={type} label={label} />;
    default:
      return <TextContent {...props} />;
  }
}

/** An address of bytes while the component shows them. */
function useAddress(blob: Blob, type: string): string {
  const [url, setUrl] = React.useState('');
  React.useEffect(() => {
    const content = new Blob([blob], { type });
    if (type === SVG) {
      // Scripts in an SVG do not run inside <img>. In a new tab they do, and a
      // blob URL would give them the origin of JupyterLab, with the user's rights.
      const reader = new FileReader();
      reader.onload = () => setUrl(String(reader.result));
      reader.readAsDataURL(content);
      return () => reader.abort();
    }
    const next = URL.createObjectURL(content);
    setUrl(next);
    return () => URL.revokeObjectURL(next);
  }, [blob, type]);
  return url;
}

function Picture(props: {
  blob: Blob;
  type: string;
  label: string;
}): JSX.Element | null {
  const url = useAddress(props.blob, props.type);
  const [isSmall, setSmall] = React.useState(false);
  return url ? (
    <img
      className={`pyr-picture${isSmall ? ' pyr-is-pixelated' : ''}`}
      src={url}
      alt={props.label}
      onLoad={({ currentTarget: { naturalWidth, naturalHeight } }) =>
        setSmall(Math.max(naturalWidth, naturalHeight) <= MAX_PIXELATED)
      }
    />
  ) : null;
}

function Player(props: {
  kind: 'audio' | 'video';
  blob: Blob;
  type: string;
  label: string;
}): JSX.Element | null {
  const { kind: Kind, label } = props;
  const url = useAddress(props.blob, props.type);
  return url ? (
    <Kind className="pyr-player" src={url} aria-label={label} controls />
  ) : null;
}

function TextContent(props: IFileContentProps): JSX.Element | null {
  const trans = useTrans();
  const { kind, path, blob, label = path } = props;
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
    case 'html':
      return (
        // No scripts, no forms, an opaque origin.
        <iframe
          className="pyr-page-preview"
          sandbox=""
          referrerPolicy="no-referrer"
          title={label}
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
