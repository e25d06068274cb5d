import { asRecord, asText, asTexts } from './shapes';
import type { FieldError } from './types';

/** Why an operation failed, with a message for the user. */
export class ClientError extends Error {
  constructor(message: string, details: Partial<IErrorDetails> = {}) {
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

  /** HTTP status, 0 if the server could not be reached. */
  readonly status: number;
  readonly code: string;
  /** What the message refers to: a configuration key, `name`, `path`, ... */
  readonly field: string | null;
  readonly line: number | null;
  readonly column: number | null;
  /** All errors if there is more than one. */
  readonly errors: readonly FieldError[];
  /** Possible corrections of the whole field. */
  readonly suggestions: readonly string[];

  /** Whether there was no answer: the request may have been executed. */
  get isUnreachable(): boolean {
    return this.status === 0 || this.status >= 502;
  }
}

/** What an error says besides its message. */
export type IErrorDetails = Pick<
  ClientError,
  'status' | 'code' | 'field' | 'line' | 'column' | 'errors' | 'suggestions'
>;

/** Return the error that `fetch` throws when its caller aborts it. */
export function abortError(): DOMException {
  return new DOMException('The operation was aborted.', 'AbortError');
}

/** Return whether the caller aborted an operation. */
export function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError';
}

/** Return anything thrown as a `ClientError`. */
export function asClientError(error: unknown): ClientError {
  if (error instanceof ClientError) {
    return error;
  }
  return new ClientError(
    error instanceof Error ? error.message : String(error)
  );
}

/** Return the error of a response that is not OK. */
export async function errorFrom(response: Response): Promise<ClientError> {
  const status = response.status;
  // The response may be a page of a proxy.
  const body = asRecord(
    await response.json().catch(() => null)
  ) as Partial<IErrorDetails> & { message?: unknown };
  const message =
    asText(body.message) || `${status} ${response.statusText}`.trim();
  return new ClientError(message, {
    ...body,
    status,
    code: asText(body.code),
    errors: Array.isArray(body.errors) ? body.errors : [],
    suggestions: asTexts(body.suggestions)
  });
}
