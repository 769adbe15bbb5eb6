// An HTTP SMS provider for tests, on node:http and nothing else: it shares no code and no
// reading of HTTP with what it judges. It behaves like one of four kinds of provider.
//
// Started with one JSON argument:
//   {"mode": "twilio" | "ovh" | "plain" | "json", "user": "…", "password": "…", "secret": "…",
//    "callback": "http://…", "key": PEM, "cert": PEM, "faults": [...]}
//   twilio  basic user:password, form, answers 201 {sid, status}; callbacks signed with password
//   ovh     user is the application, password its secret, secret the consumer; JSON, answers 200 {ids, validReceivers, …};
//           callbacks go to "callback"
//   plain   username and password as parameters, answers 202 "0: Accepted for delivery", as Kannel does
//   json    "Authorization: Bearer password", answers 201 {"message": {"id": …}}; honours Idempotency-Key
//
// A fault is {"do": DO, "status": 500, "body": "…", "type": "…", "times": 1, "to": "+33…"}; times 0 means once, -1 always:
//   drop-unread  the connection ends before anything is read (cannot have "to")
//   drop         read whole, taken, no answer
//   stall        read whole, taken; answers as usual after {"do": "release"}
//   answer       read whole, taken; answers status and body whatever the mode
//   refuse       read whole, not taken; answers status and body
//   huge         taken; the usual answer and 8 MB of spaces
//   redirect     taken; 307 to /again of this server, which takes a message as well
//   slow         taken; the first half of the usual answer, the rest after release
//   cut          taken; the first half of the usual answer, then a reset
//   reset        taken; the usual answer whole, then a reset
//   raw          taken; body as bytes on the connection, which then ends
//   early        taken; the receipt (status, delivered word of the mode) is brought before the answer
//
// Stdin takes one JSON object a line: {"do": "plan", "faults": […], "n": 1}, {"do": "release", "n": 2}, {"do": "sync", "n": 3},
//   {"do": "report", "number": 1, "status": "delivered", "code": "", "id": "…", "n": 4}: a receipt of request 1,
//   {"do": "reply", "url": "…", "from": "+33…", "to": "…", "text": "…", "n": 5}: a telephone wrote;
// each is acknowledged by {"event": "done", "n": …}, which comes after every event that happened before it; for report and
// reply it has the answer's status and body. When stdin ends, so does the peer.
//
// Stdout gives one JSON object a line: first {"port": N}, then connect, request (read to the last byte: this is where a
// request is counted; "taken" when a telephone would have rung), played, stalled.

import { createServer as createPlain, request as plainRequest } from 'node:http';
import { createServer as createSecure, request as secureRequest } from 'node:https';
import { createHash, createHmac } from 'node:crypto';
import { createInterface } from 'node:readline';

const config = JSON.parse(process.argv[2] || '{}');
const plan = (list) => (list || []).map((f) => ({ ...f, times: f.times || 1 }));
let faults = plan(config.faults);
let stalled = [];
let count = 0;
const requests = new Map(); // number → what was read
const keys = new Map(); // Idempotency-Key → the id given

const say = (event) => process.stdout.write(JSON.stringify(event) + '\n');

function fault(pick) {
  const found = faults.find((f) => f.times !== 0 && pick(f));
  if (found && found.times > 0) found.times--;
  return found;
}

