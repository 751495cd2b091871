import type { PacketEvent } from '../../observe/event';
import { type Facts, type TransferFacts } from '../facts';
import { ends, incomplete, proof, type Cause, type Examined } from './cause';
import {
  answerTo,
  controlHandshake,
  crossing,
  dataHandshake,
  resetOf,
  whose,
  type Handshake,
} from './handshake';
import { eventsOf, nameRules, rejectersOf } from './rules';

// Who made an RST shows on the two legs: one that an end sent is on its own leg before the other; one that
// the firewall made in an end's name is on one leg alone. (What the firewall answers for itself is
// `not-forwarded`.)

export const RESET_BY_ROW: Cause = {
  code: 'reset-by-row',
  needs:
    'the SYN on one leg and never on the other; the RST that answered it on the first alone; a row that rejects, and counted packets',
  scenario: 'passive-rejected',
  examine: resetByRow,
};

export const RESET_BY_PEER: Cause = {
  code: 'reset-by-peer',
  needs:
    'the SYN as it left the firewall, and the RST that the host it went to answered with, on the same leg',
  scenario: 'forwarded-to-another-port',
  examine: resetByPeer,
};

function handshakes(facts: Facts, of: TransferFacts): Handshake[] {
  return [dataHandshake(facts, of), controlHandshake(facts, of)].filter((found) => found !== null);
}

/** A row answered RST in the name of the host that was dialled. */
function resetByRow(facts: Facts, of: TransferFacts): Examined {
  for (const handshake of handshakes(facts, of)) {
    const { syn, near, far, packets } = handshake;
    const reset = resetOf(packets[near], syn);
    const elsewhere = handshake.packets[far].some((packet) => isOfSyn(handshake, packet));
    if (!reset || elsewhere || !facts.complete[far]) continue;
    // To the firewall's own address, it is the firewall that answers.
    if (syn.destination === facts.plan.firewall.addresses[near]) continue;
    const rejecters = rejectersOf(facts, of, syn);
    if (rejecters.length === 0) return incomplete({ 'a row that rejected a packet meanwhile': rejecters });
    return proof(
      {
        text: `${whose(handshake)} SYN (${ends(syn)}) was answered by RST as if from ${reset.source}, but neither was seen ${far}: the firewall made it, by ${nameRules(rejecters)}.`,
        remedy:
          'Accept these connections before the row that rejects them; nothing is wrong at the host that seems to refuse.',
      },
      [syn, reset, ...eventsOf(rejecters)],
    );
  }
  return null;
}

/** Whether a packet of the far leg is the SYN, or answers it with RST. */
function isOfSyn(handshake: Handshake, packet: PacketEvent): boolean {
  const { syn } = handshake;
  const crossed = crossing(handshake);
  return (
    packet === crossed ||
    (packet.flags.includes('R') &&
      packet.sourcePort === syn.destinationPort &&
      packet.destinationPort === syn.sourcePort)
  );
}

/** The SYN arrived, and the host it was for answered RST: nobody listens there. */
function resetByPeer(facts: Facts, of: TransferFacts): Examined {
  for (const handshake of handshakes(facts, of)) {
    const crossed = crossing(handshake);
    const reset = crossed && resetOf(handshake.packets[handshake.far], crossed);
    // An RST after the host took the connection is another matter.
    if (!reset || answerTo(handshake.packets[handshake.far], crossed)) continue;
    const { syn } = handshake;
    const changed =
      syn.destinationPort === crossed.destinationPort
        ? ''
        : ` The firewall had turned port ${syn.destinationPort} into ${crossed.destinationPort}.`;
    return proof(
      {
        text: `${whose(handshake)} SYN reached its host (${ends(crossed)}), which answered RST (${reset.source}): nobody listens on that port there.${changed}`,
        remedy:
          'Compare the port named in the dialogue with the one that was dialled; a firewall that rewrites one of them must translate the other.',
      },
      [syn, crossed, reset],
    );
  }
  return null;
}
