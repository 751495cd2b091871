import type { ConntrackEvent, LabEvent, Leg, PacketEvent } from '../../observe/event';
import { isLinux22 } from '../../plan/plan';
import { inRanges } from '../../agent/port-ranges';
import { mayMatch } from '../may-match';
import { eventsOf, loadedAs, nameRules, policyThatStopped, stoppersOf } from './rules';
import { announcedBy, isInside, isSyn, otherLeg, type Facts, type TransferFacts } from '../facts';

/** Packets of one transfer, by leg. */
export type ByLeg = Readonly<Record<Leg, readonly PacketEvent[]>>;

/** A handshake to look at: whose, to which port, and its packets. */
export interface Handshake {
  readonly what: 'control' | 'data';
  readonly dialler: 'client' | 'server';
  /** the dialler's leg */
  readonly near: Leg;
  readonly far: Leg;
  /** the first SYN on the dialler's leg */
  readonly syn: PacketEvent;
  readonly packets: ByLeg;
}

export function packetsOf({ events }: TransferFacts): ByLeg {
  const packets = events.filter((event) => event.kind === 'packet');
  return {
    inside: packets.filter(({ leg }) => leg === 'inside'),
    outside: packets.filter(({ leg }) => leg === 'outside'),
  };
}

/** The data connection's, of whoever is to dial it; null when no SYN of it was seen where it should begin. */
export function dataHandshake(facts: Facts, of: TransferFacts): Handshake | null {
  const dialler = of.transfer.mode === 'active' ? 'server' : 'client';
  const near = facts.legOf[dialler];
  const [syn] = of.syns[near];
  return syn ? { what: 'data', dialler, near, far: otherLeg(near), syn, packets: packetsOf(of) } : null;
}

/** The control connection's, where a transfer began with one. */
export function controlHandshake(facts: Facts, of: TransferFacts): Handshake | null {
  const near = facts.legOf.client;
  const packets = packetsOf(of);
  const { port } = facts.plan.server;
  const syn = packets[near].find((packet) => isSyn(packet) && packet.destinationPort === port);
  return syn ? { what: 'control', dialler: 'client', near, far: otherLeg(near), syn, packets } : null;
}

/** The packet of a handshake that reached the firewall and did not leave it. */
export interface Lost {
  readonly packet: PacketEvent;
  /** it is the SYN/ACK, not the SYN */
  readonly answer: boolean;
  /** the leg it should have left on */
  readonly towards: Leg;
}

/**
 * Follows a handshake across the firewall: SYN on the dialler's leg, SYN on the other, SYN/ACK there,
 * SYN/ACK on the dialler's. Null when all crossed, or the record does not tell.
 */
export function lostAtFirewall(facts: Facts, handshake: Handshake): Lost | null {
  const { syn, near, far, packets } = handshake;
  if (!facts.complete[far] || wasUsed(facts, handshake)) return null;
  const crossed = crossing(handshake);
  const entries = entriesOf(facts, syn);
  if (!crossed) {
    // conntrack tells of an entry once its first packet has passed all rules (nf_conntrack_confirm). One that
    // ends at the firewall is of a SYN sent again, when an expectation had been used up by the first. Linux 2.2
    // makes an entry before the output chain has spoken (ip_forward.c), so there it says nothing of that.
    const passed = entries.some(({ reply }) => reply?.source !== facts.plan.firewall.addresses[near]);
    if (passed && !isLinux22(facts.plan)) return null;
    // Whoever dials the firewall itself is answered by it, or not; nothing is to leave on the other side.
    return toFirewallItself(facts, handshake) ? null : { packet: syn, answer: false, towards: far };
  }
  if (!facts.complete[near] || entries.some(({ state }) => state === 'ESTABLISHED')) return null;
  const answer = answerTo(packets[far], crossed);
  if (!answer || answerTo(packets[near], syn)) return null;
  return { packet: answer, answer: true, towards: near };
}

