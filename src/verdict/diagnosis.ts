import type { LabEvent, Leg, PacketEvent } from '../observe/event';
import {
  announcedBy,
  controlExpiry,
  isInside,
  isSyn,
  isWhole,
  otherLeg,
  portPackets,
  type CountedRule,
  type Facts,
  type TransferFacts,
} from './facts';

/** The cause of a failure, from evidence. */
export interface Diagnosis {
  readonly code: DiagnosisCode;
  readonly text: string;
  readonly remedy: string;
  /** ids of the events it rests on */
  readonly events: readonly string[];
  readonly transfer: string;
}

export type DiagnosisCode =
  | 'inside-address-in-port'
  | 'server-refused-port'
  | 'data-dropped'
  | 'name-not-resolved'
  | 'control-dropped'
  | 'data-refused'
  | 'not-forwarded'
  | 'no-route'
  | 'control-expired'
  | 'unproven';

const DNS_PORT = 53;
/** Why nothing rewrites PORT, by how the helper should have come to the connection. */
const NO_HELPER = {
  rule: 'no FTP helper rewrites it',
  module: 'the helper is loaded, but since Linux 4.7 loading attaches it to nothing',
} as const;

type Rule = (facts: Facts, of: TransferFacts) => Omit<Diagnosis, 'transfer'> | null;

/** Asked in this order: the first whose evidence is complete names the cause. */
const CAUSES: readonly Rule[] = [
  controlExpired,
  nameBlocked,
  controlDropped,
  insideAddressInPort,
  serverRefusedPort,
  dataDropped,
  notForwarded,
  noRoute,
  dataRefused,
];

/**
 * The cause of each transfer that failed, or whose final reply was lost. Where the evidence is not
 * enough it says what is missing.
 */
export function diagnose(facts: Facts): Diagnosis[] {
  return facts.transfers
    .filter((of) => !isWhole(of) || !of.finalReply)
    .map((of) => {
      const found = CAUSES.map((cause) => cause(facts, of)).find((cause) => cause !== null);
      return { ...(found ?? unproven(facts, of)), transfer: of.transfer.name };
    });
}

/**
 * The firewall forgot the control connection while the transfer ran, and the final reply, which the
 * server gave, never reached the client.
 */
function controlExpired(facts: Facts, of: TransferFacts): ReturnType<Rule> {
  const expiry = controlExpiry(facts);
  if (!expiry || !of.request || of.finalReply || expiry.at < of.request.at) return null;
  const given = facts.observation.events
    .filter((event) => event.kind === 'ftp-line')
    .find(
      ({ vantage, line, at }) => vantage === 'server' && line.startsWith('226') && at > (of.request?.at ?? 0),
    );
  if (!given) return null;
  const file = isWhole(of) ? 'The file is whole, but' : 'The file is not whole, and';
  return {
    code: 'control-expired',
    text: `The firewall removed the control connection's entry at ${expiry.at.toFixed(1)} s, while the data connection was in use. ${file} the server's “${given.line}” never reached the client.`,
    remedy:
      'Keep the control connection busy (TCP keep-alive or NOOP more often than the timeout), or raise the firewall’s timeout of established connections.',
    events: ids(of.request, expiry, given),
  };
}

/** The first packet of the control connection's handshake that came to the firewall did not leave it. */
function controlDropped(facts: Facts, of: TransferFacts): ReturnType<Rule> {
  const lost = lostAtFirewall(facts, facts.controlPackets, facts.legOf.client, facts.plan.server.port);
  if (!lost) return null;
  const droppers = stoppedBy(of, 1);
  if (droppers.length === 0) return null;
  const { packet, answer, towards } = lost;
  const { port } = facts.plan.server;
  return {
    code: 'control-dropped',
    text: answer
      ? `The control connection's SYN got through, but the SYN/ACK that answers it reached the firewall (${ends(packet)}) and never left it on the ${towards} side: stopped by ${nameRules(droppers)}.`
      : `The control connection's SYN reached the firewall (${ends(packet)}) and never left it on the ${towards} side: stopped by ${nameRules(droppers)}.`,
    remedy: answer
      ? `Accept the replies of control connections: TCP packets without SYN alone, from port ${port} of the server to the client's high ports.`
      : `Accept new TCP connections to ${facts.plan.client.server.address} port ${port}, and the replies to them.`,
    events: ids(packet, ...droppers.map(({ event }) => event)),
  };
}

