/** The worker of the demo: the Python of Pyruns, which performs the requests of the page (`src/client/workerchannel.ts`). */

/** Messages of the page until Python is ready. */
const early = [];
let receive = content => early.push(content);
let state = { state: 'loading' };
self.onmessage = ({ data }) =>
  data.type === 'state' ? self.postMessage(state) : receive(data);

const load = async name => {
  const response = await fetch(new URL(name, import.meta.url));
  if (!response.ok) {
    throw new Error(`${name}: ${response.status} ${response.statusText}`);
  }
  return response;
};

const bytesOf = async name => (await load(name)).arrayBuffer();

/** A compressed file, whatever the host makes of its name. */
const unpackedBytesOf = async name => {
  const stream = new DecompressionStream('gzip');
  const unpacked = (await load(name)).body.pipeThrough(stream);
  return new Uint8Array(await new Response(unpacked).arrayBuffer());
};

/** Send a message of Python; its buffers are copied out of the memory of Python. */
function post(text, buffers) {
  const copies = buffers.toJs().map(each => each.slice());
  self.postMessage(
    { content: JSON.parse(text), buffers: copies },
    copies.map(({ buffer }) => buffer)
  );
}

try {
  const indexURL = new URL('./pyodide/', import.meta.url).href;
  // Not at the top: the page is told if one of them cannot be loaded.
  const [{ boot }, { loadPyodide }, snapshot, site, history] =
    await Promise.all([
      import('./boot.mjs'),
      import('./pyodide/pyodide.mjs'),
      unpackedBytesOf('snapshot.bin'),
      bytesOf('site.zip'),
      bytesOf('history.zip')
    ]);
  const options = { indexURL, _loadSnapshot: snapshot };
  const python = await boot(loadPyodide, options, site);
  const start = python.pyimport('pyruns_demo.start').start;
  const take = start(history, post);
  receive = content => take(JSON.stringify(content));
  early.splice(0).forEach(receive);
  state = { state: 'ready' };
} catch (error) {
  state = { state: 'failed', message: String(error) };
}
self.postMessage(state);
