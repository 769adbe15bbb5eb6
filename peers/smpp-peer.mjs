// An SMS centre for tests: npm's smpp, which we did not write, with the faults a
// network and a busy centre can make played on demand.
//
// Started with one JSON argument:
//   {"user": "", "pass": "", "tls": false, "key": PEM, "cert": PEM, "perSecond": 0, "receipts": MODE, "faults": [...]}
// A fault is {"at": STAGE, "do": …, "status": 0x58, "times": 1, "to": "33639980001"}:
//   connect  drop, stall                      bind    refuse (status), drop, stall
//   read     drop: not taken                  submit  drop, stall, twice: taken; refuse (header only), refuse-body, nack: not taken
//   link     stall: enquire_link is ignored   cancel  refuse, drop, stall: not cancelled
// times 0 means once and -1 means always; "stall" waits for {"do": "release"} and then goes on as usual.
//
// Receipts (MODE): "" none, delivered, failed, early (before the submit_sm_resp), twice, othercase, decimal, padded,
// unknown (an id that nobody was given). A deliver_sm that is answered 0x64, or not before the connection ends, is
// given again: after a moment, or at the next bind.
//
// Stdin takes one JSON object a line: {"do": "plan", "faults": […]}, {"do": "release"}, {"do": "deliver", "deliver": {…}},
// {"do": "unbind"}, {"do": "drop"}, {"do": "sync"}; each has a number n and is acknowledged by {"event": "done", "n": …},
// which comes after every event that happened before it. When stdin ends, so does the centre.
//
// Stdout gives one JSON object a line: first {"port": N}, then connect, bind, submit (read to the last byte; taken or
// not: this is where a message is counted), given (a deliver_sm was answered), enquire, cancel, unbind, played, close. Writes to a
// pipe are synchronous here, so a message is on record before its answer leaves.

import { createInterface } from 'node:readline';

let smpp;
try {
  smpp = (await import('smpp')).default;
} catch {
  process.stdout.write(JSON.stringify({ error: 'smpp is not installed: run make setup' }) + '\n');
  process.exit(1);
}

const config = JSON.parse(process.argv[2] || '{}');
const say = (event) => process.stdout.write(JSON.stringify(event) + '\n');
const plan = (list) => (list || []).map((f) => ({ ...f, times: f.times || 1 }));

let faults = plan(config.faults);
let stalled = [];
let ids = 0xa000000000;
let waiting = []; // deliver_sm that no bound session has been given yet
let lately = []; // when the messages of the last second came
const sessions = new Set();

// The library decodes the text and forgets its bytes; both are wanted.
const read = smpp.PDU.prototype.fromBuffer;
smpp.PDU.prototype.fromBuffer = function (buffer) {
  read.call(this, buffer);
  Object.defineProperty(this, 'bytes', { value: Buffer.from(buffer) });
};

/** What the library changes of a submit_sm on its way: validity_period and short_message, as they came. */
function asSent(bytes) {
  let at = 16;
  const text = () => {
    const end = bytes.indexOf(0, at);
    const s = bytes.toString('latin1', at, end);
    at = end + 1;
    return s;
  };
  text();
  const sourceTON = bytes[at], sourceNPI = bytes[at + 1];
  at += 2;
  text();
  const destTON = bytes[at], destNPI = bytes[at + 1];
  at += 2;
  text();
  at += 3;
  text();
  const validity = text();
  at += 4;
  return { sourceTON, sourceNPI, destTON, destNPI, validity, raw: bytes.subarray(at + 1, at + 1 + bytes[at]).toString('base64') };
}

/** The next planned fault for this stage, counted down; undefined when the stage goes as usual. */
function fault(at, to) {
  const found = faults.find((f) => f.at === at && f.times !== 0 && (!f.to || f.to === to));
  if (!found) return undefined;
  if (found.times > 0) found.times--;
  say({ event: 'played', at, do: found.do, to });
  return found;
}

function answer(session, command, sequence, status = 0, body = Buffer.alloc(0)) {
  const id = smpp.commands[command].id;
  const head = Buffer.alloc(16);
  head.writeUInt32BE(16 + body.length, 0);
  head.writeUInt32BE(id, 4);
  head.writeUInt32BE(status >>> 0, 8);
  head.writeUInt32BE(sequence, 12);
  if (session.socket.writable) session.socket.write(Buffer.concat([head, body]));
}

function drop(session) {
  session.gone = true;
  session.socket.destroy();
}

