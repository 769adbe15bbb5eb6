// Makes dist/ from src/ and the npm packages of package-lock.json:
//
//   npm ci && node build.mjs           writes dist/
//   npm ci && node build.mjs --check   says which file of dist/ is not up to date
//
// The same sources give the same bytes on every machine; dist/ is committed, so
// that building Préau itself needs no npm.
import { build } from 'esbuild';
import { mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const dist = join(here, 'dist');
const house = join(here, '..', 'internal');
const check = process.argv.includes('--check');

// Browsers that families still have on old phones; newer features degrade.
const target = ['chrome100', 'firefox100', 'safari15'];

// A capability's own rules, internal/NAME/NAME.css, in the order of their names.
async function capabilities() {
  const parts = [];
  for (const name of (await readdir(house)).sort()) {
    const file = join(house, name, `${name}.css`);
    if (existsSync(file)) parts.push(`@layer capability {\n${await readFile(file, 'utf8')}\n}`);
  }
  return parts.join('\n');
}

// Tokens are written once, with light-dark(). Browsers that do not know it get
// the same values in the older way, before.
function olderTokens(css) {
  const tokens = [...css.matchAll(/^\s*(--[\w-]+):\s*(.*light-dark\(.*);$/gm)];
  const pick = (value, side) =>
    value.replace(/light-dark\(((?:[^()]|\([^()]*\))*),\s*((?:[^()]|\([^()]*\))*)\)/g, side === 'light' ? '$1' : '$2');
  const block = (side) => tokens.map(([, name, value]) => `${name}:${pick(value, side)}`).join(';');
  const modern = tokens.map(([, name, value]) => `${name}:${value}`).join(';');
  const rest = css.replace(/^\s*--[\w-]+:\s*.*light-dark\(.*;$/gm, '');
  return [
    rest.match(/@layer [^;{]+;/)[0],
    `@layer tokens{:root{${block('light')}}@media (prefers-color-scheme:dark){:root{${block('dark')}}}`,
    `@supports (color:light-dark(#000,#fff)){:root{${modern}}}}`,
    rest,
  ].join('\n');
}

const made = new Map();

const css = await build({
  stdin: {
    contents: olderTokens(await readFile(join(here, 'src/preau.css'), 'utf8')) + '\n' + (await capabilities()),
    loader: 'css', resolveDir: join(here, 'src'), sourcefile: 'app.css',
  },
  minify: true, target, charset: 'utf8', legalComments: 'none', write: false,
});
made.set('app.css', css.outputFiles[0].text);

const js = await build({
  entryPoints: [join(here, 'src/preau.js')],
  bundle: true, minify: true, format: 'iife', target, charset: 'utf8', legalComments: 'none', write: false,
});
made.set('app.js', js.outputFiles[0].text);

// The service worker of a person's own device, served as /worker.js.
const worker = await build({
  entryPoints: [join(here, 'src/worker.js')],
  bundle: true, minify: true, format: 'iife', target, charset: 'utf8', legalComments: 'none', write: false,
});
made.set('worker.js', worker.outputFiles[0].text);

// Sound and picture of a class, on the page of a class only: it is ten times the rest.
const live = await build({
  entryPoints: [join(here, 'src/live.js')],
  bundle: true, minify: true, format: 'iife', target, charset: 'utf8', legalComments: 'none', write: false,
});
made.set('live.js', live.outputFiles[0].text);

// What the page of a class does with them; it loads live.js once somebody asks for sound.
const room = await build({
  entryPoints: [join(here, 'src/class.js')],
  bundle: true, minify: true, format: 'iife', target, charset: 'utf8', legalComments: 'none', write: false,
});
made.set('class.js', room.outputFiles[0].text);

made.set('mark.svg', await readFile(join(here, 'src/mark.svg'), 'utf8'));

let stale = [];
const there = existsSync(dist) ? await readdir(dist) : [];
for (const [name, text] of made) {
  const before = there.includes(name) ? await readFile(join(dist, name), 'utf8') : '';
  if (before !== text) stale.push(name);
}
stale = stale.concat(there.filter((name) => !made.has(name)));

if (check) {
  if (stale.length > 0) {
    console.error(`web/dist is not what web/src makes: ${stale.join(', ')}. Run: npm --prefix web run build`);
    process.exit(1);
  }
} else {
  await mkdir(dist, { recursive: true });
  for (const name of there.filter((name) => !made.has(name))) await rm(join(dist, name));
  for (const [name, text] of made) await writeFile(join(dist, name), text);
  for (const [name, text] of made) console.log(`dist/${name}  ${Buffer.byteLength(text)} bytes`);
}
