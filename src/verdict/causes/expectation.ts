import { announcedBy, type Facts, type TransferFacts } from '../facts';
import { controlEntry } from './attachment';
import { ends, incomplete, proof, type Cause, type Examined } from './cause';
import { dataHandshake, endedAtFirewall, lostAtFirewall } from './handshake';
import { eventsOf, nameRules, stoppersOf } from './rules';

export const DOUBLE_FIX: Cause = {
  code: 'double-fix',
  needs:
    'a 227 or PORT that named the firewall’s address before it came to the firewall; conntrack’s entry of the control connection, with the helper, and no expectation; the SYN to the firewall and what it did',
  scenario: 'server-nat-double-fix',
  examine: doubleFix,
};

export const EXPECTATION_FILTERED: Cause = {
  code: 'expectation-filtered',
  needs:
    'conntrack’s expectation of the data connection; its SYN on one leg and never on the other; a rule that stopped packets',
  scenario: 't3-active-helper',
  examine: expectationFiltered,
};

/** An end named the firewall's address itself; the helper expects nothing for an address that is not that end's. */
function doubleFix(facts: Facts, of: TransferFacts): Examined {
  const { plan, legOf } = facts;
  const [namer, dialler] =
    of.transfer.mode === 'passive' ? (['server', 'client'] as const) : (['client', 'server'] as const);
  if (legOf[namer] !== 'inside') return null;
  const mine = new Set<unknown>(of.events);
  const left = facts.controlPackets.inside.find(
    (packet) =>
      mine.has(packet) &&
      (namer === 'server' ? /^227 / : /^(?:PORT|EPRT) /i).test(packet.payload) &&
      announcedBy(packet.payload)?.address === plan.firewall.addresses.outside,
  );
  const ended = endedAtFirewall(facts, of, dataHandshake(facts, of));
  if (!left || !ended) return null;
  const { syn } = ended.handshake;
  const expected = facts.conntrack.some(
    ({ change, original }) => change === 'expect-new' && original.destinationPort === syn.destinationPort,
  );
  const { helped } = controlEntry(facts, of);
  if (!helped || expected || facts.observation.conntrackLost > 0) {
    return incomplete({
      'conntrack’s entry of the control connection, with the helper': helped,
      'a whole record of conntrack without an expectation of it': !expected,
    });
  }
  return proof(
    {
      text: `The ${namer}'s own ${namer === 'server' ? '227' : 'PORT'} already named the firewall's address (“${left.payload.trimEnd()}”), and the helper, which expects connections to the ${namer}'s own address only, expected none. The ${dialler} dialled ${ends(syn)}; the firewall forwards it to nobody and ${ended.answer}.`,
      remedy: `Use one of the two: have the ${namer} name its own address and leave the rest to the helper, or switch the helper off and forward ${namer === 'server' ? 'the server’s passive ports' : 'the ports that the client listens on'}.`,
    },
    [left, helped, ...ended.events],
  );
}

/** The helper did its part, and the rules stopped what it foretold. */
function expectationFiltered(facts: Facts, of: TransferFacts): Examined {
  const handshake = dataHandshake(facts, of);
  const lost = handshake && lostAtFirewall(facts, handshake);
  if (!lost) return null;
  const port = handshake.syn.destinationPort;
  const expected = facts.conntrack.find(
    ({ change, original }) => change === 'expect-new' && original.destinationPort === port,
  );
  if (!expected) return null;
  const droppers = stoppersOf(facts, of, lost.packet);
  if (droppers.length === 0) return incomplete({ 'a rule that stopped a packet meanwhile': droppers });
  const { packet, towards } = lost;
  return proof(
    {
      text: `The helper foretold the data connection to port ${port}, and the ${handshake.dialler} dialled it; its ${lost.answer ? 'SYN/ACK' : 'SYN'} (${ends(packet)}) never left the firewall on the ${towards} side: stopped by ${nameRules(droppers)}.`,
      remedy:
        'Accept related connections before the rules that stop new ones (--state RELATED, ct state related); where rules know no state, accept data connections by port 20.',
    },
    [expected, packet, ...eventsOf(droppers)],
  );
}
