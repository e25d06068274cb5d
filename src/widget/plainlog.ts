// Escape sequences: CSI, OSC up to its end, and the short ones.
const ESCAPES =
  // eslint-disable-next-line no-control-regex
  /\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[ -/]*[0-~])/g;

/** The bytes of a log as plain text: no colours, each line as last drawn. */
export function lastLines(bytes: Uint8Array): string {
  return new TextDecoder()
    .decode(bytes)
    .replace(ESCAPES, '')
    .replace(/\r+\n/g, '\n')
    .split('\n')
    .map(line => {
      const parts = line.split('\r').filter(part => part !== '');
      return parts.length > 0 ? parts[parts.length - 1] : '';
    })
    .join('\n');
}
