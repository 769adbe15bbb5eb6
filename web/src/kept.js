// What a person's own device keeps for when there is no network: copies of today's pages,
// and the rolls that were called meanwhile (the outbox). Pages and worker share this file.
//
// Copies and rolls are encrypted with a key of their person, which never leaves the
// browser's key store. When it is dropped, what it closed is noise.
const name = 'preau-kept';

// How long a copy is good: today.
const today = (at) => new Date(at).toDateString() === new Date().toDateString();

let opening;
function database() {
  opening ??= new Promise((resolve, reject) => {
    const request = indexedDB.open(name, 1);
    request.onupgradeneeded = () => {
      request.result.createObjectStore('meta');
      request.result.createObjectStore('keys');
      request.result.createObjectStore('copies', { keyPath: 'path' });
      request.result.createObjectStore('outbox', { keyPath: 'seq', autoIncrement: true });
    };
    request.onsuccess = () => {
      // Whoever drops everything must not wait for this page.
      request.result.onversionchange = () => { request.result.close(); opening = undefined; };
      resolve(request.result);
    };
    request.onerror = () => { opening = undefined; reject(request.error); };
  });
  return opening;
}

const done = (request) => new Promise((resolve, reject) => {
  request.onsuccess = () => resolve(request.result);
  request.onerror = () => reject(request.error);
});

// One transaction: what fn does to the stores is done whole or not at all.
async function change(stores, fn) {
  const transaction = (await database()).transaction(stores, 'readwrite');
  const whole = new Promise((resolve, reject) => {
    transaction.oncomplete = resolve;
    transaction.onabort = transaction.onerror = () => reject(transaction.error);
  });
  const result = await fn(...stores.map((store) => transaction.objectStore(store)));
  await whole;
  return result;
}

async function read(store, fn) {
  return done(fn((await database()).transaction(store).objectStore(store)));
}

// The person whose device this is now; undefined while nobody is known to be signed in.
export const current = () => read('meta', (meta) => meta.get('account'));

// This device is that person's: of anybody else nothing that could be read stays, and rolls
// of theirs that never left are known to be lost.
export async function claim(account) {
  await change(['meta', 'keys', 'copies', 'outbox'], async (meta, keys, copies, outbox) => {
    meta.put(account, 'account');
    for (const other of await done(keys.getAllKeys())) if (other !== account) keys.delete(other);
    for (const copy of await done(copies.getAll())) if (copy.account !== account || !today(copy.at)) copies.delete(copy.path);
    for (const row of await done(outbox.getAll())) {
      if (row.account === account || row.state === 'lost') continue;
      if (row.state === 'waiting') outbox.put({ seq: row.seq, account: row.account, at: row.at, state: 'lost' });
      else outbox.delete(row.seq);
    }
  });
  if (!await read('keys', (keys) => keys.get(account))) {
    const key = await crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, ['encrypt', 'decrypt']);
    // Two pages may open at once: the first key stays.
    await change(['keys'], async (keys) => { if (!await done(keys.get(account))) keys.put(key, account); });
  }
}

// Nobody is known to be signed in any more: nothing is shown until somebody is.
export const lock = () => change(['meta'], (meta) => { meta.delete('account'); });

// The session ended without a sign-out: copies go. A roll that waits stays closed until the
// same person is back, and so does its key.
export async function ended() {
  await change(['meta', 'keys', 'copies', 'outbox'], async (meta, keys, copies, outbox) => {
    meta.delete('account');
    copies.clear();
    const waiting = new Set((await done(outbox.getAll())).filter((row) => row.state === 'waiting').map((row) => row.account));
    for (const account of await done(keys.getAllKeys())) if (!waiting.has(account)) keys.delete(account);
  });
}

// Everything goes: signed out, or the device is not one's own any more.
export async function drop() {
  await change(['meta', 'keys', 'copies', 'outbox'], (...stores) => { for (const store of stores) store.clear(); });
  for (const cache of await caches.keys()) if (cache.startsWith('preau-')) await caches.delete(cache);
}

export const leaving = () => change(['meta'], (meta) => { meta.put(true, 'leaving'); });
export const isLeaving = () => read('meta', (meta) => meta.get('leaving'));

async function seal(account, value) {
  const key = await read('keys', (keys) => keys.get(account));
  if (!key) throw new Error('no key');
  const iv = crypto.getRandomValues(new Uint8Array(12));
  const data = await crypto.subtle.encrypt({ name: 'AES-GCM', iv }, key, new TextEncoder().encode(JSON.stringify(value)));
  return { iv, data };
}

async function unseal(row) {
  const key = await read('keys', (keys) => keys.get(row.account));
  if (!key || !row.data) return undefined;
  try {
    return JSON.parse(new TextDecoder().decode(await crypto.subtle.decrypt({ name: 'AES-GCM', iv: row.iv }, key, row.data)));
  } catch {
    return undefined;
  }
}

export async function keepCopy(account, path, page) {
  const sealed = await seal(account, page);
  await change(['copies', 'keys'], async (copies, keys) => {
    // Somebody may have signed out while it was being closed.
    if (await done(keys.getKey(account))) copies.put({ path, account, at: Date.now(), ...sealed });
  });
}

export async function copyAge(path) {
  const copy = await read('copies', (copies) => copies.get(path));
  return copy ? Date.now() - copy.at : Infinity;
}

// A page of whoever's device this is, as it was today; undefined: none.
export async function copyOf(path) {
  const account = await current();
  const copy = account && await read('copies', (copies) => copies.get(path));
  if (!copy || copy.account !== account || !today(copy.at)) return undefined;
  const page = await unseal(copy);
  return page && { at: copy.at, ...page };
}

// The outbox. A row is { seq, account, sitting, at, state, text, page } in clear, which
// names nobody, and what was tapped, closed.
export async function put(account, sitting, roll) {
  const sealed = await seal(account, roll);
  return change(['outbox'], (outbox) => done(outbox.add({ account, sitting, at: Date.now(), state: 'waiting', ...sealed })));
}

export const remove = (seq) => change(['outbox'], (outbox) => { outbox.delete(seq); });

export const rows = async (account) => (await read('outbox', (outbox) => outbox.getAll())).filter((row) => row.account === account);

export const any = async (state) => (await read('outbox', (outbox) => outbox.getAll())).some((row) => row.state === state);

export const open = unseal;

// What became of a row; what was tapped is not needed any more.
export const settle = (seq, state, text, page) => change(['outbox'], async (outbox) => {
  const row = await done(outbox.get(seq));
  if (row) outbox.put({ seq, account: row.account, sitting: row.sitting, at: row.at, title: row.title, state, text, page });
});

export const seen = (seq) => change(['outbox'], async (outbox) => {
  const row = await done(outbox.get(seq));
  if (row && !row.seen) outbox.put({ ...row, seen: Date.now() });
});
