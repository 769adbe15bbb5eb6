// What script adds to pages that already work without it. Nothing here is
// needed to do one's work, and nothing here confirms, counts or follows anybody.
import htmx from 'htmx.org';
import 'htmx-ext-sse';

document.documentElement.classList.add('with-script');
globalThis.htmx = htmx;

// A form is sent once: a second tap while the first is on its way is dropped.
document.addEventListener('submit', (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method !== 'post' || form.hasAttribute('hx-post')) return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = 'yes';
  event.submitter?.setAttribute('aria-busy', 'true');
});

// Coming back to a page that the browser kept: its forms can be sent again.
window.addEventListener('pageshow', (event) => {
  if (!event.persisted) return;
  for (const form of document.querySelectorAll('form[data-sent]')) delete form.dataset.sent;
  for (const button of document.querySelectorAll('[aria-busy="true"]')) button.removeAttribute('aria-busy');
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

// After a refused form, the reader starts at the first field at fault.
document.querySelector('[aria-invalid="true"]')?.focus();

// <button data-print class="script-only"> prints the page.
document.addEventListener('click', (event) => {
  if (event.target.closest?.('[data-print]')) window.print();
});
