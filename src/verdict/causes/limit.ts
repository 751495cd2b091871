import type { Facts, TransferFacts } from '../facts';
import { mayMatch } from '../may-match';
import { ends, incomplete, proof, type Cause, type Examined } from './cause';
import { dataHandshake, lostAtFirewall } from './handshake';
import { comesAfter, eventsOf, lastCount, nameRules, stoppersOf } from './rules';

export const LIMIT_SPENT: Cause = {
  code: 'limit-spent',
  needs:
    'the SYN of the data connection on one leg and never on the other; a row with a limit that asks nothing else but what this packet has, and that counted others; a rule behind it that stopped packets',
  scenario: 'limit-spent',
  examine: limitSpent,
};

/** A row accepts such packets, so many of them in a time, and this one was one too many. */
function limitSpent(facts: Facts, of: TransferFacts): Examined {
  const handshake = dataHandshake(facts, of);
  const lost = handshake && lostAtFirewall(facts, handshake);
  if (!lost) return null;
  const rule = [...facts.loaded.values()].find(
    ({ does, hook }) =>
      does.limited &&
      does.understood &&
      does.verdict === 'accept' &&
      (hook === null || hook === 'forward') &&
      (does.states?.includes('new') ?? true) &&
      mayMatch(facts.plan, does, lost.packet),
  );
  if (!rule) return null;
  const count = lastCount(facts, rule.row);
  const droppers = stoppersOf(facts, of, lost.packet);
  const after = droppers.filter((dropper) => comesAfter(facts, rule, dropper));
  if (!count || count.packets === 0 || after.length < droppers.length || droppers.length === 0) {
    return incomplete({
      [`that row ${rule.row} has accepted such packets before`]: count && count.packets > 0,
      [`a rule behind row ${rule.row}, and none before it, that stopped a packet meanwhile`]: after,
    });
  }
  return proof(
    {
      text: `The ${handshake.dialler} dialled the data connection (${ends(lost.packet)}). Row ${rule.row}, “${count.rule}”, accepts such packets, ${count.packets} in this run, and has a limit: it did not take this one, which was then stopped by ${nameRules(droppers)}.`,
      remedy: `Raise the limit of row ${rule.row}, or have it count less: every data connection takes one of it. Rows that accept data connections without a limit, such as related ones, go before it.`,
    },
    [lost.packet, count, ...eventsOf(droppers)],
  );
}
