/** What the simulated server refuses, in the words of the real one. */
import { ClientError } from '../errors';
import type { FieldError } from '../types';

export function notFound(message: string): ClientError {
  return new ClientError(message, { status: 404, code: 'not_found' });
}

/** The state of things does not allow it. */
export function conflict(message: string, field?: string): ClientError {
  return new ClientError(message, { status: 409, code: 'conflict', field });
}

/** Something that was given is wrong. */
export function invalid(
  message: string,
  place: Partial<Omit<FieldError, 'code' | 'message'>> = {}
): ClientError {
  return new ClientError(message, {
    status: 400,
    code: 'invalid_input',
    ...place
  });
}

/** Something that only a real server does. */
export function beyondDemo(what: string, field?: string): ClientError {
  return new ClientError(`This is a demo: ${what}`, {
    status: 400,
    code: 'demo',
    field
  });
}

/** Everything that is wrong, as one error. */
export function allInvalid(errors: readonly FieldError[]): ClientError {
  const [first] = errors;
  return invalid(first.message, {
    ...first,
    ...(errors.length > 1 ? { errors: [...errors] } : {})
  });
}

/** The same as one of the mistakes that a preview lists. */
export function asFieldError(error: ClientError): FieldError {
  const { message, field, line, column } = error;
  return { code: 'invalid_input', message, field, line, column };
}

/** Gives up when the caller did so already. */
export function checkWanted(signal?: AbortSignal): void {
  if (signal?.aborted) {
    throw new DOMException('The operation was aborted.', 'AbortError');
  }
}
