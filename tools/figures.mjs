/**
 * The figures of the documentation: docs/figures/NAME.dot, drawn by Graphviz as docs/images/NAME.svg.
 *
 * usage: node tools/figures.mjs           writes them
 *        node tools/figures.mjs --check   exit code 1 when one is not what its source says
 *
 * What all figures look like stands here; a source says what there is and how it hangs together. Each figure
 * brings its light panel along, since a page may be dark. The same sources give the same files.
 */
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { instance } from '@viz-js/viz';

const ROOT = path.join(import.meta.dirname, '..');
const SOURCES = path.join(ROOT, 'docs', 'figures');
const TARGETS = path.join(ROOT, 'docs', 'images');

const FONT = 'Helvetica, Arial, Liberation Sans, sans-serif';
const TEXT = '#212b36';
const MARGIN = 16;

const LOOK = {
  graphAttributes: {
    bgcolor: 'transparent',
    fontname: 'Arial',
    fontsize: 13,
    fontcolor: '#5b6875',
    nodesep: 0.3,
    ranksep: 0.45
  },
  nodeAttributes: {
    shape: 'box',
    style: 'rounded,filled',
    color: '#b4bfca',
    fillcolor: '#ffffff',
    fontname: 'Arial',
    fontsize: 14,
    fontcolor: TEXT,
    margin: '0.16,0.09',
    height: 0.4
  },
  edgeAttributes: {
    color: '#7b8794',
    fontname: 'Arial',
    fontsize: 12,
    fontcolor: '#5b6875',
    arrowsize: 0.7
  }
};

/** What Graphviz drew, with a panel behind it and without what only it needs. */
function framed(svg, title) {
  const box = /viewBox="0\.00 0\.00 ([\d.]+) ([\d.]+)"/.exec(svg);
  const [width, height] = [box[1], box[2]].map(
    side => Math.ceil(Number(side)) + 2 * MARGIN
  );
  const inner = svg
    .slice(svg.indexOf('<g id="graph0"'), svg.lastIndexOf('</svg>'))
    .replace(/<!--.*?-->\n?/gs, '')
    .replace(/<title>.*?<\/title>\n?/gs, '')
    .replace(/ (?:id|class)="[^"]*"/g, '')
    .replaceAll('font-family="Arial"', `font-family="${FONT}"`)
    .trim();
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">`,
    `<title>${title}</title>`,
    `<rect width="${width}" height="${height}" rx="12" fill="#f7f9fb"/>`,
    `<g transform="translate(${MARGIN} ${MARGIN})">`,
    inner,
    '</g>',
    '</svg>',
    ''
  ].join('\n');
}

const viz = await instance();
const names = readdirSync(SOURCES)
  .filter(name => name.endsWith('.dot'))
  .sort();
for (const name of names) {
  const source = readFileSync(path.join(SOURCES, name), 'utf8');
  const title = /^\/\/ (.*)/.exec(source)?.[1];
  if (!title) {
    throw new Error(`${name} does not begin with its title: // ...`);
  }
  const { status, output, errors } = viz.render(source, {
    ...LOOK,
    format: 'svg',
    engine: 'dot'
  });
  for (const { level, message } of errors) {
    console.error(`${name}: ${level}: ${message.trim()}`);
    process.exitCode = 1;
  }
  if (status !== 'success') {
    continue;
  }
  const drawn = framed(output, title);
  const target = path.join(TARGETS, name.replace(/\.dot$/, '.svg'));
  if (!process.argv.includes('--check')) {
    writeFileSync(target, drawn);
  } else if (!existsSync(target) || readFileSync(target, 'utf8') !== drawn) {
    const told = path.relative(ROOT, target);
    console.error(`${told} is not what ${name} says: run \`make generate\`.`);
    process.exitCode = 1;
  }
}