/** PORT with an inside address reached the far side as it was, and the server could not or would not dial it. */
function insideAddressInPort(facts: Facts, of: TransferFacts): ReturnType<Rule> {
  if (facts.plan.firewall.nat === 'none' || facts.legOf.client !== 'inside') return null;
  const outside = portPackets(facts, of, 'outside')[0];
  const named = announcedBy(outside?.payload ?? '');
  if (!outside || !of.arrangement || !isInside(facts.plan, named?.address ?? null)) return null;
  const refusal = of.portReply && /^[45]/.test(of.portReply.line) ? of.portReply : undefined;
  const failed = of.serverData.find((event) => event.change === 'failed');
  const consequence = refusal ?? failed;
  if (!consequence) return null;
  const { ports, attach } = facts.plan.firewall.helper;
  const attached = ports.length > 0 && attach === 'rule';
  const why = attached ? `the helper is attached to port ${ports.join(', ')} only` : NO_HELPER[attach];
  const result = refusal
    ? `the server refused it: “${refusal.line}”`
    : `the server could not dial it: ${failed?.error ?? ''}`;
  return {
    code: 'inside-address-in-port',
    text: `The client's PORT named its inside address ${named?.address ?? ''} and crossed the NAT unchanged (${why}); ${result}.`,
    remedy: `Attach the FTP helper to the control connection by rule (here: modules: [ip_conntrack_ftp, ip_nat_ftp]${facts.plan.server.port === 21 ? '' : ` with ports=${facts.plan.server.port}`}) and accept related connections, or use passive mode.`,
    events: ids(of.arrangement, outside, consequence),
  };
}

function serverRefusedPort(facts: Facts, of: TransferFacts): ReturnType<Rule> {
  if (!of.portReply || !of.arrangement || !/^[45]/.test(of.portReply.line)) return null;
  return {
    code: 'server-refused-port',
    text: `The server refused ${of.arrangement.line}: “${of.portReply.line}”.`,
    remedy: 'Name an address the server accepts: by RFC 2577 that of the control connection’s client.',
    events: ids(of.arrangement, ...portPackets(facts, of, facts.legOf.server), of.portReply),
  };
}

/** The first packet of the data connection's handshake that came to the firewall did not leave it. */
function dataDropped(facts: Facts, of: TransferFacts): ReturnType<Rule> {
  const dialler = of.transfer.mode === 'active' ? 'server' : 'client';
  const near = facts.legOf[dialler];
  const [syn] = of.syns[near];
  if (!syn) return null;
  const lost = lostAtFirewall(facts, packetsOf(of), near, syn.destinationPort);
  if (!lost) return null;
  const droppers = stoppedBy(of, 1);
  if (droppers.length === 0) return null;
  const { packet, answer, towards } = lost;
  const what = answer
    ? `The ${dialler} dialled the data connection and its SYN got through, but the SYN/ACK that answers it`
    : `The ${dialler} dialled the data connection (${ends(packet)}); its SYN`;
  return {
    code: 'data-dropped',
    text: `${what} was seen ${otherLeg(towards)} and never ${towards}: stopped by ${nameRules(droppers)}.`,
    remedy: dataRemedy(facts, dialler, answer),
    events: ids(packet, ...droppers.map(({ event }) => event)),
  };
}

function dataRemedy(facts: Facts, dialler: 'client' | 'server', answer: boolean): string {
  if (answer)
    return `Accept the ${dialler === 'client' ? 'server' : 'client'}'s answers on data connections, too.`;
  return dialler === 'server'
    ? 'Accept what the server dials from port 20, or attach the FTP helper to the control connection and accept related connections, or use passive mode.'
    : `Accept new connections from the client to the server's passive ports (${facts.plan.server.passivePorts.join('–')}), or attach the FTP helper and accept related ones.`;
}

/** Somebody dialled the firewall's own address, and the firewall itself answered, or stopped it: nothing forwards that port. */
function notForwarded(facts: Facts, of: TransferFacts): ReturnType<Rule> {
  const dialler = of.transfer.mode === 'active' ? 'server' : 'client';
  const data = notForwardedTo(facts, packetsOf(of), facts.legOf[dialler], of.syns[facts.legOf[dialler]][0]);
  if (data) {
    const { packet, answer } = data;
    const remedy =
      dialler === 'client'
        ? `Forward the server's passive ports (${facts.plan.server.passivePorts.join('–')}) to it, attach the FTP helper and accept related connections, or use active mode.`
        : 'Have the client name a port that is forwarded to it, attach the FTP helper and accept related connections, or use passive mode.';
    return {
      code: 'not-forwarded',
      text: `The ${dialler} dialled port ${packet.destinationPort} of the firewall (${ends(packet)}), which forwards it to nobody and ${answer.text}; no SYN was seen ${otherLeg(facts.legOf[dialler])}.`,
      remedy,
      events: ids(packet, ...answer.events),
    };
  }
  const syn = facts.controlPackets[facts.legOf.client].find(isSyn);
  const control = notForwardedTo(facts, facts.controlPackets, facts.legOf.client, syn);
  if (!control) return null;
  const { packet, answer } = control;
  return {
    code: 'not-forwarded',
    text: `The client dialled port ${packet.destinationPort} of the firewall (${ends(packet)}), which forwards it to nobody and ${answer.text}; no SYN was seen ${otherLeg(facts.legOf.client)}.`,
    remedy: `Forward TCP port ${packet.destinationPort} of the firewall's outside address to the server.`,
    events: ids(packet, ...answer.events),
  };
}

