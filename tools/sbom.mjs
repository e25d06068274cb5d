/**
 * What JavaScript of others is in the package, written to pyruns_jupyter/static:
 *
 *   sbom.cdx.json              CycloneDX 1.6, which the wheel carries as its SBOM (PEP 770)
 *   THIRD-PARTY-LICENSES.txt   their licences
 *
 * Both bundles are looked through by esbuild, without what JupyterLab brings itself. No date and no random
 * number is written: the same sources give the same files.
 *
 * usage: node tools/sbom.mjs
 */
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { build } from 'esbuild';

const TARGET = 'pyruns_jupyter/static';
const LAB_LICENSES =
  'pyruns_jupyter/labextension/static/third-party-licenses.json';
/** JupyterLab gives these to its extensions. */
const OF_LAB = [
  '@jupyterlab/*',
  '@lumino/*',
  '@codemirror/*',
  'react',
  'react-dom'
];

/** The folders of packages in node_modules that a bundle takes files from. */
async function foldersIn(entryPoints, external) {
  const { metafile } = await build({
    entryPoints,
    external,
    outdir: TARGET,
    bundle: true,
    write: false,
    metafile: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2020',
    jsx: 'transform',
    define: { 'process.env.NODE_ENV': '"production"' },
    loader: { '.svg': 'text' },
    logLevel: 'error'
  });
  const used = Object.values(metafile.outputs).flatMap(output =>
    Object.entries(output.inputs)
      .filter(([, { bytesInOutput }]) => bytesInOutput > 0)
      .map(([file]) => file)
  );
  return used.flatMap(file => {
    const found = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(file);
    return found ? [found[1]] : [];
  });
}

function describe(folder) {
  const told = JSON.parse(
    readFileSync(path.join(folder, 'package.json'), 'utf8')
  );
  const file = readdirSync(folder).find(name =>
    /^(licen[cs]e|copying)/i.test(name)
  );
  return {
    name: told.name,
    version: told.version,
    license: told.license,
    text: file ? readFileSync(path.join(folder, file), 'utf8').trim() : ''
  };
}

const ours = JSON.parse(readFileSync('package.json', 'utf8'));
const folders = new Set([
  ...(await foldersIn(['src/widget/loader.ts', 'src/widget/mount.tsx'], [])),
  ...(await foldersIn(['src/index.ts', 'style/index.js'], OF_LAB))
]);
// What the builder itself puts into the lab extension; it says so in production only.
const told = existsSync(LAB_LICENSES)
  ? JSON.parse(readFileSync(LAB_LICENSES, 'utf8')).packages
  : [];
for (const { name } of told) {
  const folder = `node_modules/${name}`;
  if (existsSync(folder)) {
    folders.add(folder);
  }
}
const packages = [...folders]
  .map(describe)
  .sort((one, other) => (one.name < other.name ? -1 : 1));
for (const { name, license, text } of packages) {
  if (!license || !text) {
    console.error(`sbom.mjs: ${name} does not say how it is licensed`);
    process.exitCode = 1;
  }
}

const purl = ({ name, version }) =>
  `pkg:npm/${name.replace('@', '%40')}@${version}`;
const component = each => ({
  type: 'library',
  'bom-ref': purl(each),
  name: each.name,
  version: each.version,
  licenses: [{ license: { id: each.license } }],
  purl: purl(each)
});
const bom = {
  bomFormat: 'CycloneDX',
  specVersion: '1.6',
  version: 1,
  metadata: {
    component: {
      ...component({ ...ours, text: '' }),
      type: 'application'
    }
  },
  components: packages.map(component),
  dependencies: [{ ref: purl(ours), dependsOn: packages.map(purl) }]
};
writeFileSync(
  path.join(TARGET, 'sbom.cdx.json'),
  JSON.stringify(bom, null, 2) + '\n'
);
writeFileSync(
  path.join(TARGET, 'THIRD-PARTY-LICENSES.txt'),
  'JavaScript of others in this package, and its licences.\n' +
    packages
      .map(
        each =>
          `\n${'='.repeat(78)}\n${each.name} ${each.version} (${each.license})\n\n${each.text}\n`
      )
      .join('')
);
