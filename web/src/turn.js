// A password that must wait its turn is not typed again: the page keeps it in its own field, the
// server keeps nothing, and the form is sent once more when the server said so, and not before.
// <form data-turn="sentence"> says the sentence in its [data-turn-says] meanwhile.
const pause = (ms) => new Promise((done) => setTimeout(done, ms));

async function turn(form, says) {
  const body = new URLSearchParams(new FormData(form));
  for (;;) {
    const answer = await fetch(form.action, {method: 'POST', body, redirect: 'manual', cache: 'no-store'});
    if (answer.type === 'opaqueredirect') { // in: the session's cookie is set
      location.assign(form.elements.next?.value || '/');
      return;
    }
    if (!answer.headers.get('Preau-Line')) return answer.text();
    says.textContent = form.dataset.turn;
    await pause(1000 * Math.max(1, Number(answer.headers.get('Retry-After')) || 5));
  }
}

document.addEventListener('submit', async (event) => {
  const form = event.target;
  if (!form.dataset?.turn || event.defaultPrevented) return;
  event.preventDefault();
  if (form.dataset.sent) return;
  form.dataset.sent = 'yes';
  const says = form.querySelector('[data-turn-says]');
  const fields = [...form.querySelectorAll('input:not([type="hidden"]):not([readonly]):not([type="radio"])')];
  for (const field of fields) field.readOnly = true; // what is on its way is not altered
  for (const name of ['aria-busy', 'aria-disabled']) event.submitter?.setAttribute(name, 'true');
  try {
    const page = await turn(form, says);
    if (page === undefined) return;
    const parsed = new DOMParser().parseFromString(page, 'text/html');
    document.title = parsed.title;
    document.querySelector('main').replaceWith(parsed.querySelector('main'));
    (document.querySelector('[aria-invalid="true"]') ?? document.querySelector('main input[type="password"]'))?.focus();
  } catch {
    form.submit(); // the browser says itself what is the matter with the network
  } finally {
    says.textContent = '';
    for (const field of fields) field.readOnly = false;
    delete form.dataset.sent;
    for (const name of ['aria-busy', 'aria-disabled']) event.submitter?.removeAttribute(name);
  }
}, true);
