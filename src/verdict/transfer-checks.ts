import type { ConntrackEvent, RuleEvent } from '../observe/event';
import type { CheckName } from '../scenario';
import { finding, unknown, type Context, type Finding } from './finding';
import {
  announcedBy,
  commandOf,
  isInside,
  isWhole,
  otherLeg,
  portPackets,
  transferBytes,
  type Facts,
  type TransferFacts,
} from './facts';
import { finTimeout, replyRepeated } from './time-checks';
import type { SessionCheckName } from './session-checks';
import type { ProbeCheckName } from './probe-checks';

type TransferCheck = (of: TransferFacts, context: Context) => Finding;
export type TransferCheckName = Exclude<CheckName, SessionCheckName | ProbeCheckName>;

/** Checks of one transfer, by the name of their sentence. */
export const TRANSFER_CHECKS: Readonly<Record<TransferCheckName, TransferCheck>> = {
  complete: (of, context) => {
    const { bytes, expected } = transferBytes(of);
    const proof = [of.sent, of.received, of.clientClosed, of.serverClosed];
    const digest =
      of.received && of.sent
        ? `, SHA-256 ${of.received.sha256.slice(0, 8)}… ${of.received.sha256 === of.sent.sha256 ? 'as sent' : 'not as sent'}`
        : '';
    const whole = isWhole(of);
    const cause = whole ? undefined : causeOf(of, context);
    const why = `${bytes} of ${expected ?? 'unknown'} bytes arrived${digest}${cause ? `; ${cause.code}` : ''}`;
    const seen = finding(whole, why, whole ? proof : [...proof, of.end]);
    return { ...seen, events: [...new Set([...seen.events, ...(cause?.events ?? [])])] };
  },

  'ends-with-226': (of) =>
    of.finalReply
      ? finding(of.finalReply.line.startsWith('226'), `the client read “${of.finalReply.line}”`, [
          of.finalReply,
        ])
      : finding(false, 'no final reply reached the client', [of.request, of.end]),

  blocked: (of, context) => blocked(of, context, true),
  'blocked-as': (of, context) => {
    const cause = causeOf(of, context);
    return blocked(of, context, cause?.code === context.asked.cause);
  },
  'diagnosed-as': (of, context) => {
    const cause = causeOf(of, context);
    if (!cause) return finding(false, 'nothing failed', [of.finalReply]);
    if (cause.code === 'unproven') return unknown(cause.text);
    return { held: cause.code === context.asked.cause, why: cause.code, events: cause.events };
  },
  'blocked-by-row': (of, context) => {
    const stopped = stoppedBy(of, context).some(({ row }) => row === context.asked.number);
    return blocked(of, context, stopped);
  },
  'blocked-by-policy': (of, context) => {
    const stopped = stoppedBy(of, context).some(({ row }) => row === 'policy');
    return blocked(of, context, stopped);
  },

  'port-unchanged': (of, { facts }) => portOutside(of, facts, false),
  'port-rewritten': (of, { facts }) => portOutside(of, facts, true),

  'port-names-own-port': (of, { facts }) => {
    const [packet] = portPackets(facts, of, facts.legOf.client);
    const named = announcedBy(packet?.payload ?? '');
    if (!packet || !named) return unknown('no PORT was captured where the client is');
    const why = `it names port ${named.port}, the control connection comes from ${packet.sourcePort}`;
    return finding(named.port !== packet.sourcePort, why, [packet]);
  },
  'pasv-reply-rewritten': (of, { facts }) => pasvReplyRewritten(of, facts),

  'expectation-made': (of, { facts }) => {
    if (facts.observation.conntrackLost > 0) return unknown('conntrack events were lost');
    const { made } = expectationOf(of, facts);
    return finding(made !== undefined, made?.text ?? 'no expectation was made', [made ?? of.arrangement]);
  },
  'expectation-not-made': (of, { facts }) => {
    if (facts.observation.conntrackLost > 0) return unknown('conntrack events were lost');
    const { port, made } = expectationOf(of, facts);
    if (made) return finding(false, made.text, [made]);
    // That nothing was told of it says something only where the connections themselves were told of.
    const witness = facts.conntrack.find(
      ({ change, original }) =>
        change === 'new' && [port, facts.plan.server.port].includes(original.destinationPort),
    );
    if (port === undefined || !witness) return unknown('its port, or any entry of the session, was not seen');
    return finding(true, `none was made for port ${port}`, [of.arrangement, witness]);
  },

  'client-dials': (of, { facts }) => dials(of, facts, 'client'),
  'server-dials': (of, { facts }) => dials(of, facts, 'server'),
  'server-dials-from-20': (of, { facts }) => {
    const dialled = dials(of, facts, 'server');
    const syn = of.syns[facts.legOf.server][0];
    if (!dialled.held || !syn) return dialled;
    return finding(syn.sourcePort === 20, `its SYN left from port ${syn.sourcePort}`, [syn]);
  },

  'server-dials-control-port': (of, { facts }) => {
    const dialled = dials(of, facts, 'server');
    const syn = of.syns[facts.legOf.server][0];
    const control = facts.controlPackets[facts.legOf.server].find(
      ({ destinationPort }) => destinationPort === facts.plan.server.port,
    );
    if (!dialled.held || !syn || !control) return dialled;
    const why = `its SYN went to port ${syn.destinationPort}, the control connection comes from ${control.sourcePort}`;
    return finding(syn.destinationPort === control.sourcePort, why, [syn, control]);
  },
  'data-from-firewall-20': (of, { facts }) => {
    const leg = facts.legOf.client;
    const [syn] = of.syns[leg];
    if (!syn) return unknown('no SYN of the data connection was seen where the client is');
    const why = `the client sees it come from ${syn.source}:${syn.sourcePort}`;
    const held = syn.source === facts.plan.firewall.addresses[leg] && syn.sourcePort === 20;
    return finding(held, why, [syn]);
  },
  'data-helped': (of, { facts }) => dataHelper(of, facts, true),
  'data-not-helped': (of, { facts }) => dataHelper(of, facts, false),
  'control-silent': (of, { facts }) => controlTraffic(of, facts, false),
  'control-busy': (of, { facts }) => controlTraffic(of, facts, true),
  'hash-marks': (of) => {
    const marks = of.events.filter(
      (event) => event.kind === 'log' && event.vantage === 'client' && /^#+$/.test(event.line),
    );
    const count = marks.reduce((sum, event) => sum + (event.kind === 'log' ? event.line.length : 0), 0);
    return finding(count > 0, `${count} marks`, marks.slice(0, 3));
  },

  'client-listens-first': (of) => {
    const listening = of.clientData.find(({ change }) => change === 'listening');
    if (!of.request) return unknown('the client never got to its request');
    if (!listening) return finding(false, 'no listening socket of the client was seen', [of.request]);
    const lead = ((of.request.at - listening.at) * 1000).toFixed(1);
    return finding(listening.at < of.request.at, `it listened ${lead} ms before its request`, [
      listening,
      of.request,
    ]);
  },

  'data-fin-timeout': (of, { facts, asked }) => finTimeout(of, facts, asked.number),
  'cut-short': (of) => {
    const { bytes, expected } = transferBytes(of);
    return finding(!isWhole(of), `${bytes} of ${expected ?? 'unknown'} bytes arrived`, [of.received, of.end]);
  },
  'reply-repeated': (of, { facts }) => replyRepeated(of, facts),
  'no-final-reply': (of, { facts }) => {
    if (!of.end) return unknown(`${of.transfer.name} was never over`);
    const { finalReply } = of;
    const given = facts.observation.events
      .filter((event) => event.kind === 'ftp-line')
      .find(
        ({ vantage, line, at }) =>
          vantage === 'server' && line.startsWith('226') && at > (of.request?.at ?? 0),
      );
    const why = finalReply
      ? `the client read “${finalReply.line}”`
      : `the server said “${given?.line ?? 'nothing'}”`;
    return finding(finalReply === undefined && of.request !== undefined, why, [finalReply, given, of.end]);
  },
  'client-takes-for-failed': (of) => {
    if (!of.end) return unknown(`${of.transfer.name} was never over`);
    return finding(of.end.error !== null, of.end.error ?? 'it was content', [of.end]);
  },

  'passive-port-not-20': (of, { facts }) => {
    const named = announcedBy(of.arrangement?.line ?? '');
    if (!of.arrangement || !named) return unknown('the server named no port');
    const dataPort = facts.plan.server.port - 1;
    return finding(named.port !== dataPort, `it named port ${named.port}`, [of.arrangement]);
  },
};

