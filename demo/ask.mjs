/**
 * Runs a Python program in Pyodide under Node.js, for the tests.
 *
 * usage: node demo/ask.mjs SITE PROGRAM < INPUT > OUTPUT
 *
 * SITE is the folder that `tools/demo_site.py` makes. PROGRAM defines `answer(text)`, which gets INPUT and returns
 * OUTPUT.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

import { boot } from './boot.mjs';

const [folder, program] = process.argv.slice(2).map(name => path.resolve(name));
const pyodide = path.join(folder, 'pyodide');
const { loadPyodide } = await import(
  pathToFileURL(path.join(pyodide, 'pyodide.mjs')).href
);
const site = new Uint8Array(readFileSync(path.join(folder, 'site.zip')));
try {
  const python = await boot(
    loadPyodide,
    { indexURL: `${pyodide}/`, stdout: console.error },
    site
  );
  python.runPython(readFileSync(program, 'utf-8'));
  const answer = python.globals.get('answer');
  process.stdout.write(answer(readFileSync(0, 'utf-8')));
} catch (error) {
  // Node.js would print the line of Pyodide, which has a megabyte.
  console.error(error.message);
  process.exitCode = 1;
}
