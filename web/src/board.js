// The day's board, for whoever has seventy absences and twenty minutes. The keyboard does
// everything that the mouse does: j and k go from row to row, Enter opens one, a letter does
// what the button with that letter does, / finds, ? lists the keys. Letters can be turned
// off, and do nothing in a field. Where the stream of events is broken, the board asks for
// itself every few seconds.
import htmx from 'htmx.org';

const board = document.querySelector('[data-board]');
const off = 'preau.keys.off';

if (board) {
  const rows = () => [...board.querySelectorAll('[data-row]:not([hidden])')];
  const opener = (row) => row?.querySelector('.day-name');
  const acts = (row) => row?.querySelector('.day-acts');
  const here = () => document.activeElement?.closest?.('[data-row]') ?? null;
  const finder = () => board.querySelector('#day-find');
  const help = document.querySelector('#day-keys');
  const allowed = document.querySelector('[data-keys-on]');
  let at = -1; // which row the keyboard was in before the list changed

  try { allowed.checked = localStorage.getItem(off) === null; } catch { /* not allowed: they are on */ }
  allowed.addEventListener('change', () => {
    try {
      if (allowed.checked) localStorage.removeItem(off);
      else localStorage.setItem(off, '1');
    } catch { /* for this page alone */ }
  });

  const go = (step) => {
    const all = rows();
    const i = all.indexOf(here());
    const next = all[i < 0 ? (step > 0 ? 0 : all.length - 1) : Math.min(Math.max(i + step, 0), all.length - 1)];
    opener(next)?.focus();
    next?.scrollIntoView({ block: 'nearest' });
  };

  // Opens what can be done in a row; a row that is open closes.
  const open = async (row, keep) => {
    const panel = acts(row);
    if (panel.childElementCount > 0 && panel.dataset.at === row.dataset.at) {
      if (!keep) shut(row);
      return;
    }
    panel.dataset.at = row.dataset.at;
    await htmx.ajax('GET', opener(row).getAttribute('href'), { target: panel, swap: 'innerHTML' });
    opener(row).setAttribute('aria-expanded', 'true');
  };
  const shut = (row) => {
    acts(row)?.replaceChildren();
    opener(row)?.setAttribute('aria-expanded', 'false');
  };

  // Presses the button of a row that has this key, if it has one.
  const press = async (row, key) => {
    await open(row, true);
    acts(row).querySelector(`[data-key="${CSS.escape(key)}"]`)?.click();
  };

  const find = () => {
    const field = finder();
    if (!field) return;
    const bare = (text) => text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase();
    const words = bare(field.value).split(/\s+/).filter(Boolean);
    let n = 0;
    for (const row of board.querySelectorAll('[data-row]')) {
      const parts = bare(row.dataset.find).split(/[\s'-]+/);
      row.hidden = !words.every((word) => parts.some((part) => part.startsWith(word)));
      if (!row.hidden) n++;
    }
    for (const list of board.querySelectorAll('.day-rows')) {
      list.closest('section').hidden = !list.querySelector('[data-row]:not([hidden])');
    }
    const found = board.querySelector('#day-found');
    found.textContent = words.length > 0 && n === 0 ? found.dataset.none : '';
  };

  document.addEventListener('input', (event) => { if (event.target === finder()) find(); });

  document.addEventListener('click', (event) => {
    if (event.target.closest?.('[data-keys-help]')) help.showModal();
  });

  // A click on a name opens the row as Enter does, and closes it; also in the moment after the
  // list changed, in which htmx knows nothing of it yet. With a modifier it is a link.
  board.addEventListener('click', (event) => {
    const row = event.target.closest?.('.day-name')?.closest('[data-row]');
    if (!row || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    open(row);
  });

  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || help.open) return;
    if (event.target === finder()) {
      if (event.key === 'Escape') { finder().value = ''; find(); }
      if (event.key !== 'Escape' && event.key !== 'Enter' && event.key !== 'ArrowDown') return;
      event.preventDefault();
      opener(rows()[0])?.focus();
      return;
    }
    if (event.target.matches?.('input, textarea, select')) return;
    const row = here();
    switch (event.key) {
      case 'ArrowDown': case 'ArrowUp':
        if (row) { event.preventDefault(); go(event.key === 'ArrowDown' ? 1 : -1); }
        return;
      case 'Escape':
        if (row) { shut(row); opener(row).focus(); }
        return;
    }
    if (!allowed.checked || event.key.length !== 1) return;
    switch (event.key) {
      case 'j': go(1); break;
      case 'k': go(-1); break;
      case '/': finder()?.focus(); finder()?.select(); break;
      case '?': help.showModal(); break;
      case ' ': return;
      default:
        if (!row) return;
        press(row, event.key);
    }
    event.preventDefault();
  });

  // What was done: the row is where it belongs now, and the keyboard is in the row that took
  // its place. Somebody who was faster is no failure: the list is read again, and says so.
  board.addEventListener('htmx:beforeRequest', (event) => {
    if (event.target.matches('.day-acts form')) at = rows().indexOf(here());
  });
  board.addEventListener('htmx:afterRequest', (event) => {
    if (!event.target.matches?.('.day-acts form')) return;
    const row = event.target.closest('[data-row]');
    if (event.detail.successful) {
      if (row) shut(row);
      return;
    }
    document.querySelector('#day-said').textContent = document.querySelector('#day-said').dataset.changed;
    htmx.trigger(board, 'refresh');
  });
  board.addEventListener('htmx:beforeSwap', (event) => {
    // The panel of a row that was acted upon must not be kept open over the new list.
    if (event.target === board && event.detail.requestConfig?.verb === 'post') {
      for (const row of rows()) if (row.contains(event.detail.requestConfig.elt)) shut(row);
    }
  });
  board.addEventListener('htmx:afterSwap', (event) => {
    if (event.target !== board) return;
    find();
    if (at >= 0) {
      const all = rows();
      opener(all[Math.min(at, all.length - 1)])?.focus({ preventScroll: true });
      at = -1;
    }
    // What is open stays open, and is read again where the row stands elsewhere now.
    for (const row of rows()) {
      if (acts(row).childElementCount === 0) continue;
      opener(row).setAttribute('aria-expanded', 'true');
      if (acts(row).dataset.at !== row.dataset.at) open(row, true);
    }
  });

  // The stream, or asking.
  let streams = false;
  document.addEventListener('htmx:sseOpen', () => { streams = true; });
  document.addEventListener('htmx:sseError', () => { streams = false; });
  document.addEventListener('htmx:sseClose', () => { streams = false; });
  setInterval(() => { if (!streams && !document.hidden) htmx.trigger(board, 'refresh'); }, 5000);
}
