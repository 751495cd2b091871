import type { Leg, PacketEvent } from '../../observe/event';
import { otherLeg, type Facts, type TransferFacts } from '../facts';
import { ends, incomplete, proof, type Cause, type Examined } from './cause';
import { eventsOf, nameRules, stoppersOf } from './rules';

const DNS_PORT = 53;

export const NAME_NOT_RESOLVED: Cause = {
  code: 'name-not-resolved',
  needs:
    'the client got no address for the name; its query, or the answer, on one leg and never on the other; a rule that stopped packets',
  scenario: 'dns-closed',
  examine: nameNotResolved,
};

/** The client asked for the server's name, and its query, or the answer, was stopped. */
function nameNotResolved(facts: Facts, of: TransferFacts): Examined {
  const { resolved } = of;
  if (resolved?.address !== null) return null;
  const near = facts.legOf.client;
  const far = otherLeg(near);
  const query = facts.complete[far] ? uncrossed(facts, near, 'destinationPort') : undefined;
  const lost = query ?? (facts.complete[near] ? uncrossed(facts, far, 'sourcePort') : undefined);
  const droppers = lost ? stoppersOf(facts, of, lost) : [];
  if (!lost || droppers.length === 0) {
    return incomplete({
      'a query or answer that is on one leg and not on the other': lost,
      'a rule that stopped a packet meanwhile': droppers,
    });
  }
  const what = query ? 'query' : 'answer';
  return proof(
    {
      text: `The client could not find the address of ${resolved.name}: its ${what} (${ends(lost)}, ${lost.protocol.toUpperCase()}) was seen ${lost.leg} and never ${otherLeg(lost.leg)}: stopped by ${nameRules(droppers)}.`,
      remedy:
        'Open port 53 to the resolver, UDP and TCP, and its replies; or name the server by its address.',
    },
    [resolved, lost, ...eventsOf(droppers)],
  );
}

/** A DNS packet on one leg with none like it on the other. */
function uncrossed(facts: Facts, from: Leg, port: 'sourcePort' | 'destinationPort'): PacketEvent | undefined {
  const dns = facts.observation.events
    .filter((event) => event.kind === 'packet')
    .filter((packet) => packet[port] === DNS_PORT);
  const there = dns.filter(({ leg }) => leg !== from);
  return dns.find(
    ({ leg, protocol, length }) =>
      leg === from && !there.some((packet) => packet.protocol === protocol && packet.length === length),
  );
}
