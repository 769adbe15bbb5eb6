// A mail server for tests: npm's smtp-server, which we did not write, with the
// faults a network can make played on demand.
//
// Started with one JSON argument:
//   {"user": "", "pass": "", "tls": "" | "starttls" | "tls", "key": PEM, "cert": PEM, "faults": [...]}
// A fault is {"at": STAGE, "do": "refuse" | "drop" | "stall", "code": 451, "text": "…", "times": 1, "to": "only@this.example"}:
//   connect  before the greeting          mail, rcpt  at that command
//   data     instead of 354               content     after 354, nothing read
//   answer   all read, nothing answered   after       250 answered, then gone
// times 0 means once and -1 means always; "stall" waits for {"do": "release"} and then goes on as usual.
//
// Stdin takes one JSON object a line: {"do": "plan", "faults": […], "n": 1}, {"do": "release", "n": 2}, {"do": "sync", "n": 3};
// each is acknowledged by {"event": "done", "n": …}, which comes after every event that happened before it.
// When stdin ends, so does the server: it never outlives the test that started it, however that test dies.
//
// Stdout gives one JSON object a line: first {"port": N}, then connect, mail, rcpt, content
// (the whole letter was read: this is where a letter is counted), answered, refused, dropped, stalled, close.
// Writes to a pipe are synchronous here, so a letter is on record before its 250 leaves.

import { createInterface } from 'node:readline';

let SMTPServer;
try {
  ({ SMTPServer } = await import('smtp-server'));
} catch {
  process.stdout.write(JSON.stringify({ error: 'smtp-server is not installed: run make setup' }) + '\n');
  process.exit(1);
}

const config = JSON.parse(process.argv[2] || '{}');
let faults = config.faults || [];
let stalled = [];

const say = (event) => process.stdout.write(JSON.stringify(event) + '\n');

/** The next planned fault for this stage, counted down; undefined when the stage goes as usual. */
function fault(stage, session) {
  const to = (session?.envelope?.rcptTo || []).map((r) => r.address);
  const found = faults.find((f) => f.at === stage && f.times !== 0 && (!f.to || to.includes(f.to)));
  if (found && found.times > 0) found.times--;
  return found;
}

const plan = (list) => (list || []).map((f) => ({ ...f, times: f.times || 1 }));
faults = plan(faults);

const connection = (session) => [...server.connections].find((c) => c.id === session.id);

/** Plays what is planned for a stage, then calls go (as usual) or refuse(error). */
function play(stage, session, go, refuse) {
  const f = fault(stage, session);
  if (!f) return go();
  const note = { id: session.id, at: stage };
  switch (f.do) {
    case 'refuse': {
      say({ event: 'refused', ...note, code: f.code });
      return refuse(Object.assign(new Error(f.text || 'planned refusal'), { responseCode: f.code }));
    }
    case 'drop':
      say({ event: 'dropped', ...note });
      return connection(session)?._socket.destroy();
    case 'stall':
      stalled.push(go);
      return say({ event: 'stalled', ...note });
    default:
      process.stderr.write(`smtp-peer: unknown fault ${JSON.stringify(f)}\n`);
      process.exit(2);
  }
}

const server = new SMTPServer({
  name: 'mail.peer.example',
  banner: 'peer for tests',
  disableReverseLookup: true,
  socketTimeout: 30 * 60 * 1000,
  secure: config.tls === 'tls',
  key: config.key,
  cert: config.cert,
  disabledCommands: [...(config.user ? [] : ['AUTH']), ...(config.tls === 'starttls' ? [] : ['STARTTLS'])],
  authMethods: ['PLAIN', 'LOGIN'],
  allowInsecureAuth: false,

  onConnect(session, done) {
    say({ event: 'connect', id: session.id });
    const c = connection(session);
    const usual = c.handler_DATA;
    // The library asks nobody before it answers 354, so the DATA command itself is played here.
    c.handler_DATA = function (command, next) {
      play('data', session, () => usual.call(c, command, next), (err) => {
        c.send(err.responseCode, err.message);
        next();
      });
    };
    play('connect', session, done, done);
  },
  onAuth(auth, session, done) {
    const good = auth.username === config.user && auth.password === config.pass;
    say({ event: 'auth', id: session.id, ok: good, secure: session.secure });
    if (good) return done(null, { user: auth.username });
    return done(Object.assign(new Error('wrong name or password'), { responseCode: 535 }));
  },
  onMailFrom(address, session, done) {
    say({ event: 'mail', id: session.id, from: address.address });
    play('mail', session, done, done);
  },
  onRcptTo(address, session, done) {
    say({ event: 'rcpt', id: session.id, to: address.address });
    const withThis = { id: session.id, envelope: { rcptTo: [...session.envelope.rcptTo, address] } };
    play('rcpt', withThis, done, done);
  },
  onData(stream, session, done) {
    const f = faults.find((x) => x.at === 'content' && x.times !== 0);
    if (f) {
      // Nothing is read: 354 goes out first, then the fault is played.
      return setImmediate(() => play('content', session, () => read(stream, session, done), done));
    }
    read(stream, session, done);
  },
  onClose(session) {
    say({ event: 'close', id: session.id });
  },
});

let count = 0;

function read(stream, session, done) {
  const chunks = [];
  stream.on('data', (chunk) => chunks.push(chunk));
  stream.on('end', () => {
    const number = ++count;
    say({
      event: 'content',
      id: session.id,
      number,
      from: session.envelope.mailFrom.address,
      to: session.envelope.rcptTo.map((r) => r.address),
      user: session.user || '',
      secure: !!session.secure,
      raw: Buffer.concat(chunks).toString('base64'),
    });
    const accept = () => {
      const gone = fault('after', session);
      say({ event: 'answered', id: session.id, number, code: 250 });
      const socket = connection(session)?._socket;
      done(null, `queued as ${number}`);
      if (gone) {
        say({ event: 'dropped', id: session.id, at: 'after' });
        socket?.end();
      }
    };
    play('answer', session, accept, (err) => {
      say({ event: 'answered', id: session.id, number, code: err.responseCode });
      done(err);
    });
  });
}

server.on('error', (err) => {
  // Connections that a test breaks on purpose end up here.
  say({ event: 'error', text: String(err.message) });
});

createInterface({ input: process.stdin })
  .on('line', (line) => {
    const order = JSON.parse(line);
    if (order.do === 'plan') faults = plan(order.faults);
    if (order.do === 'release') {
      const waiting = stalled;
      stalled = [];
      waiting.forEach((go) => go());
    }
    say({ event: 'done', n: order.n });
  })
  .on('close', () => process.exit(0));

server.listen(0, '127.0.0.1', () => say({ port: server.server.address().port }));
