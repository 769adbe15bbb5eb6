// What a page of a person's own device does with what is kept: says what waits and how old
// a copy is, lets rolls leave, and forgets everything when the device is not theirs. On a
// shared device nothing here touches anything.
import * as kept from './kept.js';

const panel = document.querySelector('#kept[data-account]');
const list = panel?.querySelector('[data-list]');
const able = 'serviceWorker' in navigator && 'indexedDB' in window && !!globalThis.crypto?.subtle;
const { kept: copyAt, keptWhy: why, keptTurn: turn } = document.documentElement.dataset;

// When the copy that one looks at was made; 0: it is no copy.
export const copied = Number(copyAt ?? 0);
export const personal = able && !!panel;

const hour = (at) => {
  const [h, m] = [new Date(at).getHours(), String(new Date(at).getMinutes()).padStart(2, '0')];
  return document.documentElement.lang === 'fr' ? `${h}\u00a0h\u00a0${m}` : `${h}:${m}`;
};
export const say = (key, at, fields = {}) =>
  Object.entries({ hour: hour(at), ...fields }).reduce((text, [field, value]) => text.replace(`{${field}}`, value), panel.dataset[key]);

// The roll that waits to leave and is the last of its sitting: what the page shows.
export async function waitingRoll(sitting) {
  const row = (await kept.rows(panel.dataset.account)).filter((one) => one.sitting === sitting && one.state === 'waiting').pop();
  const roll = row && await kept.open(row);
  return roll && { ...roll, at: row.at };
}

function notice(level, title, ...acts) {
  const box = document.createElement('div');
  box.className = `notice ${level}`;
  const words = document.createElement('p');
  words.className = 'notice-title';
  words.textContent = title;
  box.append(words);
  if (acts.length) {
    const row = document.createElement('p');
    row.className = 'acts';
    row.append(...acts);
    box.append(row);
  }
  return box;
}

function act(text, does) {
  const made = document.createElement(typeof does === 'string' ? 'a' : 'button');
  made.className = 'btn small';
  made.textContent = text;
  if (typeof does === 'string') made.href = does;
  else { made.type = 'button'; made.addEventListener('click', does); }
  return made;
}

const levels = { waiting: 'warn', review: 'warn', refused: 'stop', lost: 'stop', sent: 'done' };

let asked = false; // whether to sign out although a roll waits

let drawn = '';
let drawing = Promise.resolve(); // one at a time: the last one says what is so

const render = () => { drawing = drawing.then(draw, draw); return drawing; };

async function draw() {
  const leaving = asked; // it may change while the rows are read
  const boxes = leaving ? [notice('stop', panel.dataset.leave)] : [];
  if (copied) boxes.push(notice('warn', why === 'line' ? say('copyLine', copied, { turn }) : say('copyOffline', copied)));
  const rows = await kept.rows(panel.dataset.account);
  // What says the same stays: a finger may be on it.
  const says = JSON.stringify([leaving, rows.map(({ seq, state, text }) => [seq, state, text])]);
  if (says === drawn) return;
  drawn = says;
  for (const row of rows) {
    // Of one roll that waits, or left, the last save says all.
    if (rows.some((later) => later.seq > row.seq && later.sitting === row.sitting && later.state === row.state && ['waiting', 'sent'].includes(row.state))) continue;
    const roll = row.state === 'waiting' && await kept.open(row);
    const text = { waiting: () => say('waiting', row.at), lost: () => say('lost', row.at) }[row.state]?.() ?? row.text;
    const acts = [];
    if (row.state === 'review') acts.push(act(panel.dataset.look, row.page));
    if (['refused', 'lost'].includes(row.state)) acts.push(act(panel.dataset.seen, async () => { await kept.remove(row.seq); await render(); }));
    boxes.push(notice(levels[row.state], roll?.title ? `${roll.title} · ${text}` : text, ...acts));
  }
  if (!document.hidden) for (const row of rows) if (row.state === 'sent') await kept.seen(row.seq);
  list.replaceChildren(...boxes);
  panel.hidden = boxes.length === 0;
}

