import type { LabEvent, LineEvent, PacketEvent } from '../../observe/event';
import { isLinux22 } from '../../plan/plan';
import {
  controlExpiry,
  firstSpeech,
  moment,
  resetAfter,
  resetOfStranger,
  type ControlExpiry,
  type Speech,
} from '../control-life';
import { isWhole, type Facts, type TransferFacts } from '../facts';
import { ends, incomplete, proof, type Cause, type Examined } from './cause';
import { controlHandshake, lostAtFirewall, resetOf } from './handshake';
import { eventsOf, nameRules, stoppersOf } from './rules';

export const CONTROL_DROPPED: Cause = {
  code: 'control-dropped',
  needs:
    'the SYN of the control connection, or the SYN/ACK that answers it, on one leg and never on the other; a rule that stopped packets',
  scenario: 't2-passive',
  examine: controlDropped,
};

export const CONTROL_EXPIRED: Cause = {
  code: 'control-expired',
  needs:
    'the request; conntrack’s word that the control entry is gone, though nobody had closed it; the first packet of the control connection that came to the firewall after it and did not leave; the reply as the server gave it, and that it never came',
  scenario: 'control-expired',
  examine: controlExpired,
};

export const REPLY_LOST: Cause = {
  code: 'reply-lost',
  needs:
    'the file whole at both ends; the final reply as the server gave it, on the server’s leg and never on the client’s; a packet of the client’s that crossed after its request, so the firewall still knew the control connection; a rule that stopped packets',
  scenario: 'reply-lost',
  examine: replyLost,
};

function controlDropped(facts: Facts, of: TransferFacts): Examined {
  const handshake = controlHandshake(facts, of);
  const lost = handshake && lostAtFirewall(facts, handshake);
  // One that was answered with RST was not dropped but reset.
  if (!lost || resetOf(handshake.packets[handshake.near], handshake.syn)) return null;
  const droppers = stoppersOf(facts, of, lost.packet);
  if (droppers.length === 0) return incomplete({ 'a rule that stopped a packet meanwhile': droppers });
  const { packet, answer, towards } = lost;
  const { client, server, firewall } = facts.plan;
  // Where a rule forwards the port, today's FORWARD sees what it was turned into.
  const translated = facts.legOf.server === 'inside' && firewall.nat !== 'none' && !isLinux22(facts.plan);
  const address = translated ? server.address : client.server.address;
  const what = answer
    ? "The control connection's SYN got through, but the SYN/ACK that answers it"
    : "The control connection's SYN";
  return proof(
    {
      text: `${what} reached the firewall (${ends(packet)}) and never left it on the ${towards} side: stopped by ${nameRules(droppers)}.`,
      remedy: answer
        ? `Accept the replies of control connections: TCP packets without SYN alone, from port ${server.port} of the server to the client's high ports.`
        : `Accept new TCP connections to ${address} port ${server.port}, and the replies to them.`,
    },
    [packet, ...eventsOf(droppers)],
  );
}

/** The final reply as the server gave it; undefined when it gave none. */
function replyGiven(facts: Facts, of: TransferFacts): LineEvent | undefined {
  const { request } = of;
  return facts.observation.events
    .filter((event) => event.kind === 'ftp-line')
    .find(
      ({ vantage, direction, line, at }) =>
        vantage === 'server' &&
        direction === 'reply' &&
        /^2\d\d /.test(line) &&
        request !== undefined &&
        at > request.at,
    );
}

/**
 * The firewall forgot the control connection, and what was said on it next did not get across: the final reply
 * of a transfer that outlived it, or the first command after a long silence.
 */
function controlExpired(facts: Facts, of: TransferFacts): Examined {
  const expiry = controlExpiry(facts);
  if (!expiry || of.finalReply || !of.end || expiry.at > of.end.at) return null;
  const speech = firstSpeech(facts, expiry);
  // One that got across as it was before opened a new entry, and the session went on.
  if (speech?.left && !speech.leaked && !speech.renumbered) return null;
  // A session that was begun anew since is another one.
  if (facts.lives.some((life) => isLater(life, expiry) && (life.moments[0]?.at ?? 0) < (of.begin?.at ?? 0)))
    return null;
  const given = replyGiven(facts, of);
  const serverFirst = speech?.from === 'server';
  const last = lastMoment(facts, expiry);
  if (!speech || !expiry.told || !last || (serverFirst && !given)) {
    return incomplete({
      'conntrack’s word that the entry is gone': expiry.told,
      'what set the timer of the entry last': last,
      'a packet of the control connection that came to the firewall and did not leave it': speech,
      'the final reply, as the server gave it': !serverFirst || given,
    });
  }
  const reset = speech.renumbered ? resetOfStranger(facts, speech) : resetAfter(facts, speech.packet);
  const request = of.request ? [of.request] : [];
  return proof(
    {
      text: `${expiredText(facts, expiry)} ${speechText(facts, speech, reset)} ${lossText(of, given)}`,
      remedy: speech.leaked
        ? 'Drop what connection tracking calls invalid (ct state invalid drop), so that nothing leaves untranslated; and keep the control connection busy, by TCP keep-alive or NOOP more often than the timeout, or raise the timeout.'
        : `Keep the control connection busy (TCP keep-alive or NOOP more often than the timeout), or raise the firewall’s timeout of established connections${isLinux22(facts.plan) ? ' (ipchains -M -S 7200 10 160)' : ''}.`,
    },
    [
      ...request,
      last,
      expiry.told,
      speech.packet,
      ...(speech.left ? [speech.left] : []),
      ...(reset ? [reset] : []),
      ...(given ? [given] : []),
    ],
  );
}