/** The SYN/ACK that answered a SYN, among the packets of the same leg. */
export function answerTo(packets: readonly PacketEvent[], syn: PacketEvent): PacketEvent | undefined {
  return packets.find(
    ({ flags, sourcePort, destinationPort }) =>
      flags === 'SA' && sourcePort === syn.destinationPort && destinationPort === syn.sourcePort,
  );
}

/** Whose packets they are, at the beginning of a sentence. */
export function whose({ what }: Handshake): string {
  return what === 'data' ? 'The data connection’s' : 'The control connection’s';
}

/** The SYN as it left the firewall. Translation changes addresses and ports, never its sequence number. */
export function crossing({ syn, far, packets }: Handshake): PacketEvent | undefined {
  return packets[far].find((packet) => isSyn(packet) && packet.sequence === syn.sequence);
}

/** Whether its connection came about, as the dialler or the wire tells, whatever became of single packets. */
function wasUsed(facts: Facts, { what, dialler, near, syn }: Handshake): boolean {
  const { events } = facts.observation;
  if (what === 'control') {
    return facts.controlPackets[near].some(
      ({ payload, sourcePort }) => payload !== '' && sourcePort === syn.sourcePort,
    );
  }
  const from = `${syn.source}:${syn.sourcePort}`;
  const to = `${syn.destination}:${syn.destinationPort}`;
  return events.some((event) => {
    if (event.kind === 'data') {
      const { change, vantage, local, remote } = event;
      return change === 'connected' && vantage === dialler && local === from && remote === to;
    }
    // Bare ACKs and bulk data: what comes after a handshake.
    if (event.kind !== 'flow' || event.leg !== near) return false;
    const ends = [`${event.source}:${event.sourcePort}`, `${event.destination}:${event.destinationPort}`];
    return ends.includes(from) && ends.includes(to);
  });
}

/** Whether the SYN goes to an address of the firewall's and no forwarding or expectation sends it on. */
function toFirewallItself(facts: Facts, { syn, near }: Handshake): boolean {
  const { plan, conntrack } = facts;
  const port = syn.destinationPort;
  if (syn.destination !== plan.firewall.addresses[near]) return false;
  const forwarded = inRanges(plan.firewall.forward, port);
  const expected = conntrack.some(
    ({ change, original }) => change.startsWith('expect-') && original.destinationPort === port,
  );
  return !forwarded && !expected && !isTranslated(facts, syn);
}

/** Whether a row of the owner's own gave it another address to go to: one that speaks of it, and matched. */
function isTranslated({ plan, loaded, rules }: Facts, syn: PacketEvent): boolean {
  return rules.some(({ row, packets }) => {
    const does = row === 'policy' ? undefined : loaded.get(row)?.does;
    return packets > 0 && does?.verdict === 'dnat' && mayMatch(plan, does, syn);
  });
}

/**
 * The RST that answered a SYN, among the packets of one leg. It has an ACK and sequence number 0 (RFC 9293
 * §3.5.2), which tells it from one that ends a connection.
 */
export function resetOf(packets: readonly PacketEvent[], syn: PacketEvent): PacketEvent | undefined {
  return packets.find(
    (packet) =>
      packet.flags === 'RA' &&
      packet.sequence === 0 &&
      packet.source === syn.destination &&
      packet.sourcePort === syn.destinationPort &&
      packet.destinationPort === syn.sourcePort,
  );
}

/** What conntrack told of the connection that a SYN asks for. */
function entriesOf({ conntrack }: Facts, syn: PacketEvent): ConntrackEvent[] {
  return conntrack.filter(
    ({ change, original }) =>
      !change.startsWith('expect-') &&
      original.source === syn.source &&
      original.sourcePort === syn.sourcePort &&
      original.destination === syn.destination &&
      original.destinationPort === syn.destinationPort,
  );
}

/**
 * Whether the RST may be what the dialler got: not when it sent its SYN again, for then the first one had met
 * with something else, nor when it tells of another error.
 */
