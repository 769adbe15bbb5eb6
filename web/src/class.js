// The page of a class: its forms without leaving the page, and sound and picture by a button.
// Nothing is opened before somebody presses: neither a line, nor a microphone, nor a camera.
// What happens on the wire is live.js, loaded beside; what one may do is the server's.
const panel = document.getElementById('sound-in');
const inside = () => document.querySelector('#class > .class-room');

// A form of the class is sent without leaving the page, which would end the sound. The piece
// of the page that shows the class reads itself again.
document.addEventListener('submit', async (event) => {
  const form = event.target;
  if (form.method !== 'post' || !inside() || !new URL(form.action).pathname.startsWith('/class/')) return;
  event.preventDefault();
  if (form.dataset.sent) return;
  form.dataset.sent = 'yes';
  const body = new URLSearchParams(new FormData(form));
  if (event.submitter?.name) body.set(event.submitter.name, event.submitter.value);
  let problem = '';
  try {
    const answer = await fetch(form.action, { method: 'POST', body, redirect: 'manual' });
    if (answer.type === 'opaqueredirect' || answer.ok) {
      if (form.matches('.class-say')) form.reset();
    } else {
      const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
      problem = page.querySelector('.error, main .notice, main p')?.textContent.trim() || String(answer.status);
    }
  } catch {
    problem = document.getElementById('class-problem').dataset.lost;
  }
  document.getElementById('class-problem').textContent = problem;
  delete form.dataset.sent;
}, true);

// The class was read again. Whoever was let in meanwhile needs the rest of the page.
document.addEventListener('htmx:afterSwap', () => {
  if (inside() && !document.querySelector('.class-say')) location.reload();
});

if (panel) sound();

