import type { FieldError } from './types';

/** Why an operation failed, as a sentence for the user. */
export class ClientError extends Error {
  constructor(message: string, details: Partial<ClientError.IDetails> = {}) {
    super(message);
    this.name = 'ClientError';
    this.status = details.status ?? 0;
    this.code = details.code ?? '';
    this.field = details.field ?? null;
    this.line = details.line ?? null;
    this.column = details.column ?? null;
    this.errors = details.errors ?? [];
    this.suggestions = details.suggestions ?? [];
  }

  /** HTTP status, 0 when the server could not be reached. */
  readonly status: number;
  readonly code: string;
  /** What the sentence is about: a configuration key, `name`, `path`, ... */
  readonly field: string | null;
  readonly line: number | null;
  readonly column: number | null;
  /** Every mistake that was found when there is more than one. */
  readonly errors: readonly FieldError[];
  /** Whole texts of the field that may be meant instead. */
  readonly suggestions: readonly string[];

  /** Nothing answered, so the state of the server is not known. */
  get isUnreachable(): boolean {
    return this.status === 0 || this.status >= 502;
  }
}

export namespace ClientError {
  export interface IDetails {
    status: number;
    code: string;
    field: string | null;
    line: number | null;
    column: number | null;
    errors: FieldError[];
    suggestions: string[];
  }
}

/** The error of an operation that its caller aborted, as `fetch` throws it. */
export function abortError(): DOMException {
  return new DOMException('The operation was aborted.', 'AbortError');
}

/** Return whether an operation was aborted by its caller. */
export function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError';
}

/** Anything thrown as a `ClientError`. */
export function asClientError(error: unknown): ClientError {
  if (error instanceof ClientError) {
    return error;
  }
  return new ClientError(
    error instanceof Error ? error.message : String(error)
  );
}

/** The error that a response with a bad status stands for. */
export async function errorFrom(response: Response): Promise<ClientError> {
  const status = response.status;
  let body: Partial<ClientError.IDetails> & { message?: unknown } = {};
  try {
    const parsed: unknown = await response.json();
    if (typeof parsed === 'object' && parsed !== null) {
      body = parsed;
    }
  } catch {
    // A proxy between us and the server answers with a page of its own.
  }
  const message =
    typeof body.message === 'string' && body.message
      ? body.message
      : `${status} ${response.statusText}`.trim();
  return new ClientError(message, {
    status,
    code: typeof body.code === 'string' ? body.code : '',
    field: body.field,
    line: body.line,
    column: body.column,
    errors: Array.isArray(body.errors) ? body.errors : [],
    suggestions: Array.isArray(body.suggestions)
      ? body.suggestions.filter(each => typeof each === 'string')
      : []
  });
}
