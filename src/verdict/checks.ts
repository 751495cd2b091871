import type { LabEvent, PacketEvent } from '../observe/event';
import type { CheckName, Expectation } from '../scenario';
import type { Diagnosis } from './diagnosis';
import {
  announcedBy,
  controlExpiry,
  isInside,
  isWhole,
  otherLeg,
  portPackets,
  transferBytes,
  type Facts,
  type TransferFacts,
} from './facts';

/** What a check found. `held` is null when the evidence does not reach. */
export interface Finding {
  readonly held: boolean | null;
  readonly why: string;
  /** ids of the events it rests on */
  readonly events: readonly string[];
}

/** What checks are given besides the facts. */
interface Context {
  readonly facts: Facts;
  readonly diagnoses: readonly Diagnosis[];
}

type TransferCheck = (of: TransferFacts, context: Context) => Finding;
type SessionCheck = (context: Context) => Finding;

/** Makes the expectation's check on what was seen. Pure. */
export function check(expectation: Expectation, context: Context): Finding {
  const { transfer } = expectation;
  if (transfer === null) return SESSION_CHECKS[expectation.check as SessionCheckName](context);
  const of = context.facts.transfers.find((candidate) => candidate.transfer.name === transfer);
  if (!of?.begin) return unknown(`${transfer} was never begun`);
  return TRANSFER_CHECKS[expectation.check as TransferCheckName](of, context);
}

type SessionCheckName =
  | 'own-data-connection'
  | 'control-high-to-21'
  | 'dialogue-on-control'
  | 'control-survives'
  | 'server-sees-firewall'
  | 'server-sees-client';
type TransferCheckName = Exclude<CheckName, SessionCheckName>;

