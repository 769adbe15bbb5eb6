// What script adds to pages that already work without it. Nothing here is
// needed to do one's work, and nothing here confirms, counts or follows anybody.
import 'htmx.org';
import 'htmx-ext-sse';
import './board.js';
import './offline.js';
import './roll.js';
import './passkey.js';
import './turn.js';

document.documentElement.classList.add('with-script');

// A form is sent once: a second tap while the first is on its way is dropped.
// After five seconds it counts as lost (or was a download) and may be sent again.
function release(form, button) {
  delete form.dataset.sent;
  button?.removeAttribute('aria-busy');
}
document.addEventListener('submit', (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method !== 'post' || form.hasAttribute('hx-post')) return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = 'yes';
  event.submitter?.setAttribute('aria-busy', 'true');
  setTimeout(release, 5000, form, event.submitter);
});

// Coming back to a page that the browser kept: its forms can be sent again.
window.addEventListener('pageshow', (event) => {
  if (!event.persisted) return;
  for (const form of document.querySelectorAll('form[data-sent]')) release(form, form.querySelector('[aria-busy]'));
});

// The menu of the bar closes when one looks elsewhere.
const menus = () => document.querySelectorAll('details.menu[open]');
document.addEventListener('click', (event) => {
  for (const menu of menus()) if (!menu.contains(event.target)) menu.open = false;
});
document.addEventListener('keydown', (event) => {
  if (event.key !== 'Escape') return;
  for (const menu of menus()) {
    menu.open = false;
    menu.querySelector('summary').focus();
  }
});

// After a refused form, the reader starts at the first field at fault; else, at a desk, where the
// work of the page begins. A phone would open its keyboard over what one came to read.
const atFault = document.querySelector('[aria-invalid="true"]');
const begins = !matchMedia('(pointer: coarse)').matches && !location.hash && document.querySelector('[data-first]');
(atFault || begins || undefined)?.focus();

// A key that is held down presses once: the next page has something else where the keyboard is.
document.addEventListener('keydown', (event) => {
  if (event.key === 'Enter' && event.repeat && event.target.matches?.('[data-first]')) event.preventDefault();
});

// <button data-print class="script-only"> prints the page.
document.addEventListener('click', (event) => {
  if (event.target.closest?.('[data-print]')) window.print();
});

// A link with data-copy leads to a text alone; where the browser lets us, the text is copied
// instead, and the page says so beside it.
document.addEventListener('click', async (event) => {
  const link = event.target.closest?.('[data-copy]');
  const text = link && document.getElementById(link.dataset.copy);
  if (!text) return;
  event.preventDefault();
  const says = link.parentElement.querySelector('[role="status"]');
  try {
    if (navigator.clipboard) await navigator.clipboard.writeText(text.value);
    else { // a page that came without https has no clipboard of that kind
      text.select();
      if (!document.execCommand('copy')) throw new Error('copy');
    }
    if (says) says.textContent = link.dataset.copied;
  } catch {
    location.assign(link.href);
  }
});
document.addEventListener('keydown', (event) => {
  if (event.key === ' ' && event.target.matches?.('[data-copy][role="button"]')) {
    event.preventDefault();
    event.target.click();
  }
});

// A piece of a page that refreshes itself (data-refresh): what one has opened in it
// stays open, the keyboard stays where it is, and when the line is broken the page
// says that it is out of date.
let opened = [];
let focused = '';
const refreshed = (event) => event.target.closest?.('[data-refresh]');
document.addEventListener('htmx:beforeSwap', (event) => {
  const piece = refreshed(event);
  opened = [...(piece?.querySelectorAll('details[id][open]') ?? [])].map((details) => details.id);
  focused = piece?.contains(document.activeElement) ? document.activeElement.id : '';
});
document.addEventListener('htmx:afterSwap', () => {
  for (const id of opened.splice(0)) document.getElementById(id)?.setAttribute('open', '');
  if (focused && document.activeElement === document.body) document.getElementById(focused)?.focus({preventScroll: true});
  focused = '';
});
document.addEventListener('htmx:afterRequest', (event) => {
  refreshed(event)?.classList.toggle('is-stale', !event.detail.successful);
});
