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
  | 'control-dropped'
  | 'data-refused'
  | 'not-forwarded'
  | 'no-route'
  | 'control-expired'
  | 'unproven';

type Rule = (facts: Facts, of: TransferFacts) => Omit<Diagnosis, 'transfer'> | null;

/** Asked in this order: the first whose evidence is complete names the cause. */
const CAUSES: readonly Rule[] = [
  controlExpired,
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

/** The SYN of the control connection came to the firewall and did not leave it. */
function controlDropped(facts: Facts, of: TransferFacts): ReturnType<Rule> {
  const near = facts.legOf.client;
  const far = otherLeg(near);
  const syn = facts.controlPackets[near].find(isSyn);
  if (!syn || facts.controlPackets[far].some(isSyn) || !facts.complete[far]) return null;
  const droppers = stoppedBy(of, 1);
  if (droppers.length === 0) return null;
  return {
    code: 'control-dropped',
    text: `The control connection's SYN reached the firewall (${ends(syn)}) and never left it on the ${far} side: stopped by ${nameRules(droppers)}.`,
    remedy: `Accept new TCP connections to ${facts.plan.client.server.address} port ${facts.plan.server.port}, and the replies to them.`,
    events: ids(syn, ...droppers.map(({ event }) => event)),
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
  const helper = facts.plan.firewall.helperPorts;
  const why =
    helper.length === 0
      ? 'no FTP helper rewrites it'
      : `the helper is attached to port ${helper.join(', ')} only`;
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

/** The data connection's SYN is on the dialler's leg, not on the other, and a rule that stops packets counted. */
function dataDropped(facts: Facts, of: TransferFacts): ReturnType<Rule> {
  const dialler = of.transfer.mode === 'active' ? 'server' : 'client';
  const near = facts.legOf[dialler];
  const far = otherLeg(near);
  const syn = of.syns[near][0];
  if (!syn || of.syns[far].length > 0 || !facts.complete[far]) return null;
  const droppers = stoppedBy(of, of.syns[near].length);
  if (droppers.length === 0) return null;
  const remedy =
    dialler === 'server'
      ? 'Attach the FTP helper to the control connection and accept related connections, or use passive mode.'
      : `Accept new connections from the client to the server's passive ports (${facts.plan.server.passivePorts.join('–')}), or attach the FTP helper and accept related ones.`;
  return {
    code: 'data-dropped',
    text: `The ${dialler} dialled the data connection (${ends(syn)}); its SYN was seen ${near} and never ${far}: stopped by ${nameRules(droppers)}.`,
    remedy,
    events: ids(syn, ...droppers.map(({ event }) => event)),
  };
}

/** The client dialled the firewall's own address, and the firewall itself answered: nothing forwards that port. */
function notForwarded(facts: Facts, of: TransferFacts): ReturnType<Rule> {
  const near = facts.legOf.client;
  const far = otherLeg(near);
  const [syn] = of.syns[near];
  if (syn?.destination !== facts.plan.firewall.addresses[near] || of.syns[far].length > 0) return null;
  const answer = resetOf(of, syn, near);
  if (!answer || !facts.complete[far]) return null;
  return {
    code: 'not-forwarded',
    text: `The client dialled port ${syn.destinationPort} of the firewall (${ends(syn)}), which forwards it to nobody and answered RST itself; no SYN was seen ${far}.`,
    remedy: `Forward the server's passive ports (${facts.plan.server.passivePorts.join('–')}) to it, attach the FTP helper and accept related connections, or use active mode.`,
    events: ids(syn, answer),
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
  const reset = resetOf(of, syn, far);
  if (!reset) return null;
  return {
    code: 'data-refused',
    text: `The data connection's SYN arrived (${ends(syn)}) and was answered by RST from ${reset.source}: nobody listens on that port there.`,
    remedy:
      'Compare the port named in the dialogue with the one that was dialled; a firewall that rewrote one of them must translate the other.',
    events: ids(syn, reset),
  };
}

/** The RST that answered a SYN, on the given leg. */
function resetOf(of: TransferFacts, syn: PacketEvent, leg: Leg): PacketEvent | undefined {
  return of.events
    .filter((event) => event.kind === 'packet')
    .find(
      (packet) =>
        packet.leg === leg &&
        packet.flags.includes('R') &&
        packet.source === syn.destination &&
        packet.sourcePort === syn.destinationPort,
    );
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
  return of.counted.filter((rule) => rule.packets >= packets && /\b(?:drop|reject)\b/.test(rule.event.rule));
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