function wasRefused({ observation }: Facts, { what, dialler, near, syn, packets }: Handshake): boolean {
  const again = packets[near].filter(
    (packet) => isSyn(packet) && packet.sourcePort === syn.sourcePort && packet.sequence === syn.sequence,
  );
  const otherError = observation.events.some(
    (event) =>
      what === 'data' &&
      event.kind === 'data' &&
      event.vantage === dialler &&
      event.change === 'failed' &&
      event.remote === `${syn.destination}:${syn.destinationPort}` &&
      event.error?.includes('ECONNREFUSED') === false,
  );
  return again.length === 1 && !otherError;
}

/**
 * Whether a port of the firewall's was named in place of an inside address: by a helper, which then expected its
 * connection, whether or not conntrack's word of that is here.
 */
function wasRewritten({ plan, legOf }: Facts, of: TransferFacts, syn: PacketEvent): boolean {
  const said = of.events.flatMap((event) => {
    if (event.kind === 'ftp-line')
      return [{ leg: legOf[event.vantage === 'server' ? 'server' : 'client'], text: event.line }];
    return event.kind === 'packet' ? [{ leg: event.leg, text: event.payload }] : [];
  });
  const named = said.map(({ leg, text }) => ({ leg, ...announcedBy(text) }));
  return (
    named.some(({ leg, address }) => leg === 'inside' && isInside(plan, address ?? null)) &&
    named.some(
      ({ leg, address, port }) =>
        leg === 'outside' && address === syn.destination && port === syn.destinationPort,
    )
  );
}

/** What the firewall itself did with a SYN to its own address that came out nowhere. */
export interface Unforwarded {
  readonly handshake: Handshake;
  readonly answer: string;
  readonly events: readonly LabEvent[];
}

/**
 * Whether a SYN to the firewall's own address ended there: answered by RST, with conntrack's entry naming the
 * firewall as the one that answers, or dropped as its policy for packets to itself is.
 */
export function endedAtFirewall(
  facts: Facts,
  of: TransferFacts,
  handshake: Handshake | null,
): Unforwarded | null {
  if (!handshake) return null;
  const { syn, near, far, packets } = handshake;
  if (!toFirewallItself(facts, handshake) || !facts.complete[far]) return null;
  // Only a whole record can show that there was no expectation.
  if (facts.observation.conntrackLost > 0 || wasRewritten(facts, of, syn)) return null;
  if (wasUsed(facts, handshake) || packets[far].some((packet) => isSyn(packet))) return null;
  const reset = resetOf(packets[near], syn);
  const entries = entriesOf(facts, syn);
  const own = entries.filter(({ reply }) => reply?.source === syn.destination);
  // A masquerade table has no entries of the firewall's own connections: there that none was made says the same.
  const isOwn = isLinux22(facts.plan) ? entries.length === 0 : own.length > 0;
  if (reset && isOwn && wasRefused(facts, handshake)) {
    return { handshake, answer: 'answered RST itself', events: [syn, reset, ...own.slice(0, 1)] };
  }
  if (!facts.complete[near] || reset || entries.length > 0) return null;
  const droppers = stoppersOf(facts, of, syn).filter(({ event }) => {
    const rule = loadedAs(facts, event);
    return rule?.hook === 'input' && mayMatch(facts.plan, rule.does, syn);
  });
  if (droppers.length > 0) {
    const answer = `dropped it, by ${nameRules(droppers)}`;
    return { handshake, answer, events: [syn, ...eventsOf(droppers)] };
  }
  const policy = policyThatStopped(facts, syn);
  if (policy) {
    const answer = `dropped it, by the policy of its chain ${policy.chain}`;
    return { handshake, answer, events: [syn, policy.trace] };
  }
  return facts.plan.firewall.input === 'drop'
    ? { handshake, answer: 'dropped it, as its policy for packets to itself is', events: [syn] }
    : null;
}
