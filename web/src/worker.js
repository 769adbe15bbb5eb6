// The service worker of a device that its owner called theirs. It answers for the server
// where there is no answer, with copies that say how old they are; it delivers the rolls
// that were called meanwhile, in order. It keeps what the server marks as this person's
// (Preau-Keep) and nothing else.
import * as kept from './kept.js';

const shell = 'preau-shell';
const patience = 5000; // for a page of which there is a copy
const savePatience = 15000; // for a roll on its way: after that it waits in the outbox
const fresh = 10 * 60 * 1000; // a copy younger than that is not fetched again

const isRoll = (path) => /^\/roll\/[^/]+$/.test(path) && path !== '/roll/late';
const isCopied = (path) => path === '/' || isRoll(path);

self.addEventListener('install', (event) => {
  event.waitUntil(Promise.all([self.skipWaiting(), keepShell().catch(() => {})]));
});
self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()));
self.addEventListener('sync', (event) => {
  if (event.tag === 'preau-outbox') event.waitUntil(deliver());
});
self.addEventListener('message', (event) => {
  if (event.data.keep) event.waitUntil(keepAll(event.data.keep));
  if (event.data.deliver) event.waitUntil(deliver().then(() => event.ports[0]?.postMessage('done')));
});
self.addEventListener('fetch', (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (url.origin !== self.location.origin) return;
  if (request.mode !== 'navigate') {
    if (request.method === 'GET' && url.pathname.startsWith('/assets/')) event.respondWith(asset(request));
    return;
  }
  if (request.method === 'GET') event.respondWith(isCopied(url.pathname) ? visit(event, url) : orShell(request));
  else if (request.method === 'POST' && isRoll(url.pathname)) event.respondWith(save(event, url));
  else if (request.method === 'POST' && ['/sign-out', '/sign-in', '/first-sign-in'].includes(url.pathname)) event.respondWith(changeHands(request, url));
});

const within = (ms, promise) => Promise.race([promise, new Promise((_, reject) => { setTimeout(reject, ms, new Error('no answer')); })]);

async function asset(request) {
  return await caches.match(request) ?? fetch(request);
}

async function orShell(request) {
  try {
    return await fetch(request);
  } catch (err) {
    return await caches.match('/offline') ?? Promise.reject(err);
  }
}

// The files that a page needs have names that change with their content: those that no
// kept page names any more go.
async function keepFiles(body) {
  const cache = await caches.open(shell);
  const named = [...new Set(body.match(/\/assets\/[\w.-]+/g) ?? [])];
  for (const path of named) if (!await cache.match(path)) await cache.add(path);
  return named;
}

async function keepShell() {
  const answer = await fetch('/offline', { cache: 'no-store' });
  if (!answer.ok) return;
  const cache = await caches.open(shell);
  const named = await keepFiles(await answer.clone().text());
  await cache.put('/offline', answer);
  for (const request of await cache.keys()) {
    const { pathname } = new URL(request.url);
    if (pathname !== '/offline' && !named.includes(pathname)) await cache.delete(request);
  }
}

const headers = ['Content-Type', 'Content-Security-Policy', 'Referrer-Policy', 'X-Content-Type-Options', 'X-Frame-Options',
  'Cross-Origin-Opener-Policy', 'Cross-Origin-Resource-Policy', 'Permissions-Policy'];

async function store(path, answer) {
  const account = answer.headers.get('Preau-Keep');
  if (!answer.ok || !account || account !== await kept.current()) return;
  const body = await answer.text();
  await kept.keepCopy(account, path, { body, headers: headers.map((name) => [name, answer.headers.get(name)]).filter(([, value]) => value) });
  await keepFiles(body);
}

const fetchCopy = (path) => fetch(path, { headers: { 'Preau-Copy': '1' }, cache: 'no-store', redirect: 'manual' }).then((answer) => store(path, answer));

// One after the other: a copy is never urgent.
async function keepAll(paths) {
  try {
    const old = [];
    for (const path of paths) if (isCopied(path) && await kept.copyAge(path) > fresh) old.push(path);
    for (const path of old) await fetchCopy(path);
    if (old.length) await keepShell();
  } catch { /* no network, or nothing may be kept: next time */ }
}

const none = () => undefined;

