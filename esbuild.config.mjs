/**
 * The notebook widgets' two bundles, written to pyruns_jupyter/static:
 *
 *   widget-loader.js         small; its text is saved with every widget
 *   widget-views.js, .css    the React views, loaded once by the loader
 *
 * usage: node esbuild.config.mjs [--prod] [--watch]
 */
import { existsSync } from 'node:fs';

import { build, context } from 'esbuild';

const entryPoints = {
  'widget-loader': 'src/widget/loader.ts',
  'widget-views': 'src/widget/mount.tsx'
};

for (const file of Object.values(entryPoints)) {
  if (!existsSync(file)) {
    console.error(`esbuild.config.mjs: the entry point ${file} does not exist`);
    process.exit(1);
  }
}

const prod = process.argv.includes('--prod');
const options = {
  entryPoints,
  outdir: 'pyruns_jupyter/static',
  bundle: true,
  format: 'esm',
  platform: 'browser',
  target: 'es2020',
  jsx: 'transform',
  minify: prod,
  sourcemap: prod ? false : 'inline',
  legalComments: prod ? 'linked' : 'none',
  define: { 'process.env.NODE_ENV': prod ? '"production"' : '"development"' },
  loader: { '.svg': 'text' },
  logLevel: 'info'
};

if (process.argv.includes('--watch')) {
  await (await context(options)).watch();
} else {
  await build(options);
}