function sound() {
  const words = JSON.parse(panel.dataset.words);
  const at = (name) => document.getElementById(`sound-${name}`);
  const sources = ['microphone', 'camera', 'screen'];
  const figures = new Map(); // media element → what shows it
  const names = new Map();
  let me = null;
  let wanted = false; // this person asked to be in the sound
  let state = 'off'; // off, connecting, in, back
  let entering = false;
  let floor = {};
  let mine = {};
  let only = false;
  let poor = 0;
  let again = 0;

  const say = (text) => { if (at('says').textContent !== text) at('says').textContent = text; };
  const open = () => inside()?.dataset.sound ?? 'out';

  function show() {
    const here = state === 'in' || state === 'back';
    at('join').hidden = wanted;
    at('join').disabled = open() !== 'open';
    at('leave').hidden = !wanted;
    at('only').hidden = !here;
    at('only').textContent = only ? words.pictures : words.only;
    for (const source of sources) {
      const button = at(source);
      const can = source !== 'screen' || Boolean(navigator.mediaDevices?.getDisplayMedia);
      button.hidden = !here || !floor[source] || !can;
      button.textContent = mine[source] ? words[`${source}.close`] : words[`${source}.open`];
      button.classList.toggle('is-open', Boolean(mine[source]));
    }
    at('none').hidden = !here || sources.some((source) => floor[source]);
    at('voices').hidden = !here;
    at('stage').hidden = only || [...figures.values()].every((figure) => figure.hidden);
  }

  const load = () => new Promise((done, fail) => {
    if (globalThis.preauLive) { done(); return; }
    const script = document.createElement('script');
    script.src = panel.dataset.live;
    script.onload = done;
    script.onerror = () => { script.remove(); fail(new Error('live.js')); };
    document.head.append(script);
  });

  async function join() {
    wanted = true;
    clearTimeout(again);
    if (entering) return;
    entering = true;
    if (state !== 'back') state = 'connecting';
    say(state === 'back' ? words.back : words.connecting);
    show();
    try {
      await load();
      if (!me) {
        me = globalThis.preauLive(panel.dataset.address, hear);
        me.room.on('connectionQualityChanged', quality);
        panel.line = me; // for tests
      }
      await me.enter();
      if (!wanted) me.leave();
    } catch {
      if (wanted) await why(true);
    } finally {
      entering = false;
      show();
    }
  }

  // why there is no sound, in words, and whether it is tried again. tried: the engine was
  // asked, so that an answer of its own means that only the media ports are closed.
  async function why(tried) {
    let status = 0;
    try {
      status = (await fetch(`${panel.dataset.address}/rtc/validate`, { cache: 'no-store' })).status;
    } catch { /* no network at all */ }
    const later = (ms) => { clearTimeout(again); again = setTimeout(() => { if (wanted) join(); }, ms); };
    if (status === 401 || status === 403) stop(open() === 'open' ? words.refused : words[`class.${open()}`]);
    else if (status === 429) stop(words.twice);
    else if (status === 0) { say(words.lost); later(2000); }
    else if (status !== 200) { say(words.away); later(4000); }
    else if (tried) { say(words.blocked); later(15000); }
    else later(0);
  }

  function stop(text) {
    wanted = false;
    state = 'off';
    clearTimeout(again);
    me?.leave();
    for (const element of [...figures.keys()]) drop(element);
    say(text);
    show();
  }

  function hear(name, it) {
    if (name === 'state') {
      if (it.state === 'connected') { state = 'in'; say(only && poor ? words.poor : words.in); }
      if (it.state === 'reconnecting' && wanted) { state = 'back'; say(words.back); }
      if (it.state === 'out' && wanted && !entering) {
        if (it.reason === 'DUPLICATE_IDENTITY') { stop(words.twice); return; }
        state = 'back';
        say(words.back);
        why(false);
      }
    }
    if (name === 'people') people(it.people);
    if (name === 'track') put(it);
    if (name === 'gone') drop(it.element);
    if (name === 'floor') given(it);
    if (name === 'silent') at('hear').hidden = false;
    show();
  }

  // The floor as the teacher gives and takes it. What was taken is closed here too, so that
  // the camera's light goes out.
  function given(it) {
    for (const source of sources) {
      if (it[source] && floor[source] === false) say(words[`${source}.given`]);
      if (!it[source] && floor[source]) {
        say(words[`${source}.taken`]);
        me[source](false).catch(() => {});
      }
      floor[source] = it[source];
    }
  }

  function people(all) {
    names.clear();
    const rows = new Map([...at('voices').children].map((row) => [row.dataset.id, row]));
    mine = all.find((p) => p.me) ?? {};
    for (const p of all) {
      names.set(p.id, p.name);
      const row = rows.get(p.id) ?? document.createElement('li');
      rows.delete(p.id);
      row.dataset.id = p.id;
      const parts = [p.me ? words.me : p.name];
      if (p.speaking && p.microphone) parts.push(words.speaks);
      else if (p.microphone) parts.push(words['microphone.on']);
      row.textContent = parts.join(' · ');
      row.className = p.speaking && p.microphone ? 'tag here' : 'tag soft';
      if (row.parentElement === null) at('voices').append(row);
    }
    for (const row of rows.values()) row.remove();
    for (const [element, figure] of figures) {
      // What was closed is no picture, and not a frozen one either.
      const whose = all.find((p) => p.id === figure.dataset.id);
      figure.hidden = Boolean(whose) && !whose[figure.className.split(' ')[0]];
      figure.classList.toggle('speaks', all.some((p) => p.speaking && p.id === figure.dataset.id));
      element.setAttribute('aria-label', figure.lastChild.textContent);
    }
  }

  function put({ id, source, element }) {
    if (element.tagName === 'AUDIO') {
      panel.append(element); // heard, not shown
      return;
    }
    // Subscribed anew: what showed it before is over.
    for (const [old, shows] of figures) if (shows.dataset.id === id && shows.classList.contains(source)) drop(old);
    const figure = document.createElement('figure');
    const caption = document.createElement('figcaption');
    const who = id === me.room.localParticipant.identity ? words.me : names.get(id) ?? me.people().find((p) => p.id === id)?.name ?? '';
    caption.textContent = source === 'screen' ? `${words['screen.of']} ${who}` : who;
    figure.dataset.id = id;
    figure.className = source;
    element.playsInline = true;
    element.setAttribute('aria-label', caption.textContent);
    figure.append(element, caption);
    figures.set(element, figure);
    if (source === 'screen') at('stage').prepend(figure);
    else at('stage').append(figure);
  }

  function drop(element) {
    figures.get(element)?.remove();
    figures.delete(element);
    element.remove();
  }

  async function press(source) {
    const on = !mine[source];
    try {
      if (on && !navigator.mediaDevices) throw new DOMException('', 'NotFoundError');
      await me[source](on);
    } catch (problem) {
      if (problem.name === 'NotAllowedError') say(source === 'screen' ? words['screen.not'] : words.denied);
      else if (problem.name === 'NotFoundError' || problem.name === 'NotReadableError') say(words.nodevice);
      else say(words[`${source}.taken`]);
    }
    show();
  }

  async function pictures(off) {
    only = off;
    if (!off) poor = 0;
    await me.soundOnly(off);
    say(off ? (poor ? words.poor : words['only.on']) : words.in);
    show();
  }

  // A poor line for some seconds keeps the sound and lets the picture go.
  let doubt = 0;
  function quality(value, who) {
    if (who !== me.room.localParticipant) return;
    clearTimeout(doubt);
    if (value !== 'poor' || only) return;
    doubt = setTimeout(() => {
      if (only || state !== 'in') return;
      poor++;
      pictures(true);
    }, 3000);
  }

  at('join').addEventListener('click', join);
  at('leave').addEventListener('click', () => { stop(words.left); at('join').focus(); });
  at('only').addEventListener('click', () => pictures(!only));
  at('hear').addEventListener('click', () => { me.sound(); at('hear').hidden = true; });
  for (const source of sources) at(source).addEventListener('click', () => press(source));

  // What leaves the page would end the sound: the roll opens beside it.
  document.addEventListener('click', (event) => {
    const link = event.target.closest?.('#class a[href]');
    if (link && wanted) link.target = '_blank';
  });

  // The class was read again: opened, ended, or no longer this person's.
  let was = '';
  const look = () => {
    if (open() !== was) {
      was = open();
      if (was === 'open') { if (!wanted) say(words.ready); }
      else if (wanted && was !== 'wait') stop(words[`class.${was}`]);
      else if (!wanted) say(words[`class.${was}`]);
    }
    show();
  };
  document.addEventListener('htmx:afterSwap', look);
  look();
}