/** What each mode reads in a request, and how it says yes. */
const modes = {
  twilio: {
    read(r) {
      const p = new URLSearchParams(r.body);
      const expected = 'Basic ' + Buffer.from(`${config.user}:${config.password}`).toString('base64');
      const callback = p.get('StatusCallback') || '';
      return {
        to: p.getAll('To'), from: p.get('From'), text: p.get('Body'), ttl: p.get('ValidityPeriod'), callback,
        id: callback ? new URL(callback).searchParams.get('letter') : '',
        auth: r.headers.authorization === expected && r.method === 'POST' && /^\/2010-04-01\/Accounts\/[^/]+\/Messages\.json$/.test(r.path),
      };
    },
    yes(m) {
      m.given = 'SM' + createHash('md5').update(String(m.number)).digest('hex');
      return [201, 'application/json', JSON.stringify({ sid: m.given, status: 'queued', to: m.to[0], body: m.text, error_code: null })];
    },
    no: [401, 'application/json', JSON.stringify({ code: 20003, message: 'Authenticate', status: 401 })],
    report(m, o) {
      const form = { MessageSid: o.id ?? m.given, SmsSid: o.id ?? m.given, MessageStatus: o.status, SmsStatus: o.status, To: m.to[0], From: m.from, AccountSid: config.user };
      if (o.code) form.ErrorCode = o.code;
      return signed(m.callback, form);
    },
    reply: (o) => signed(o.url, { MessageSid: 'SM' + createHash('md5').update(o.text).digest('hex'), SmsStatus: 'received', From: o.from, To: o.to, Body: o.text, AccountSid: config.user }),
    delivered: 'delivered',
  },
  ovh: {
    read(r) {
      let p = {};
      try { p = JSON.parse(r.body); } catch { /* not JSON: nothing is read from it */ }
      const url = `${config.cert ? 'https' : 'http'}://${r.headers.host}${r.url}`;
      const text = [config.password, config.secret, r.method, url, r.body, r.headers['x-ovh-timestamp']].join('+');
      const expected = '$1$' + createHash('sha1').update(text).digest('hex');
      const near = Math.abs(Number(r.headers['x-ovh-timestamp']) - Date.now() / 1000) < 60;
      return {
        to: p.receivers || [], from: p.sender, text: p.message, ttl: typeof p.validityPeriod === 'number' ? String(p.validityPeriod) : '', id: p.tag,
        coding: p.coding, callback: config.callback || '', transactional: p.noStopClause === true,
        auth: near && r.headers['x-ovh-application'] === config.user && r.headers['x-ovh-consumer'] === config.secret && r.headers['x-ovh-signature'] === expected,
      };
    },
    yes(m) {
      m.given = String(9007199254740993n + BigInt(m.number)); // more than a double can hold
      return [200, 'application/json', `{"totalCreditsRemoved":1,"invalidReceivers":[],"ids":[${m.given}],"validReceivers":${JSON.stringify(m.to)}}`];
    },
    no: [403, 'application/json', JSON.stringify({ class: 'Client::Forbidden', message: 'This credential is not valid' })],
    report: (m, o) => call('GET', withQuery(m.callback, { id: o.id ?? m.given, dlr: o.status, ptt: o.code || '' })),
    reply: () => { throw new Error('ovh brings no replies'); },
    delivered: '1',
  },
  plain: {
    read(r) {
      const p = r.method === 'GET' ? new URLSearchParams(r.query) : new URLSearchParams(r.body);
      const callback = p.get('dlr-url') || '';
      return {
        to: p.getAll('to'), from: p.get('from'), text: p.get('text'), ttl: p.get('validity'), coding: p.get('coding'), callback,
        id: (/[?&]letter=([^&]*)/.exec(callback) || [])[1] || '',
        auth: p.get('username') === config.user && p.get('password') === config.password,
      };
    },
    yes: () => [202, 'text/html', '0: Accepted for delivery'],
    no: [403, 'text/html', 'Authorization failed for sendsms'],
    report(m, o) {
      const escapes = { '%d': o.status, '%p': encodeURIComponent(m.to[0]), '%A': encodeURIComponent(o.code || ''), '%F': '', '%P': encodeURIComponent(m.from) };
      return call('GET', m.callback.replace(/%[dpAFP]/g, (e) => escapes[e]));
    },
    reply: (o) => call('GET', withQuery(o.url, { from: o.from, text: o.text })),
    delivered: '1',
  },
  json: {
    read(r) {
      let p = {};
      try { p = JSON.parse(r.body); } catch { /* not JSON: nothing is read from it */ }
      return {
        to: [].concat(p.to || []), from: p.from, text: p.text, ttl: String(p.ttl ?? ''), id: p.reference, callback: config.callback || '',
        key: r.headers['idempotency-key'] || '', auth: r.headers.authorization === `Bearer ${config.password}`,
      };
    },
    yes(m) {
      m.given = (m.key && keys.get(m.key)) || `m-${m.number}`;
      if (m.key) keys.set(m.key, m.given);
      return [201, 'application/json', JSON.stringify({ message: { id: m.given }, state: 'queued' })];
    },
    no: [401, 'application/json', JSON.stringify({ error: 'unauthorized' })],
    report(m, o) {
      const body = JSON.stringify({ events: [{ kind: 'receipt', id: o.id ?? m.given, to: m.to[0], state: o.status, error: o.code || null, reference: m.id }] });
      return call('POST', m.callback, body, { 'content-type': 'application/json', 'x-signature': 'sha256=' + createHmac('sha256', config.secret || '').update(body).digest('hex') });
    },
    reply(o) {
      const body = JSON.stringify({ events: [{ kind: 'reply', id: 'r-1', from: o.from, text: o.text }] });
      return call('POST', o.url, body, { 'content-type': 'application/json', 'x-signature': 'sha256=' + createHmac('sha256', config.secret || '').update(body).digest('hex') });
    },
    delivered: 'delivered',
  },
};
const mode = modes[config.mode];
if (!mode) {
  say({ error: `mode ${config.mode} is not known` });
  process.exit(1);
}

function withQuery(url, values) {
  const u = new URL(url);
  for (const [name, value] of Object.entries(values)) u.searchParams.set(name, value);
  return u.href;
}

