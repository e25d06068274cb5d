/**
 * Stores the memory of Python after its start, from which the worker starts in a fraction of the time.
 *
 * usage: node demo/snapshot.mjs SITE
 *
 * SITE is the folder that `tools/demo_site.py` makes. The option of Pyodide is not public, so package.json has one
 * version of it.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';

import { boot } from './boot.mjs';

/** What Pyruns imports, except for compiled packages, which a snapshot cannot have. */
const IMPORTED = `
import argparse, ast, asyncio, calendar, concurrent.futures, contextlib, csv, dataclasses, datetime, decimal, difflib
import errno, fractions, hashlib, hmac, inspect, json, logging, pathlib, platform, queue, re, select, shlex, shutil
import signal, socket, sqlite3, statistics, struct, subprocess, tempfile, threading, typing, unicodedata, zipfile
import yaml
`;

const folder = path.resolve(process.argv[2]);
const pyodide = path.join(folder, 'pyodide');
const { loadPyodide } = await import(
  pathToFileURL(path.join(pyodide, 'pyodide.mjs')).href
);
try {
  const python = await boot(
    loadPyodide,
    { indexURL: `${pyodide}/`, _makeSnapshot: true },
    new Uint8Array(readFileSync(path.join(folder, 'site.zip')))
  );
  python.runPython(IMPORTED);
  const snapshot = gzipSync(python.makeMemorySnapshot(), { level: 9 });
  writeFileSync(path.join(folder, 'snapshot.bin'), snapshot);
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