// A page of today: the server's, and where it does not answer or makes one wait, the copy.
async function visit(event, url) {
  const copying = kept.copyOf(url.pathname).catch(none);
  const asked = fetch(event.request);
  let answer;
  try {
    answer = await within(await copying ? patience : 60000, asked);
  } catch { /* no answer: the copy */ }
  const copy = await copying;
  if (answer?.headers.get('Preau-Line')) {
    if (!copy) return answer;
    const turn = /<h1[^>]*>([^<]*)</.exec(await answer.text())?.[1] ?? '';
    return shown(copy, 'line', turn);
  }
  if (answer && answer.status < 500) {
    if (answer.headers.get('Preau-Keep')) {
      // A page that says what just happened is no copy: the plain one is.
      event.waitUntil((url.search ? fetchCopy(url.pathname) : store(url.pathname, answer.clone())).catch(none));
    }
    return answer;
  }
  if (copy) return shown(copy, 'offline', '');
  return answer ?? await caches.match('/offline') ?? Response.error();
}

function shown(copy, why, turn) {
  const body = copy.body.replace('<html ', `<html data-kept="${copy.at}" data-kept-why="${why}" data-kept-turn="${turn.replace(/"/g, '&quot;')}" `);
  return new Response(body, { headers: [...copy.headers, ['Cache-Control', 'no-store']] });
}

const tell = async () => {
  for (const client of await self.clients.matchAll()) client.postMessage({ kept: 'changed' });
};

const underway = new Set(); // rows that a form is bringing right now

// A roll that is being saved: into the outbox first, then to the server. The server knows
// its key: whatever is lost on the way, it counts once.
async function save(event, url) {
  const { request } = event;
  const form = await request.clone().text();
  const fields = new URLSearchParams(form);
  const [account, key] = [fields.get('account'), fields.get('key')];
  let seq;
  try {
    if (!key || !account || account !== await kept.current()) return fetch(request);
    if ((await kept.rows(account)).some((row) => row.state === 'waiting')) await deliver();
    const waits = (await kept.rows(account)).some((row) => row.state === 'waiting');
    const sitting = decodeURIComponent(url.pathname.slice('/roll/'.length));
    seq = await kept.put(account, sitting, { form, key, after: fields.get('after') ?? '', title: fields.get('title') ?? '' });
    if (waits) return wait(event, url); // in order
    underway.add(seq);
  } catch {
    return fetch(request); // nothing can be kept here: as on any device
  }
  try {
    const answer = await within(savePatience, fetch(request));
    const settled = answer.type === 'opaqueredirect' || (answer.status >= 400 && answer.status < 500 && ![401, 408, 425, 429].includes(answer.status));
    if (settled) {
      await kept.remove(seq);
      return answer;
    }
    if (answer.status === 401) {
      event.waitUntil(tell());
      return answer; // it asks to sign in; the roll waits
    }
  } catch { /* no answer: it waits */ } finally {
    underway.delete(seq);
  }
  return wait(event, url);
}

function wait(event, url) {
  event.waitUntil(Promise.resolve(self.registration.sync?.register('preau-outbox')).catch(none).then(tell));
  return Response.redirect(url.pathname, 303);
}

// One delivery at a time.
let line = Promise.resolve();
const deliver = () => { line = line.then(deliverNow).catch(none); return line; };

async function deliverNow() {
  const account = await kept.current();
  if (!account) return;
  const waiting = (await kept.rows(account)).filter((row) => row.state === 'waiting' && !underway.has(row.seq)).slice(0, 50);
  const saves = [];
  for (const row of waiting) {
    const roll = await kept.open(row);
    if (roll) saves.push({ row, key: roll.key, sitting: row.sitting, after: roll.after, age: Date.now() - row.at, form: roll.form });
    else await kept.settle(row.seq, 'lost');
  }
  if (saves.length === 0) return tell();
  const body = JSON.stringify({ account, saves: saves.map(({ row, ...save }) => save) });
  const answer = await within(savePatience, fetch('/roll/late', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body, redirect: 'manual' }));
  if (!answer.ok || !answer.headers.get('Content-Type')?.startsWith('application/json')) return tell();
  const said = new Map((await answer.json()).map((one) => [one.key, one]));
  for (const { row, key } of saves) {
    const one = said.get(key);
    if (one) await kept.settle(row.seq, one.state === 'saved' ? 'sent' : one.state, one.text, one.page);
  }
  await tell();
  for (const path of new Set(saves.map(({ sitting }) => `/roll/${encodeURIComponent(sitting)}`))) await fetchCopy(path).catch(none);
  await fetchCopy('/').catch(none);
}

// Signing out drops everything; signing in hides everything until the page says who it is.
async function changeHands(request, url) {
  const answer = await fetch(request);
  if (answer.type === 'opaqueredirect') await (url.pathname === '/sign-out' ? kept.drop() : kept.lock()).catch(none);
  return answer;
}