const TRANSFER_CHECKS: Readonly<Record<TransferCheckName, TransferCheck>> = {
  complete: (of) => {
    const { bytes, expected } = transferBytes(of);
    const proof = [of.sent, of.received, of.clientClosed, of.serverClosed];
    const digest =
      of.received && of.sent
        ? `, SHA-256 ${of.received.sha256.slice(0, 8)}… ${of.received.sha256 === of.sent.sha256 ? 'as sent' : 'not as sent'}`
        : '';
    return finding(isWhole(of), `${bytes} of ${expected ?? 'unknown'} bytes arrived${digest}`, proof);
  },

  'ends-with-226': (of) =>
    of.finalReply
      ? finding(of.finalReply.line.startsWith('226'), `the client read “${of.finalReply.line}”`, [
          of.finalReply,
        ])
      : finding(false, 'no final reply reached the client', [of.request, of.end]),

  blocked: (of, { diagnoses }) => {
    const { bytes } = transferBytes(of);
    if (isWhole(of) || bytes > 0) return finding(false, `${bytes} bytes arrived`, [of.received]);
    const cause = diagnoses.find(({ transfer }) => transfer === of.transfer.name);
    if (!cause || cause.code === 'unproven') {
      return unknown(cause?.text ?? 'nothing arrived, and nothing says why');
    }
    return { held: true, why: `no byte arrived; ${cause.code}`, events: cause.events };
  },

  'port-unchanged': (of, { facts }) => portOutside(of, facts, false),
  'port-rewritten': (of, { facts }) => portOutside(of, facts, true),

  'expectation-made': (of, { facts }) => {
    if (facts.observation.conntrackLost > 0) return unknown('conntrack events were lost');
    // By its port, not by its time: conntrack stamps an event when it reads it.
    const [packet] = portPackets(facts, of, facts.legOf.server);
    const port = announcedBy(packet?.payload ?? of.arrangement?.line ?? '')?.port;
    const made = facts.conntrack.find(
      ({ change, original }) => change === 'expect-new' && original.destinationPort === port,
    );
    return finding(made !== undefined, made?.text ?? 'no expectation was made', [made]);
  },

  'client-dials': (of, { facts }) => dials(of, facts, 'client'),
  'server-dials': (of, { facts }) => dials(of, facts, 'server'),
  'server-dials-from-20': (of, { facts }) => {
    const dialled = dials(of, facts, 'server');
    const syn = of.syns[facts.legOf.server][0];
    if (!dialled.held || !syn) return dialled;
    return finding(syn.sourcePort === 20, `its SYN left from port ${syn.sourcePort}`, [syn]);
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

  'passive-port-not-20': (of, { facts }) => {
    const named = announcedBy(of.arrangement?.line ?? '');
    if (!of.arrangement || !named) return unknown('the server named no port');
    const dataPort = facts.plan.server.port - 1;
    return finding(named.port !== dataPort, `it named port ${named.port}`, [of.arrangement]);
  },
};

const SESSION_CHECKS: Readonly<Record<SessionCheckName, SessionCheck>> = {
  'own-data-connection': ({ facts }) => {
    if (!facts.complete.inside) return unknown('the inside capture is missing or incomplete');
    const failed = facts.transfers.find((of) => !isWhole(of));
    if (failed) return unknown(`${failed.transfer.name} did not get through`);
    // A retransmitted SYN is the same connection, so connections are counted by their ports.
    const connections = facts.transfers.map((of) => [...distinct(of.syns.inside).values()]);
    const all = distinct(connections.flat()).size;
    const held = connections.every((list) => list.length === 1) && all === facts.transfers.length;
    return finding(
      held,
      `${all} data connections for ${facts.transfers.length} transfers`,
      connections.flat(),
    );
  },

  'control-high-to-21': ({ facts }) => {
    const syn = facts.controlPackets[facts.legOf.client].find((packet) => packet.flags === 'S');
    if (!syn) return unknown('the SYN of the control connection was not captured');
    const held = syn.sourcePort > 1023 && syn.destinationPort === 21;
    return finding(held, `from port ${syn.sourcePort} to port ${syn.destinationPort}`, [syn]);
  },

  'dialogue-on-control': ({ facts }) => {
    const lines = facts.observation.events.filter((event) => event.kind === 'ftp-line');
    const said = lines.filter((line) => line.vantage === 'client' && line.direction === 'command');
    const heard = lines.filter((line) => line.vantage === 'server' && line.direction === 'command');
    const wire = facts.controlPackets[facts.legOf.server].map((packet) => packet.payload).join('');
    // QUIT is left out: basic-ftp closes right behind it, so it may be the last thing on the wire or not.
    const missing = said.filter(
      ({ line }) => line !== 'QUIT' && !isPort(line) && !wire.includes(`${line}\r\n`),
    );
    const why = `${said.length} commands sent, ${heard.length} heard by the server, ${missing.length} not on the wire`;
    return finding(said.length > 0 && missing.length === 0, why, said.slice(0, 3));
  },

  'control-survives': ({ facts }) => {
    const expired = controlExpiry(facts);
    return expired
      ? finding(false, `its conntrack entry was removed at ${expired.at.toFixed(1)} s`, [expired])
      : finding(true, 'its conntrack entry was there to the end', []);
  },

  'server-sees-firewall': ({ facts }) => serverSees(facts, facts.plan.firewall.addresses.outside),
  'server-sees-client': ({ facts }) => serverSees(facts, facts.plan.client.address),
};

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
  if (!of.arrangement) return unknown(`${of.transfer.command} was never answered`);
  // The dialler's SYN is first on its own leg; on the other leg the same connection comes translated.
  const other = of.syns[otherLeg(near)][0];
  const first = syn && (!other || syn.at <= other.at) ? syn : undefined;
  const why = first
    ? `SYN ${first.source}:${first.sourcePort} → ${first.destination}:${first.destinationPort}`
    : `no SYN came from the ${dialler}`;
  return finding(first !== undefined, why, [first]);
}

/** What the far end of the control and data connections shows as the client's address. */
function serverSees(facts: Facts, address: string): Finding {
  const opened = facts.observation.events.filter(
    (event) => event.kind === 'control' && event.vantage === 'server' && event.change === 'opened',
  );
  const leg = facts.legOf.server;
  const wrong = facts.controlPackets[leg].find(
    (packet) => packet.destinationPort === facts.plan.server.port && packet.source !== address,
  );
  const peers = new Set(
    opened.map((event) => (event.kind === 'control' ? event.peer.replace(/:\d+$/, '') : '')),
  );
  const held = opened.length > 0 && [...peers].every((peer) => peer === address) && !wrong;
  return finding(held, `its peer is ${[...peers].join(', ') || 'nobody'}`, [...opened, wrong]);
}

function isPort(line: string): boolean {
  return /^(?:PORT|EPRT) /i.test(line);
}

function distinct(syns: readonly PacketEvent[]): Map<string, PacketEvent> {
  return new Map(
    syns.map((syn) => [`${syn.source}:${syn.sourcePort}>${syn.destination}:${syn.destinationPort}`, syn]),
  );
}

function finding(held: boolean, why: string, events: readonly (LabEvent | undefined)[]): Finding {
  return { held, why, events: events.flatMap((event) => (event ? [event.id] : [])) };
}

function unknown(why: string): Finding {
  return { held: null, why, events: [] };
}