/** Whether the client opened another control connection after the one that expired. */
function isLater({ original, moments }: Facts['lives'][number], { life, at }: ControlExpiry): boolean {
  return (
    original.destinationPort === life.original.destinationPort &&
    original.sourcePort !== life.original.sourcePort &&
    (moments[0]?.at ?? 0) > at
  );
}

function lastMoment({ observation }: Facts, { life }: ControlExpiry): LabEvent | undefined {
  const id = life.moments.at(-1)?.event;
  return observation.events.find((event) => event.id === id);
}

function expiredText(facts: Facts, { life, at, told }: ControlExpiry): string {
  const timeout = Math.round((life.moments.at(-1)?.timeout ?? 0) * facts.plan.timeScale);
  const later = told && told.at - at > 0.1 ? `; conntrack told of it at ${moment(facts, told.at)}` : '';
  return `The control connection's entry expired at the firewall at ${moment(facts, at)}, ${timeout} s after its last packet${later}.`;
}

function speechText(facts: Facts, speech: Speech, reset: PacketEvent | undefined): string {
  const { packet, from } = speech;
  const what = packet.payload === '' ? '' : ` with “${packet.payload.trimEnd()}”`;
  const fate = fateText(speech, reset);
  return `The ${from} was the first to speak after that, at ${moment(facts, packet.at)}${what}${fate}.`;
}

function fateText(
  { packet, from, left, leaked, renumbered }: Speech,
  reset: PacketEvent | undefined,
): string {
  if (renumbered && left) {
    const other = from === 'client' ? 'server' : 'client';
    const answer = reset ? `, and the ${other}, which knew of no such connection, answered with RST` : '';
    return `, and the firewall sent it on as a new connection, from ${left.source}:${left.sourcePort}${answer}`;
  }
  if (reset) return ', and the firewall, which knew of no such connection, answered with RST';
  return leaked
    ? `, and its packet left the firewall with the inside address ${packet.source} on it`
    : ', and its packet went no further than the firewall';
}

/** What was lost: the reply alone, or the transfer. */
function lossText(of: TransferFacts, given: LineEvent | undefined): string {
  if (!given) return 'Nothing was transferred.';
  const file = isWhole(of) ? 'The file is whole, but' : 'The file is not whole, and';
  return `${file} the server's “${given.line}” never reached the client.`;
}

/**
 * A packet with which the client went on after its request, as it left the firewall: then the firewall knew
 * the control connection still. By its sequence number (RFC 9293 §3.4), for the client numbers what it sends.
 */
function afterRequest(facts: Facts, { request }: TransferFacts): PacketEvent | undefined {
  const sent = facts.controlPackets[facts.legOf.server].filter(
    ({ destinationPort }) => destinationPort === facts.plan.server.port,
  );
  const asked = sent.find(({ payload }) => payload.trimEnd() === request?.line);
  if (!asked) return undefined;
  return sent.find(
    ({ sequence, sourcePort, flags }) =>
      sourcePort === asked.sourcePort && !flags.includes('R') && ((sequence - asked.sequence) | 0) > 0,
  );
}

/** The file arrived, the server said so, and its word was stopped on the way. */
function replyLost(facts: Facts, of: TransferFacts): Examined {
  // An entry that has expired is another matter: the packet then is nobody's, and no rule's.
  if (of.finalReply || !isWhole(of) || controlExpiry(facts)) return null;
  const given = replyGiven(facts, of);
  if (!given) return null;
  const { client, server } = facts.legOf;
  const said = (packet: PacketEvent): boolean => packet.payload.trimEnd() === given.line;
  const left = facts.controlPackets[server].find(said);
  if (left && resetAfter(facts, left)) return null;
  const arrived = facts.controlPackets[client].some(said);
  const droppers = left ? stoppersOf(facts, of, left) : [];
  const alive = afterRequest(facts, of);
  if (!left || arrived || !facts.complete[client] || droppers.length === 0 || !alive) {
    return incomplete({
      'a later packet of the client’s that still crossed the control connection': alive,
      [`the reply on the ${server} leg`]: left,
      [`a complete capture of the ${client} leg without it`]: !arrived && facts.complete[client],
      'a rule that stopped a packet meanwhile': droppers,
    });
  }
  return proof(
    {
      text: `The file is whole, but the server's “${given.line}” was seen ${server} (${ends(left)}) and never ${client}: stopped by ${nameRules(droppers)}.`,
      remedy: `Accept what the server says on the control connection, from its port ${facts.plan.server.port}. The file need not be sent again: compare it at both ends.`,
    },
    [...(of.received ? [of.received] : []), given, left, alive, ...eventsOf(droppers)],
  );
}
