/** Addresses below the API of the server extension. */

type Single = string | number | boolean | null | undefined;
type Query = Record<string, Single | readonly Single[]>;

/** An address with its parameters; a list repeats its key. */
export function withQuery(url: string, query: object): string {
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries(query as Query)) {
    const list = Array.isArray(value) ? (value as Single[]) : [value as Single];
    for (const each of list) {
      if (each !== undefined && each !== null && each !== '') {
        search.append(key, String(each));
      }
    }
  }
  const text = search.toString();
  return text ? `${url}?${text}` : url;
}

export function wsPath(ws: string): string {
  return `workspaces/${encodeURIComponent(ws)}`;
}

export function taskPath(ws: string, task: string): string {
  return `${wsPath(ws)}/tasks/${encodeURIComponent(task)}`;
}

export function studyPath(ws: string, name: string): string {
  return `${wsPath(ws)}/studies/${encodeURIComponent(name)}`;
}

export function runPath(ws: string, task: string, run: number): string {
  return `${taskPath(ws, task)}/runs/${run}`;
}