const cstring = (s) => Buffer.from(s + '\0', 'latin1');

function submit(session, pdu) {
  const to = pdu.destination_addr;
  if (fault('read', to)) return drop(session);
  const f = fault('submit', to);
  const now = performance.now();
  lately = lately.filter((t) => now - t < 1000);
  const tooMany = config.perSecond > 0 && lately.length >= config.perSecond;
  const not = tooMany || (f && ['refuse', 'refuse-body', 'nack'].includes(f.do));
  if (!tooMany) lately.push(now);
  const udh = (pdu.short_message.udh || []).find((e) => e[0] === 0 || e[0] === 8);
  const [ref, total, part] = !udh ? [0, 0, 0] : udh[0] === 0 ? [udh[2], udh[3], udh[4]] : [udh.readUInt16BE(2), udh[4], udh[5]];
  const id = not ? '' : (++ids).toString(16);
  say({
    event: 'submit', taken: !not, throttled: tooMany, user: session.user, id, sequence: pdu.sequence_number,
    from: pdu.source_addr, to, text: String(pdu.short_message.message ?? ''), coding: pdu.data_coding, esm: pdu.esm_class,
    registered: pdu.registered_delivery, reference: pdu.user_message_reference || 0, ref, total, part, ...asSent(pdu.bytes),
  });
  if (tooMany) return answer(session, 'submit_sm_resp', pdu.sequence_number, smpp.ESME_RTHROTTLED);
  const yes = () => answer(session, 'submit_sm_resp', pdu.sequence_number, 0, cstring(id));
  if (!not) receipts(session, pdu, id, config.receipts === 'early');
  switch (f?.do) {
    case undefined: yes(); break;
    case 'drop': drop(session); break;
    case 'stall': stalled.push(yes); break;
    case 'twice': yes(); yes(); break;
    case 'refuse': answer(session, 'submit_sm_resp', pdu.sequence_number, f.status); break;
    case 'refuse-body': answer(session, 'submit_sm_resp', pdu.sequence_number, f.status, cstring('')); break;
    case 'nack': answer(session, 'generic_nack', pdu.sequence_number, f.status || smpp.ESME_RSYSERR); break;
    default: unknown(f);
  }
  if (!not && config.receipts !== 'early') receipts(session, pdu, id, true);
}

/** Queues the automatic receipts of a message that was taken; now is false when it is not their moment. */
function receipts(session, pdu, id, now) {
  if (!now || !config.receipts || !pdu.registered_delivery) return;
  const stat = config.receipts === 'failed' ? 'UNDELIV' : 'DELIVRD';
  const named = { othercase: id.toUpperCase(), decimal: String(parseInt(id, 16)), padded: '0000' + id, unknown: 'ffffffff' }[config.receipts] || id;
  const text = `id:${named} sub:001 dlvrd:${stat === 'DELIVRD' ? '001' : '000'} submit date:2610060805 done date:2610060805 ` +
    `stat:${stat} err:${stat === 'DELIVRD' ? '000' : '001'} text:`;
  const one = { from: pdu.destination_addr, to: pdu.source_addr, esm: 4, text, receipted: named, state: stat === 'DELIVRD' ? 2 : 5 };
  for (let i = config.receipts === 'twice' ? 2 : 1; i > 0; i--) deliver(one);
}

/** Gives a deliver_sm to a bound session, or keeps it for the next one. */
function deliver(d) {
  const session = [...sessions].find((s) => s.user !== undefined && !s.gone);
  if (!session) return waiting.push(d);
  const options = {
    source_addr_ton: d.fromTON ?? 1, source_addr_npi: 1, source_addr: d.from, destination_addr: d.to || '',
    esm_class: d.esm || 0, data_coding: d.coding || 0,
    short_message: d.raw ? Buffer.from(d.raw, 'base64') : d.text || '',
  };
  if (d.receipted) options.receipted_message_id = d.receipted;
  if (d.state) options.message_state = d.state;
  if (d.reference) options.user_message_reference = d.reference;
  if (d.payload) { options.message_payload = Buffer.from(d.payload, 'base64'); options.short_message = Buffer.alloc(0); }
  const pdu = new smpp.PDU('deliver_sm', options);
  session.given.set(++session.sequence, d);
  pdu.sequence_number = session.sequence;
  session.send(pdu);
}

