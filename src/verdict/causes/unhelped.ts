import type { LabEvent } from '../../observe/event';
import { announcedBy, isInside, otherLeg, portPackets, type Facts, type TransferFacts } from '../facts';
import { ends, incomplete, type Incomplete } from './cause';
import { dataHandshake, endedAtFirewall, lostAtFirewall } from './handshake';
import { eventsOf, nameRules, onlyWhatIsLeft, relatedRow, stoppersOf } from './rules';

/** A failure that a helper at work would have prevented. */
export interface Unhelped {
  readonly kind: 'unrewritten' | 'unrelated' | 'unforwarded';
  /** one sentence, without its full stop */
  readonly text: string;
  readonly events: readonly LabEvent[];
}

/** The failure of a transfer that a helper at work would have prevented; null when it is none of that sort. */
export function unhelped(facts: Facts, of: TransferFacts): Unhelped | Incomplete | null {
  return unrewrittenPort(facts, of) ?? unrelatedData(facts, of) ?? unforwardedData(facts, of);
}

export function isUnhelped(found: Unhelped | Incomplete | null): found is Unhelped {
  return found !== null && 'kind' in found;
}

/** PORT with an inside address reached the far side as it was, and the server could not or would not dial it. */
export function unrewrittenPort(facts: Facts, of: TransferFacts): Unhelped | Incomplete | null {
  if (facts.plan.firewall.nat === 'none' || facts.legOf.client !== 'inside') return null;
  const said = of.transfer.mode === 'active' ? of.arrangement : undefined;
  const address = announcedBy(said?.line ?? '')?.address ?? null;
  if (!said || !isInside(facts.plan, address)) return null;
  const outside = portPackets(facts, of, 'outside')[0];
  const lines = facts.observation.events.filter((event) => event.kind === 'ftp-line');
  // Encrypted, it shows at the server only.
  const encrypted = lines.some(({ vantage, line }) => vantage === 'client' && /^AUTH TLS/i.test(line));
  const heard = lines.find(
    ({ vantage, line, at }) =>
      vantage === 'server' && encrypted && line === said.line && at > (of.begin?.at ?? 0),
  );
  const arrived = outside ?? heard;
  if (outside && !isInside(facts.plan, announcedBy(outside.payload)?.address ?? null)) return null;
  const refusal = of.portReply && /^[45]/.test(of.portReply.line) ? of.portReply : undefined;
  const failed = of.serverData.find((event) => event.change === 'failed');
  const consequence = refusal ?? failed;
  if (!arrived || !consequence) {
    return incomplete({
      'its PORT as it arrived outside': arrived,
      'what the server did about it': consequence,
    });
  }
  const result = refusal
    ? `the server refused it: “${refusal.line}”`
    : `the server could not dial it: ${failed?.error ?? ''}`;
  return {
    kind: 'unrewritten',
    text: `The client's PORT named its inside address ${address ?? ''} and crossed the NAT unchanged; ${result}`,
    events: [said, arrived, consequence],
  };
}

/** A data connection stopped by the policy, where the rules accept what belongs to a known connection. */
function unrelatedData(facts: Facts, of: TransferFacts): Unhelped | null {
  const handshake = dataHandshake(facts, of);
  const lost = handshake && lostAtFirewall(facts, handshake);
  const droppers = lost ? stoppersOf(facts, of, lost.packet) : [];
  if (!lost || lost.answer || !onlyWhatIsLeft(facts, droppers)) return null;
  const rule = relatedRow(facts, lost.packet, droppers);
  if (!rule) return null;
  if (facts.conntrack.some(({ change }) => change === 'expect-new')) return null;
  return {
    kind: 'unrelated',
    text: `The ${handshake.dialler} dialled the data connection (${ends(lost.packet)}); no row speaks of it, and row ${rule.row}, “${rule.rule}”, did not take it for a related one: stopped by ${nameRules(droppers)}`,
    events: [lost.packet, rule, ...eventsOf(droppers)],
  };
}

/** The client dialled what the 227 of a server behind NAT named, and the firewall sent it on to nobody. */
function unforwardedData(facts: Facts, of: TransferFacts): Unhelped | null {
  if (facts.legOf.server !== 'inside' || of.transfer.mode !== 'passive') return null;
  const ended = endedAtFirewall(facts, of, dataHandshake(facts, of));
  if (!ended) return null;
  const { syn } = ended.handshake;
  return {
    kind: 'unforwarded',
    text: `The client dialled port ${syn.destinationPort} of the firewall (${ends(syn)}), which ${ended.answer}; no SYN was seen ${otherLeg(facts.legOf.client)}`,
    events: ended.events,
  };
}