function causeOf(of: TransferFacts, { diagnoses }: Context): Context['diagnoses'][number] | undefined {
  return diagnoses.find(({ transfer }) => transfer === of.transfer.name);
}

/** Nothing arrived, and the cause is proven. @param asFarAs whether it is the cause that was asked for */
function blocked(of: TransferFacts, context: Context, asFarAs: boolean): Finding {
  const { bytes } = transferBytes(of);
  if (isWhole(of) || bytes > 0) return finding(false, `${bytes} bytes arrived`, [of.received]);
  const cause = causeOf(of, context);
  if (!cause || cause.code === 'unproven') {
    return unknown(cause?.text ?? 'nothing arrived, and nothing says why');
  }
  return { held: asFarAs, why: `no byte arrived; ${cause.code}`, events: cause.events };
}

/** The rules that the diagnosis rests on. */
function stoppedBy(of: TransferFacts, context: Context): RuleEvent[] {
  const events = causeOf(of, context)?.events ?? [];
  return of.counted.flatMap(({ event }) => (events.includes(event.id) ? [event] : []));
}

/** What conntrack said last of the helper of a connection. */
function helperOf(
  facts: Facts,
  { sourcePort, destinationPort }: { sourcePort: number; destinationPort: number },
): string | null {
  const last = facts.conntrack.findLast(
    ({ original }) => original.sourcePort === sourcePort && original.destinationPort === destinationPort,
  );
  return last?.helper ?? null;
}

