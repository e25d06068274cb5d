/**
 * The texts that people read, and whether each language has all of them.
 *
 * usage: node tools/messages.mjs           prints them as JSON
 *        node tools/messages.mjs --places  prints each with its file and line, for tools/prose.py
 *        node tools/messages.mjs --check   exit code 1 when one is missing or too much
 *
 * A message is what the calls `trans.__`, `_n`, `_p` and `_np` are given as
 * literals, and what the settings' schema shows. Its key is that of Lab's
 * language packs: a context, if there is one, stands before it and U+0004.
 */
import * as fs from 'node:fs';
import * as path from 'node:path';

import ts from 'typescript';

const ROOT = path.join(import.meta.dirname, '..');
const LOCALES = path.join(ROOT, 'pyruns_jupyter', 'locale');
const DOMAIN = 'pyruns_jupyter';

/** Where the texts stand among the arguments: context, singular, plural. */
const CALLS = {
  __: [null, 0, null],
  _n: [null, 0, 1],
  _p: [0, 1, null],
  _np: [0, 1, 2]
};

function sources(folder) {
  return fs.readdirSync(folder, { withFileTypes: true }).flatMap(entry => {
    const place = path.join(folder, entry.name);
    if (entry.isDirectory()) {
      return entry.name === '__tests__' ? [] : sources(place);
    }
    return /\.tsx?$/.test(entry.name) ? [place] : [];
  });
}

/** A literal, also one that is put together of several; null for anything else. */
function literal(node) {
  if (!node) {
    return null;
  }
  if (ts.isStringLiteralLike(node)) {
    return node.text;
  }
  if (
    ts.isBinaryExpression(node) &&
    node.operatorToken.kind === ts.SyntaxKind.PlusToken
  ) {
    const [left, right] = [literal(node.left), literal(node.right)];
    return left === null || right === null ? null : left + right;
  }
  return null;
}

/** Each message with its plural, null where it has none. */
export function messages() {
  const found = new Map();
  const places = [];
  const problems = [];
  for (const file of sources(path.join(ROOT, 'src'))) {
    const text = fs.readFileSync(file, 'utf-8');
    const tree = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
    const visit = node => {
      const callee = ts.isCallExpression(node) ? node.expression : null;
      const name =
        callee && ts.isPropertyAccessExpression(callee)
          ? callee.name.text
          : null;
      if (name !== null && Object.hasOwn(CALLS, name)) {
        const [context, singular, plural] = CALLS[name];
        const message = literal(node.arguments[singular]);
        const before = context === null ? '' : literal(node.arguments[context]);
        if (message === null || before === null) {
          const { line } = tree.getLineAndCharacterOfPosition(node.getStart());
          const place = `${path.relative(ROOT, file)}:${line + 1}`;
          problems.push(`${place}: not a literal: ${node.getText()}`);
        } else {
          const key = before ? `${before}\u0004${message}` : message;
          const several = plural === null ? null : node.arguments[plural];
          found.set(key, literal(several) ?? found.get(key) ?? null);
          const { line } = tree.getLineAndCharacterOfPosition(node.getStart());
          for (const one of [message, literal(several)]) {
            if (one !== null) {
              places.push({
                file: path.relative(ROOT, file),
                line: line + 1,
                text: one
              });
            }
          }
        }
      }
      ts.forEachChild(node, visit);
    };
    visit(tree);
  }
  const folder = path.join(ROOT, 'schema');
  for (const file of fs.readdirSync(folder)) {
    const text = fs.readFileSync(path.join(folder, file), 'utf-8');
    addSchema(found, JSON.parse(text));
  }
  return { found, places, problems };
}

/** Add the messages of a schema of settings. */
function addSchema(found, schema) {
  found.set(`schema\u0004${schema.title}`, null);
  found.set(`schema\u0004${schema.description}`, null);
  for (const items of Object.values(schema['jupyter.lab.toolbars'] ?? {})) {
    for (const { label } of items.filter(item => item.label)) {
      found.set(`toolbar\u0004${label}`, null);
    }
  }
  // As `jupyterlab_server` finds them, however deep they stand.
  const visit = value => {
    for (const [key, inner] of Object.entries(value ?? {})) {
      if (typeof inner === 'object') {
        visit(inner);
      } else if (key === 'title' || key === 'description') {
        found.set(`settings\u0004${inner}`, null);
      }
    }
  };
  visit(schema.properties);
  visit(schema.definitions);
}

/** What is wrong with a language, as sentences. */
function mistakes(language, found) {
  const file = path.join(LOCALES, language, 'LC_MESSAGES', `${DOMAIN}.json`);
  const known = JSON.parse(fs.readFileSync(file, 'utf-8'));
  const head = known[''];
  const forms = Number(/nplurals=(\d)/.exec(head.plural_forms)?.[1]);
  const told = [];
  for (const [key, plural] of found) {
    const texts = known[key];
    // Lab takes a single form for a message without a plural, and leaves it out.
    const wanted = plural === null ? 1 : Math.max(2, forms);
    if (!Array.isArray(texts) || texts.some(text => !text)) {
      told.push(`${language}: missing: ${JSON.stringify(key)}`);
    } else if (texts.length !== wanted) {
      told.push(`${language}: ${wanted} forms wanted: ${JSON.stringify(key)}`);
    } else {
      const places = text => [...text.matchAll(/%\d/g)].map(String).sort();
      const wantedPlaces = [...new Set(places(plural ?? key))].join();
      for (const text of texts) {
        if ([...new Set(places(text))].join() !== wantedPlaces) {
          told.push(`${language}: other places than ${JSON.stringify(key)}`);
        }
      }
    }
  }
  for (const key of Object.keys(known)) {
    if (key !== '' && !found.has(key)) {
      told.push(`${language}: not used any more: ${JSON.stringify(key)}`);
    }
  }
  return told;
}

if (process.argv[1] === import.meta.filename) {
  const { found, places, problems } = messages();
  if (process.argv.includes('--check')) {
    const languages = fs
      .readdirSync(LOCALES, { withFileTypes: true })
      .filter(entry => entry.isDirectory());
    const told = languages.flatMap(({ name }) => mistakes(name, found));
    for (const problem of [...problems, ...told]) {
      console.error(problem);
    }
    console.log(
      `messages: ${found.size}, in ${languages.map(({ name }) => name).join(', ')}`
    );
    process.exitCode = problems.length + told.length > 0 ? 1 : 0;
  } else if (process.argv.includes('--places')) {
    console.log(JSON.stringify(places));
  } else {
    console.log(JSON.stringify([...found.keys()], null, 1));
  }
}
