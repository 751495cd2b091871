import { isLinux22 } from '../../plan/plan';
import { isInside, type Facts, type TransferFacts } from '../facts';
import { whyNot } from '../may-match';
import { ends, incomplete, proof, type Cause, type Examined } from './cause';
import { answerTo, controlHandshake, crossing, dataHandshake, whose } from './handshake';
import { lastCount } from './rules';

export const NAT_NOT_APPLIED: Cause = {
  code: 'nat-not-applied',
  needs:
    'a SYN that left the firewall outside with the inside address it came with, and no answer to it there; that no row translated any packet',
  scenario: 'nat-row-elsewhere',
  examine: natNotApplied,
};

/** What goes out keeps an address that nobody outside has a way back to. */
function natNotApplied(facts: Facts, of: TransferFacts): Examined {
  const { plan } = facts;
  if (plan.firewall.nat === 'none' || isLinux22(plan)) return null;
  for (const handshake of [controlHandshake(facts, of), dataHandshake(facts, of)]) {
    const crossed = handshake?.near === 'inside' ? crossing(handshake) : undefined;
    if (!handshake || !crossed || !isInside(plan, crossed.source)) continue;
    if (answerTo(handshake.packets.outside, crossed)) continue;
    const rows = [...facts.loaded.values()].filter(({ does }) => does.verdict === 'snat');
    const counts = rows.flatMap(({ row }) => lastCount(facts, row) ?? []);
    const matched = counts.some(({ packets }) => packets > 0);
    if (matched || counts.length < rows.length || !facts.complete.outside) {
      return incomplete({
        'that no row has translated a packet': !matched && counts.length === rows.length,
        'a whole record of the outside leg, without an answer': facts.complete.outside,
      });
    }
    const [first] = rows;
    const why = first && whyNot(plan, first.does, handshake.syn);
    const row = first
      ? ` Row ${first.row}, “${counts[0]?.rule ?? ''}”, is to translate, and matched none${why ? `: ${why.replace(/^it/, 'the packet')}` : ''}.`
      : ' No row translates what goes out.';
    return proof(
      {
        text: `${whose(handshake)} SYN left the firewall outside with its inside address (${ends(crossed)}), to which nobody there has a way back, and was not answered.${row}`,
        remedy: `Translate what goes out by outside: ${plan.firewall.kind === 'nftables' ? 'oifname "outside" masquerade, in a chain of type nat on hook postrouting' : 'iptables -t nat -A POSTROUTING -o outside -j MASQUERADE'}.`,
      },
      [handshake.syn, crossed, ...counts],
    );
  }
  return null;
}