/** A form signed as Twilio signs: the address, then each name and value in the order of names. */
function signed(url, form) {
  const text = url + Object.keys(form).sort().map((name) => name + form[name]).join('');
  const signature = createHmac('sha1', config.password).update(text).digest('base64');
  return call('POST', url, new URLSearchParams(form).toString(), { 'content-type': 'application/x-www-form-urlencoded', 'x-twilio-signature': signature });
}

/** Calls our side and gives its answer. */
function call(method, url, body, headers = {}) {
  return new Promise((resolve) => {
    const fail = (err) => resolve({ status: 0, body: String(err.message || err) });
    let out;
    try {
      const length = body === undefined ? {} : { 'content-length': Buffer.byteLength(body) };
      out = (url.startsWith('https:') ? secureRequest : plainRequest)(url, { method, headers: { ...headers, ...length } }, (response) => {
        const chunks = [];
        response.on('data', (chunk) => chunks.push(chunk));
        response.on('end', () => resolve({ status: response.statusCode, body: Buffer.concat(chunks).toString() }));
        response.on('error', fail);
      });
    } catch (err) {
      return fail(err);
    }
    out.on('error', fail);
    out.end(body);
  });
}

function handle(request, response) {
  const chunks = [];
  request.on('error', () => {});
  response.on('error', () => {});
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => {
    const [path, query = ''] = request.url.split(/\?(.*)/s);
    const body = Buffer.concat(chunks).toString();
    if (path === '/check') {
      response.writeHead(config.checkStatus || 200, { 'content-type': 'text/plain' });
      return response.end('check');
    }
    const m = { number: ++count, method: request.method, path, query, ...mode.read({ method: request.method, url: request.url, path, query, headers: request.headers, body }) };
    requests.set(m.number, m);
    const f = fault((x) => x.do !== 'drop-unread' && (!x.to || m.to.includes(x.to)));
    const again = !!m.key && keys.has(m.key);
    const taken = m.auth && f?.do !== 'refuse' && !again;
    const [status, type, text] = m.auth ? mode.yes(m) : mode.no;
    say({ event: 'request', ...m, taken, again, body: Buffer.from(body).toString('base64'), headers: request.headers });
    const usual = () => {
      response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(text) });
      response.end(text);
    };
    if (!f) return usual();
    say({ event: 'played', did: f.do, number: m.number });
    const half = Math.floor(Buffer.byteLength(text) / 2);
    switch (f.do) {
      case 'drop':
        return request.socket.destroy();
      case 'stall':
        stalled.push(usual);
        return say({ event: 'stalled', number: m.number });
      case 'answer':
      case 'refuse':
        response.writeHead(f.status, { 'content-type': f.type || 'application/json' });
        return response.end(f.body || '');
      case 'huge':
        response.writeHead(status, { 'content-type': type });
        return response.end(text + ' '.repeat(8 << 20));
      case 'redirect':
        response.writeHead(307, { location: '/again' });
        return response.end();
      case 'slow':
        response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(text) });
        response.write(text.slice(0, half));
        stalled.push(() => response.end(text.slice(half)));
        return say({ event: 'stalled', number: m.number });
      case 'cut':
        response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(text) });
        return response.write(text.slice(0, half), () => request.socket.resetAndDestroy());
      case 'reset':
        response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(text) });
        return response.end(text, () => request.socket.resetAndDestroy());
      case 'raw':
        return request.socket.end(f.body || '');
      case 'early':
        return mode.report(m, { status: mode.delivered }).then((answer) => {
          say({ event: 'called', number: m.number, ...answer });
          usual();
        });
      default:
        process.stderr.write(`gateway-peer: unknown fault ${JSON.stringify(f)}\n`);
        process.exit(2);
    }
  });
}

const server = config.cert ? createSecure({ key: config.key, cert: config.cert }, handle) : createPlain(handle);
server.keepAliveTimeout = 0; // a client that keeps a connection finds it open
server.on('connection', (socket) => {
  socket.on('error', () => {});
  say({ event: 'connect' });
  if (fault((f) => f.do === 'drop-unread')) {
    say({ event: 'played', did: 'drop-unread' });
    socket.destroy();
  }
});
server.on('tlsClientError', () => {});
server.on('clientError', (err, socket) => socket.destroy());

createInterface({ input: process.stdin })
  .on('line', async (line) => {
    const order = JSON.parse(line);
    let answer = {};
    if (order.do === 'plan') faults = plan(order.faults);
    if (order.do === 'release') {
      const waiting = stalled;
      stalled = [];
      waiting.forEach((go) => go());
    }
    try {
      if (order.do === 'report') answer = await mode.report(requests.get(order.number), order);
      if (order.do === 'reply') answer = await mode.reply(order);
    } catch (err) {
      answer = { status: 0, body: String(err.message) };
    }
    say({ event: 'done', n: order.n, ...answer });
  })
  .on('close', () => process.exit(0));

server.listen(0, '127.0.0.1', () => say({ port: server.address().port }));