/** Whether conntrack's entry of the data connection names a helper. */
function dataHelper(of: TransferFacts, facts: Facts, wanted: boolean): Finding {
  const [syn] = [...of.syns.inside, ...of.syns.outside].sort((x, y) => x.at - y.at);
  if (!syn) return unknown('no data connection was seen');
  const entry = facts.conntrack.find(
    ({ change, original }) =>
      change === 'new' &&
      original.sourcePort === syn.sourcePort &&
      original.destinationPort === syn.destinationPort,
  );
  if (!entry) return unknown('conntrack told of no entry for it');
  const helper = helperOf(facts, entry.original);
  return finding(
    (helper !== null) === wanted,
    helper === null ? 'its entry names no helper' : `helper=${helper}`,
    [entry],
  );
}

/** The 227 or 229 as it left the server, and as it reached the client. */
function pasvReplyRewritten(of: TransferFacts, facts: Facts): Finding {
  const mine = new Set(of.events);
  const [before, after] = [facts.legOf.server, facts.legOf.client].map((leg) =>
    facts.controlPackets[leg].find((packet) => mine.has(packet) && /^22[79] /.test(packet.payload)),
  );
  if (!before || !after) return unknown('no reply to PASV was captured on both legs');
  const said = [before, after].map(({ payload }) => payload.trimEnd());
  const why =
    said[0] === said[1] ? `“${said[0] ?? ''}” on both sides` : `“${said[0] ?? ''}” became “${said[1] ?? ''}”`;
  return finding(said[0] !== said[1], why, [before, after]);
}

/** From the reply that opens the transfer to the one that ends it, on the leg of the client. */
function controlTraffic(of: TransferFacts, facts: Facts, wanted: boolean): Finding {
  const leg = facts.legOf.client;
  if (!facts.complete[leg]) return unknown(`the ${leg} capture is missing or incomplete`);
  const mine = new Set(of.events);
  const packets = facts.controlPackets[leg].filter((packet) => mine.has(packet));
  const opened = packets.find(({ payload }) => /^1\d\d /.test(payload));
  const ended = packets.find(({ payload }) => payload.startsWith('226 '));
  if (!opened || !ended) return unknown('the replies that open and end the transfer were not both captured');
  const between = packets.filter(({ at }) => at > opened.at && at < ended.at);
  const seconds = (ended.at - opened.at).toFixed(2);
  const why = `${between.length} packets with a command or reply in the ${seconds} s between “${opened.payload.trimEnd()}” and “${ended.payload.trimEnd()}”`;
  return finding(between.length > 0 === wanted, why, [opened, ended, ...between]);
}

function portOutside(of: TransferFacts, facts: Facts, rewritten: boolean): Finding {
  const leg = facts.legOf.server;
  const before = portPackets(facts, of, facts.legOf.client)[0];
  const after = portPackets(facts, of, leg)[0];
  const from = announcedBy(before?.payload ?? '');
  const to = announcedBy(after?.payload ?? '');
  if (!from || !to) return unknown(`no PORT was captured on both legs`);
  const changed = from.address !== to.address || from.port !== to.port;
  const why = changed
    ? `“${before?.payload.trimEnd() ?? ''}” inside became “${after?.payload.trimEnd() ?? ''}” outside`
    : `“${after?.payload.trimEnd() ?? ''}” on both sides`;
  const held = rewritten ? changed && !isInside(facts.plan, to.address) : !changed;
  return finding(held, why, [before, after]);
}

function dials(of: TransferFacts, facts: Facts, dialler: 'client' | 'server'): Finding {
  const near = facts.legOf[dialler];
  const [syn] = of.syns[near];
  if (!facts.complete[near] && !syn) return unknown(`the ${near} capture is missing or incomplete`);
  if (!of.arrangement && of.transfer.command !== 'none')
    return unknown(`${commandOf(of)} was never answered`);
  // The dialler's SYN is first on its own leg; on the other leg the same connection comes translated.
  const other = of.syns[otherLeg(near)][0];
  const first = syn && (!other || syn.at <= other.at) ? syn : undefined;
  const why = first
    ? `SYN ${first.source}:${first.sourcePort} → ${first.destination}:${first.destinationPort}`
    : `no SYN came from the ${dialler}`;
  return finding(first !== undefined, why, [first]);
}

/** The port that arranges the data connection, as it leaves towards the server, and what the firewall expected there. */
function expectationOf(
  of: TransferFacts,
  facts: Facts,
): { port: number | undefined; made: ConntrackEvent | undefined } {
  // By its port, not by its time: conntrack stamps an event when it reads it.
  const [packet] = portPackets(facts, of, facts.legOf.server);
  const port = announcedBy(packet?.payload ?? of.arrangement?.line ?? '')?.port;
  const made = facts.conntrack.find(
    ({ change, original }) => change === 'expect-new' && original.destinationPort === port,
  );
  return { port, made };
}