// What was said is not said for ever: a roll that left, a change that one looked at.
const saidFor = 60000;
async function tidy() {
  for (const row of await kept.rows(panel.dataset.account)) {
    const looked = row.state === 'review' && !copied && row.page === location.pathname + location.search;
    if (looked || (row.state === 'sent' && row.seen && Date.now() - row.seen > saidFor)) await kept.remove(row.seq);
  }
}

async function own() {
  await kept.claim(panel.dataset.account);
  await tidy();
  await render();
  navigator.serviceWorker.addEventListener('message', (event) => { if (event.data.kept === 'changed') render(); });
  await navigator.serviceWorker.register('/worker.js');
  const worker = async () => (await navigator.serviceWorker.ready).active;
  const deliver = async () => (await worker()).postMessage({ deliver: true });
  const paths = document.querySelector('[data-keep]')?.dataset.keep.split(' ').filter(Boolean) ?? [];
  if (!copied) (await worker()).postMessage({ keep: [location.pathname, ...paths] });
  await deliver();
  window.addEventListener('online', deliver);
  window.addEventListener('pageshow', (event) => { if (event.persisted) deliver(); });
  document.addEventListener('visibilitychange', () => { if (!document.hidden) deliver(); });
  if (copied) watch(deliver);
}

// A copy becomes the page when the server answers again, unless something was tapped.
function watch(deliver) {
  const rest = (ms) => ms * (0.75 + Math.random() / 2);
  const look = async () => {
    let next = 15000;
    try {
      const answer = await fetch(why === 'line' ? location.pathname : '/healthz', { cache: 'no-store', redirect: 'manual' });
      if (answer.headers.get('Preau-Line')) next = 1000 * Number(answer.headers.get('Retry-After') || 5);
      else if (answer.ok || answer.type === 'opaqueredirect') {
        await deliver();
        if (!document.querySelector('.roll-state.touched')) return location.reload();
      }
    } catch { /* still none */ }
    setTimeout(look, rest(next));
  };
  setTimeout(look, rest(why === 'line' ? 5000 : 15000));
  window.addEventListener('online', look);
}

// Signing out forgets everything: a roll that waits leaves first, or one says that it may go.
document.addEventListener('submit', (event) => {
  const form = event.target;
  if (!personal || form.getAttribute('action') !== '/sign-out' || form.dataset.sure) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  (async () => {
    try {
      if (await kept.any('waiting')) {
        const { active } = await navigator.serviceWorker.ready;
        const { port1, port2 } = new MessageChannel();
        const told = new Promise((resolve) => { port1.onmessage = resolve; setTimeout(resolve, 5000); });
        active.postMessage({ deliver: true }, [port2]);
        await told;
        if (await kept.any('waiting')) {
          form.dataset.sure = 'asked';
          asked = true;
          await render();
          const menu = form.closest('details');
          if (menu) menu.open = false; // it lies over what is said
          panel.scrollIntoView();
          return;
        }
      }
      await kept.leaving();
    } catch { /* nothing can be kept here: nothing to forget */ }
    form.dataset.sure = 'yes';
    form.requestSubmit();
  })();
}, true);

// A page that is nobody's, or of somebody who keeps nothing here, on a device where a worker
// was at home: it forgets.
async function stranger() {
  const home = await navigator.serviceWorker.getRegistration('/');
  if (!home) return;
  const answer = await fetch('/offline/who', { cache: 'no-store' });
  if (!answer.ok || !answer.headers.get('Content-Type')?.startsWith('application/json')) return;
  const who = await answer.json();
  if (who.personal) return;
  if (!who.account && !await kept.isLeaving()) {
    await kept.ended();
    if (await kept.any('waiting')) {
      const box = document.createElement('section');
      box.className = 'kept';
      box.setAttribute('aria-label', who.label);
      box.append(notice('warn', who.waits));
      document.querySelector('main').before(box);
      return;
    }
    if (await kept.any('lost')) return; // somebody is to be told
  }
  await kept.drop();
  await home.unregister();
  indexedDB.deleteDatabase('preau-kept');
}

if (able) (personal ? own() : stranger()).catch(() => { /* this browser keeps nothing: pages work without */ });