function given(session, pdu) {
  const d = session.given.get(pdu.sequence_number);
  say({ event: 'given', known: !!d, status: pdu.command_status, text: d?.text || '', id: d?.receipted || '' });
  session.given.delete(pdu.sequence_number);
  if (d && pdu.command_status === smpp.ESME_RX_T_APPN) setTimeout(() => deliver(d), 50);
}

function bind(session, pdu, as) {
  const f = fault('bind');
  const usual = () => {
    let status = 0;
    if (config.user && pdu.system_id !== config.user) status = smpp.ESME_RINVSYSID;
    else if (config.pass && pdu.password !== config.pass) status = smpp.ESME_RINVPASWD;
    else if (session.user !== undefined) status = smpp.ESME_RALYBND;
    if (f?.do === 'refuse') status = f.status;
    say({ event: 'bind', user: pdu.system_id, status, as, version: pdu.interface_version, type: pdu.system_type });
    answer(session, as + '_resp', pdu.sequence_number, status, status ? undefined : cstring('peer'));
    if (status) return;
    session.user = pdu.system_id;
    const old = waiting;
    waiting = [];
    old.forEach(deliver);
  };
  if (f?.do === 'drop') return drop(session);
  if (f?.do === 'stall') return stalled.push(usual);
  usual();
}

function cancel(session, pdu) {
  const f = fault('cancel', pdu.destination_addr);
  const yes = () => {
    say({ event: 'cancel', id: pdu.message_id, from: pdu.source_addr, to: pdu.destination_addr });
    answer(session, 'cancel_sm_resp', pdu.sequence_number);
  };
  if (f?.do === 'drop') return drop(session);
  if (f?.do === 'stall') return stalled.push(yes);
  if (f) return answer(session, 'cancel_sm_resp', pdu.sequence_number, f.status || smpp.ESME_RCANCELFAIL);
  yes();
}

function unknown(f) {
  process.stderr.write(`smpp-peer: unknown fault ${JSON.stringify(f)}\n`);
  process.exit(2);
}

const server = smpp.createServer(config.tls ? { key: config.key, cert: config.cert } : {}, (session) => {
  session.given = new Map();
  sessions.add(session);
  say({ event: 'connect' });
  // Connections that a test breaks on purpose end up here.
  session.on('error', (err) => say({ event: 'error', text: String(err.message) }));
  session.on('close', () => {
    session.gone = true;
    sessions.delete(session);
    waiting.push(...session.given.values());
    say({ event: 'close', user: session.user });
  });
  const f = fault('connect');
  if (f?.do === 'drop') return drop(session);
  if (f?.do === 'stall') {
    session.pause();
    stalled.push(() => session.resume());
  }
  session.on('pdu', (pdu) => {
    if (session.gone) return; // what was still in the buffer when the line was cut
    switch (pdu.command) {
      case 'bind_transceiver': case 'bind_receiver': case 'bind_transmitter': return bind(session, pdu, pdu.command);
      case 'submit_sm':
        if (session.user === undefined) return answer(session, 'submit_sm_resp', pdu.sequence_number, smpp.ESME_RINVBNDSTS);
        return submit(session, pdu);
      case 'deliver_sm_resp': return given(session, pdu);
      case 'cancel_sm': return cancel(session, pdu);
      case 'enquire_link':
        say({ event: 'enquire' });
        return fault('link') ? undefined : answer(session, 'enquire_link_resp', pdu.sequence_number);
      case 'unbind':
        say({ event: 'unbind', user: session.user });
        answer(session, 'unbind_resp', pdu.sequence_number);
        session.gone = true;
        return session.socket.end();
      case 'unbind_resp':
        say({ event: 'unbound', user: session.user });
        session.gone = true;
        return session.socket.end();
    }
  });
});

server.on('error', (err) => say({ event: 'error', text: String(err.message) }));

createInterface({ input: process.stdin })
  .on('line', (line) => {
    const order = JSON.parse(line);
    switch (order.do) {
      case 'plan': faults = plan(order.faults); break;
      case 'release': {
        const held = stalled;
        stalled = [];
        held.forEach((go) => go());
        break;
      }
      case 'deliver': deliver(order.deliver); break;
      case 'unbind': sessions.forEach((s) => s.unbind()); break;
      case 'drop': sessions.forEach(drop); break;
    }
    say({ event: 'done', n: order.n });
  })
  .on('close', () => process.exit(0));

server.listen(0, '127.0.0.1', () => say({ port: server.address().port }));
