import type { LineEvent, PacketEvent } from '../../observe/event';
import { controlExpiry, isSyn, isWhole, otherLeg, type Facts, type TransferFacts } from '../facts';
import { ends, incomplete, proof, type Cause, type Examined } from './cause';
import { controlHandshake, lostAtFirewall, resetOf } from './handshake';
import { eventsOf, nameRules, stoppedBy } from './rules';

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
  const droppers = stoppedBy(of);
  if (droppers.length === 0) return incomplete({ 'a rule that stopped a packet meanwhile': droppers });
  const { packet, answer, towards } = lost;
  const { client, server } = facts.plan;
  const what = answer
    ? "The control connection's SYN got through, but the SYN/ACK that answers it"
    : "The control connection's SYN";
  return proof(
    {
      text: `${what} reached the firewall (${ends(packet)}) and never left it on the ${towards} side: stopped by ${nameRules(droppers)}.`,
      remedy: answer
        ? `Accept the replies of control connections: TCP packets without SYN alone, from port ${server.port} of the server to the client's high ports.`
        : `Accept new TCP connections to ${client.server.address} port ${server.port}, and the replies to them.`,
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
 * The firewall forgot the control connection while the transfer ran, and the final reply, which the
 * server gave, never reached the client.
 */
function controlExpired(facts: Facts, of: TransferFacts): Examined {
  const { request } = of;
  const expiry = controlExpiry(facts);
  if (!expiry || !request || of.finalReply || expiry.at < request.at) return null;
  const given = replyGiven(facts, of);
  const first = firstUncrossed(facts, request.at);
  if (!given || !first) {
    return incomplete({
      'the final reply, as the server gave it': given,
      'a packet of the control connection that came to the firewall and did not leave it': first,
    });
  }
  const reset = resetAfter(facts, first);
  const from = first.leg === facts.legOf.client ? 'client' : 'server';
  const answered = reset ? ', and the firewall, which knew of no such connection, answered with RST' : '';
  const file = isWhole(of) ? 'The file is whole, but' : 'The file is not whole, and';
  return proof(
    {
      text: `The control connection's entry expired at the firewall (conntrack told of it at ${expiry.at.toFixed(1)} s), while the data connection was in use. The ${from} was the first to speak after that, at ${first.at.toFixed(1)} s${answered}. ${file} the server's “${given.line}” never reached the client.`,
      remedy:
        'Keep the control connection busy (TCP keep-alive or NOOP more often than the timeout), or raise the firewall’s timeout of established connections.',
    },
    [request, expiry, first, ...(reset ? [reset] : []), given],
  );
}

/**
 * The first packet of the control connection, after a moment, that came to the firewall and did not leave it.
 * By that, and not by the time of conntrack's event: an entry that has expired is removed, and told of, when
 * the next packet asks for it (nf_ct_gc_expired).
 */
function firstUncrossed(facts: Facts, moment: number): PacketEvent | undefined {
  const { complete, controlPackets, legOf, plan } = facts;
  const ofEnd = (end: 'client' | 'server'): PacketEvent[] => {
    const leg = legOf[end];
    const other = otherLeg(leg);
    if (!complete[other]) return [];
    const port = end === 'client' ? 'destinationPort' : 'sourcePort';
    return controlPackets[leg].filter(
      (packet) =>
        packet[port] === plan.server.port &&
        packet.at > moment &&
        !isSyn(packet) &&
        !controlPackets[other].some((there) => there[port] === plan.server.port && isSame(packet, there)),
    );
  };
  return [...ofEnd('client'), ...ofEnd('server')].sort((a, b) => a.at - b.at)[0];
}

/** Whether two packets are one, before and after the firewall. A helper may move sequence numbers, but no text else. */
function isSame(one: PacketEvent, other: PacketEvent): boolean {
  if (one.flags !== other.flags) return false;
  return one.payload === '' ? one.sequence === other.sequence : one.payload === other.payload;
}

/** The RST that answered a packet on the leg it came on, when the other leg shows none: the firewall's own. */
function resetAfter({ complete, controlPackets }: Facts, packet: PacketEvent): PacketEvent | undefined {
  const other = otherLeg(packet.leg);
  const isReset = ({ flags, at }: PacketEvent): boolean => flags.includes('R') && at >= packet.at;
  const answer = controlPackets[packet.leg].find(
    (candidate) =>
      isReset(candidate) &&
      candidate.sourcePort === packet.destinationPort &&
      candidate.destinationPort === packet.sourcePort,
  );
  if (!answer || !complete[other]) return undefined;
  const passedOn = controlPackets[other].some(
    (candidate) => isReset(candidate) && candidate.at <= answer.at && candidate.payload === '',
  );
  return passedOn ? undefined : answer;
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
  const droppers = stoppedBy(of);
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
