import { ClientError, isAbort } from './errors';

/** The lines of an answer, as they come. */
export async function* linesOf(response: Response): AsyncGenerator<string> {
  const reader = response.body?.getReader();
  const decoder = new TextDecoder();
  let rest = '';
  try {
    while (reader) {
      const { done, value } = await reader.read();
      const lines = (rest + decoder.decode(value, { stream: !done })).split(
        '\n'
      );
      rest = lines.pop() ?? '';
      for (const line of lines) {
        yield line;
      }
      if (done) {
        return;
      }
    }
  } catch (error) {
    throw isAbort(error) ? error : brokenOff();
  }
}

export function brokenOff(): ClientError {
  return new ClientError('The file broke off before its end. Try again.', {
    code: 'broken_off'
  });
}