/** A SYN to the firewall's own address that came out nowhere, and what the firewall did with it. */
function notForwardedTo(
  facts: Facts,
  packets: ByLeg,
  near: Leg,
  syn: PacketEvent | undefined,
): { packet: PacketEvent; answer: { text: string; events: readonly PacketEvent[] } } | null {
  const far = otherLeg(near);
  if (syn?.destination !== facts.plan.firewall.addresses[near] || !facts.complete[far]) return null;
  if (packets[far].some(isSyn)) return null;
  const reset = resetOf(packets[near], syn);
  if (reset) return { packet: syn, answer: { text: 'answered RST itself', events: [reset] } };
  return facts.plan.firewall.input === 'drop'
    ? { packet: syn, answer: { text: 'dropped it, as its policy for packets to itself is', events: [] } }
    : null;
}

/** The client asked for the server's name, and its query, or the answer, was stopped. */
function nameBlocked(facts: Facts, of: TransferFacts): ReturnType<Rule> {
  const { resolved } = of;
  if (resolved?.address !== null) return null;
  const near = facts.legOf.client;
  const far = otherLeg(near);
  const dns = facts.observation.events
    .filter((event) => event.kind === 'packet')
    .filter(({ sourcePort, destinationPort }) => sourcePort === DNS_PORT || destinationPort === DNS_PORT);
  const crossed = (from: Leg, to: Leg, port: 'sourcePort' | 'destinationPort'): PacketEvent | undefined => {
    const there = dns.filter((packet) => packet.leg === to && packet[port] === DNS_PORT);
    return dns.find(
      (packet) =>
        packet.leg === from &&
        packet[port] === DNS_PORT &&
        !there.some(({ protocol, length }) => protocol === packet.protocol && length === packet.length),
    );
  };
  const query = facts.complete[far] ? crossed(near, far, 'destinationPort') : undefined;
  const lost = query ?? (facts.complete[near] ? crossed(far, near, 'sourcePort') : undefined);
  const droppers = stoppedBy(of, 1);
  if (!lost || droppers.length === 0) return null;
  return {
    code: 'name-not-resolved',
    text: `The client could not find the address of ${resolved.name}: its ${query ? 'query' : 'answer'} (${ends(lost)}, ${lost.protocol.toUpperCase()}) was seen ${lost.leg} and never ${otherLeg(lost.leg)}: stopped by ${nameRules(droppers)}.`,
    remedy: 'Open port 53 to the resolver, UDP and TCP, and its replies; or name the server by its address.',
    events: ids(resolved, lost, ...droppers.map(({ event }) => event)),
  };
}

function noRoute(_facts: Facts, of: TransferFacts): ReturnType<Rule> {
  const failed = [...of.serverData, ...of.clientData].find(
    (event) => event.change === 'failed' && /E(?:HOST|NET)UNREACH/.test(event.error ?? ''),
  );
  if (!failed || !of.arrangement) return null;
  return {
    code: 'no-route',
    text: `The ${failed.vantage} has no route to where it was told to dial: ${failed.error ?? ''} (“${of.arrangement.line}”).`,
    remedy: 'The address named in the dialogue must be one the dialling end can reach.',
    events: ids(of.arrangement, failed),
  };
}

/** The SYN arrived on the far leg and the peer answered it with RST. */
function dataRefused(facts: Facts, of: TransferFacts): ReturnType<Rule> {
  const dialler = of.transfer.mode === 'active' ? 'server' : 'client';
  const far = otherLeg(facts.legOf[dialler]);
  const syn = of.syns[far][0];
  if (!syn) return null;
  const reset = resetOf(packetsOf(of)[far], syn);
  if (!reset) return null;
  return {
    code: 'data-refused',
    text: `The data connection's SYN arrived (${ends(syn)}) and was answered by RST from ${reset.source}: nobody listens on that port there.`,
    remedy:
      'Compare the port named in the dialogue with the one that was dialled; a firewall that rewrote one of them must translate the other.',
    events: ids(syn, reset),
  };
}

