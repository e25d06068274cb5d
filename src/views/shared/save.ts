/** Give a file to the browser's downloads. */
export function save(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob);
  saveFrom(url, name);
  // The browser has taken it up by then.
  setTimeout(() => URL.revokeObjectURL(url), 60000);
}

/** Let the browser download a file from its URL. */
export function saveFrom(url: string, name = ''): void {
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
}
