// The roll, made quicker: the sum on the save button follows the taps, a tap on a name
// is a tap on "absent", a late pupil's minutes are filled in, and what was tapped but
// not saved is kept on this device until it is. Kept are ids only, never a name, for
// the day of the roll.
//
// On a person's own device a roll that was saved without a network is what the page shows,
// and saving works without one.
import { copied, personal, say as tell, waitingRoll } from './offline.js';

const prefix = 'preau.roll.';
const form = document.querySelector('form[data-roll]');

if (form) {
  if (personal) waitingRoll(form.dataset.roll).catch(() => undefined).then(begin);
  else begin();
}

function begin(waiting) {
  const opened = performance.now();
  const plural = new Intl.PluralRules(document.documentElement.lang);
  const rows = [...form.querySelectorAll('.roll-row')];
  const button = form.querySelector('[data-sum]');
  const state = form.querySelector('[data-state]');
  const heard = document.querySelector('[data-heard]');
  const minutes = (row) => row.querySelector('input[type="number"]');
  const base = (row) => row.querySelector('input[type="hidden"]');
  const chosen = (row) => row.querySelector('input[type="radio"]:checked');
  const says = (row) => [chosen(row).value, minutes(row).value, base(row).value];
  // As the page came, whatever was tapped before this script was there.
  const came = (row) => [row.querySelector('input[type="radio"][checked]').value, minutes(row).defaultValue, base(row).value];
  const shown = new Map(rows.map((row) => [row, came(row).join()]));
  const key = `${prefix}${form.dataset.roll}.${form.dataset.account ?? ''}`;

  const store = {
    read() {
      try { return JSON.parse(localStorage.getItem(key)); } catch { return null; }
    },
    write(taps) {
      try {
        if (Object.keys(taps).length) localStorage.setItem(key, JSON.stringify({ day: form.dataset.day, taps }));
        else localStorage.removeItem(key);
      } catch { /* no room, or not allowed: the roll works without */ }
    },
    clear() {
      try {
        for (const other of Object.keys(localStorage)) {
          if (other.startsWith(prefix) && JSON.parse(localStorage.getItem(other)).day !== form.dataset.day) localStorage.removeItem(other);
        }
      } catch { /* as above */ }
    },
  };

  const say = (kind, n) => {
    const [one, other] = form.dataset[`say${kind}`].split('|');
    return (plural.select(n) === 'one' ? one : other).replace(/\d+/, n);
  };
  const sum = () => {
    const n = { present: 0, absent: 0, late: 0 };
    for (const row of rows) n[chosen(row).value]++;
    return ['Present', 'Absent', 'Late'].filter((kind) => kind === 'Present' || n[kind.toLowerCase()] > 0)
      .map((kind) => say(kind, n[kind.toLowerCase()])).join(', ');
  };
  let saved = state.textContent;
  const changed = () => {
    const taps = {};
    for (const row of rows) if (says(row).join() !== shown.get(row)) taps[row.dataset.pupil] = says(row);
    const touched = Object.keys(taps).length > 0;
    button.textContent = sum();
    state.textContent = touched ? form.dataset.touched : saved;
    state.classList.toggle('touched', touched);
    store.write(taps);
  };
  const open = () => (copied ? Date.now() - copied : performance.now() - opened); // since the page was made, in ms
  const lateNow = () => Math.min(240, Math.max(1, Math.floor((Number(form.dataset.since) * 1000 + open()) / 60000)));
  const fillMinutes = (row) => {
    if (chosen(row).value === 'late' && !minutes(row).value) minutes(row).value = lateNow();
  };

  if (copied) form.elements.opened.value = Math.round(Number(form.elements.opened.value) + open());
  if (waiting) {
    const said = new URLSearchParams(waiting.form);
    for (const row of rows) {
      const value = said.get(`v-${row.dataset.pupil}`);
      const input = [...row.querySelectorAll('input[type="radio"]')].find((radio) => radio.value === value);
      if (!input) continue;
      const [now, late] = [chosen(row), minutes(row).value];
      const tapped = says(row).join() !== shown.get(row);
      input.checked = true;
      minutes(row).value = said.get(`m-${row.dataset.pupil}`) ?? '';
      shown.set(row, says(row).join());
      if (tapped) [now.checked, minutes(row).value] = [true, late];
    }
    saved = tell('waiting', waiting.at);
    store.write({});
  }

  // What was tapped before and never saved comes back, with the marks that the page
  // showed then: what others did since is said as if nothing had happened.
  store.clear();
  if ('saved' in form.dataset) store.write({});
  const before = store.read();
  if (before?.taps) {
    for (const row of rows) {
      const [value, late, number] = before.taps[row.dataset.pupil] ?? [];
      const input = [...row.querySelectorAll('input[type="radio"]')].find((radio) => radio.value === value);
      // Saved after all, though the answer was lost on its way.
      if (!input || (input.checked && (value !== 'late' || minutes(row).value === late))) continue;
      input.checked = true;
      minutes(row).value = late;
      base(row).value = number;
      document.querySelector('[data-kept]').hidden = false;
    }
  }
  changed();

  form.addEventListener('change', (event) => {
    const row = event.target.closest('.roll-row');
    if (row) fillMinutes(row);
    changed();
  });
  form.addEventListener('input', (event) => {
    if (event.target.type === 'number') changed();
  });
  form.addEventListener('click', (event) => {
    const name = event.target.closest?.('.roll-name');
    if (!name) return;
    const row = name.closest('.roll-row');
    const rest = row.querySelector('.roll-rest input');
    const input = rest.checked ? row.querySelector('input[value="absent"]') : rest;
    input.checked = true;
    changed();
    heard.textContent = `${row.querySelector('legend').textContent} : ${input.closest('label').textContent.trim()}`;
  });
  form.addEventListener('submit', (event) => {
    if (personal && navigator.serviceWorker.controller) {
      hand({ key: crypto.randomUUID(), account: form.dataset.account, after: waiting?.key ?? '', title: form.dataset.title });
      return;
    }
    if (navigator.onLine) return;
    event.preventDefault();
    state.textContent = form.dataset.offline;
    state.classList.add('touched');
    heard.textContent = form.dataset.offline;
  });
}

// Fields that the device adds to what is saved, for its worker and for the server.
function hand(fields) {
  for (const [name, value] of Object.entries(fields)) {
    const field = form.querySelector(`input[name="${name}"]`) ?? Object.assign(document.createElement('input'), { type: 'hidden', name });
    field.value = value;
    form.append(field);
  }
}