/** The RST that answered a SYN, among the packets of one leg. */
function resetOf(packets: readonly PacketEvent[], syn: PacketEvent): PacketEvent | undefined {
  return packets.find(
    (packet) =>
      packet.flags.includes('R') &&
      packet.source === syn.destination &&
      packet.sourcePort === syn.destinationPort,
  );
}

/** The packet of a handshake that reached the firewall and did not leave it. */
interface Lost {
  readonly packet: PacketEvent;
  /** it is the SYN/ACK, not the SYN */
  readonly answer: boolean;
  /** the leg it should have left on */
  readonly towards: Leg;
}

/**
 * Follows a handshake across the firewall: SYN on the dialler's leg, SYN on the other, SYN/ACK there,
 * SYN/ACK on the dialler's. Null when all crossed, or the record does not tell.
 *
 * @param port the one that was dialled, on the dialler's leg
 */
function lostAtFirewall(facts: Facts, packets: ByLeg, near: Leg, port: number): Lost | null {
  const far = otherLeg(near);
  const syn = packets[near].find((packet) => isSyn(packet) && packet.destinationPort === port);
  if (!syn || !facts.complete[far]) return null;
  // Translation changes addresses and ports, never the sequence number of a SYN.
  const crossed = packets[far].find((packet) => isSyn(packet) && packet.sequence === syn.sequence);
  if (!crossed) {
    // Whoever dials the firewall itself is answered by it, or not; nothing is to leave on the other side.
    const toFirewall = syn.destination === facts.plan.firewall.addresses[near];
    const forwarded =
      facts.plan.firewall.forward.some(([low, high]) => port >= low && port <= high) ||
      facts.conntrack.some(
        ({ change, original }) => change === 'expect-new' && original.destinationPort === port,
      );
    return toFirewall && !forwarded ? null : { packet: syn, answer: false, towards: far };
  }
  if (!facts.complete[near]) return null;
  const answers = (list: readonly PacketEvent[], to: PacketEvent): PacketEvent | undefined =>
    list.find(
      ({ flags, sourcePort, destinationPort }) =>
        flags === 'SA' && sourcePort === to.destinationPort && destinationPort === to.sourcePort,
    );
  const answer = answers(packets[far], crossed);
  if (!answer || answers(packets[near], syn)) return null;
  return { packet: answer, answer: true, towards: near };
}

type ByLeg = Readonly<Record<Leg, readonly PacketEvent[]>>;

function packetsOf({ events }: TransferFacts): ByLeg {
  const packets = events.filter((event) => event.kind === 'packet');
  return {
    inside: packets.filter(({ leg }) => leg === 'inside'),
    outside: packets.filter(({ leg }) => leg === 'outside'),
  };
}

function unproven(facts: Facts, of: TransferFacts): Omit<Diagnosis, 'transfer'> {
  const { captures } = facts.observation;
  const missing = [
    captures.length === 0 ? 'no packets were captured (--no-capture)' : '',
    ...captures
      .filter(({ lost }) => lost > 0)
      .map(({ leg, lost }) => `the ${leg} capture lost ${lost} packets`),
    of.arrangement ? '' : `no ${of.transfer.command} was seen to be answered`,
    of.syns.inside.length + of.syns.outside.length > 0 ? '' : 'no SYN of a data connection was seen',
  ].filter((text) => text !== '');
  const error = of.end?.error ?? 'no error was reported';
  return {
    code: 'unproven',
    text: `The cause is not proven. Seen: ${error}. Missing: ${missing.join('; ') || 'a known cause that fits'}.`,
    remedy: 'Look at the captures and the dialogue in the evidence folder.',
    events: of.end ? [of.end.id] : [],
  };
}

/** Rules that stop packets (rows that drop or reject, a policy of drop) and counted as many in this transfer. */
function stoppedBy(of: TransferFacts, packets: number): CountedRule[] {
  return of.counted.filter((rule) => rule.packets >= packets && rule.event.stops);
}

function nameRules(rules: readonly CountedRule[]): string {
  const name = ({ event, packets }: CountedRule): string =>
    `${event.row === 'policy' ? `the ${event.rule}` : `row ${event.row}, “${event.rule}”`} (${packets} packets)`;
  return rules.map(name).join(' or ');
}

function ends(packet: PacketEvent): string {
  return `${packet.source}:${packet.sourcePort} → ${packet.destination}:${packet.destinationPort}`;
}

function ids(...events: readonly LabEvent[]): string[] {
  return events.map((event) => event.id);
}
