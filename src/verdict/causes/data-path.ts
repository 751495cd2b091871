import { otherLeg, type Facts, type TransferFacts } from '../facts';
import { controlEntry } from './attachment';
import { ends, incomplete, proof, type Cause, type Examined } from './cause';
import {
  controlHandshake,
  dataHandshake,
  endedAtFirewall,
  lostAtFirewall,
  type Handshake,
  type Lost,
} from './handshake';
import { activeRemedy, passiveRemedy, relatedRemedy } from './remedies';
import { acceptsFromPort, eventsOf, nameRules, stoppersOf } from './rules';

export const DATA_FROM_OTHER_PORT: Cause = {
  code: 'data-from-other-port',
  needs:
    'the SYN of an active data connection on the server’s leg, from a port other than 20, and never on the other leg; a rule that accepts from port 20, and one that stopped packets',
  scenario: 't1-data-port-any',
  examine: dataFromOtherPort,
};

export const DATA_DROPPED: Cause = {
  code: 'data-dropped',
  needs:
    'the SYN of the data connection, or the SYN/ACK that answers it, on one leg and never on the other; a rule that stopped packets',
  scenario: 't1-passive',
  examine: dataDropped,
};

export const NOT_FORWARDED: Cause = {
  code: 'not-forwarded',
  needs:
    'a SYN to the firewall’s own address on one leg and none on the other; the RST that answered it and conntrack’s entry that ends at the firewall, or the policy for packets to the firewall itself',
  scenario: 'server-nat-passive-unforwarded',
  examine: notForwarded,
};

function dataFromOtherPort(facts: Facts, of: TransferFacts): Examined {
  const handshake = dataHandshake(facts, of);
  const dataPort = facts.plan.server.port - 1;
  if (handshake?.dialler !== 'server' || handshake.syn.sourcePort === dataPort) return null;
  const lost = lostAtFirewall(facts, handshake);
  if (!lost || !acceptsFromPort(facts, dataPort)) return null;
  const droppers = stoppersOf(facts, of, lost.packet);
  const { syn, near, far } = handshake;
  if (droppers.length === 0) return incomplete({ 'a rule that stopped a packet meanwhile': droppers });
  return proof(
    {
      text: `The server dialled the data connection from port ${syn.sourcePort} (${ends(syn)}), and the rules accept what comes from port ${dataPort}; the SYN was seen ${near} and never ${far}: stopped by ${nameRules(droppers)}.`,
      remedy: `Have the server dial from port ${dataPort}, as RFC 959 says (vsftpd: connect_from_port_20=YES)${relatedRemedy(facts.plan, ', or attach the FTP helper to the control connection and accept related connections')}, or use passive mode.`,
    },
    [syn, ...eventsOf(droppers)],
  );
}

/** The first packet of the data connection's handshake that came to the firewall did not leave it. */
function dataDropped(facts: Facts, of: TransferFacts): Examined {
  const handshake = dataHandshake(facts, of);
  const lost = handshake && lostAtFirewall(facts, handshake);
  if (!lost) return null;
  const droppers = stoppersOf(facts, of, lost.packet);
  if (droppers.length === 0) return incomplete({ 'a rule that stopped a packet meanwhile': droppers });
  const { dialler } = handshake;
  const { packet, answer, towards } = lost;
  const what = answer
    ? `The ${dialler} dialled the data connection and its SYN got through, but the SYN/ACK that answers it`
    : `The ${dialler} dialled the data connection (${ends(packet)}); its SYN`;
  return proof(
    {
      text: `${what} was seen ${otherLeg(towards)} and never ${towards}: stopped by ${nameRules(droppers)}.`,
      remedy: dataRemedy(facts, handshake, lost),
    },
    [packet, ...eventsOf(droppers)],
  );
}

function dataRemedy({ plan }: Facts, { dialler }: Handshake, { answer }: Lost): string {
  if (answer)
    return `Accept the ${dialler === 'client' ? 'server' : 'client'}'s answers on data connections, too.`;
  return dialler === 'server'
    ? `Accept what the server dials from port 20${relatedRemedy(plan, ', or attach the FTP helper to the control connection and accept related connections')}, or use passive mode.`
    : `Accept new connections from the client to the server's passive ports (${plan.server.passivePorts.join('–')})${relatedRemedy(plan, ', or attach the FTP helper and accept related ones')}.`;
}

/** Somebody dialled the firewall's own address, and the firewall itself answered, or stopped it: nothing forwards that port. */
function notForwarded(facts: Facts, of: TransferFacts): Examined {
  const data = endedAtFirewall(facts, of, dataHandshake(facts, of));
  const ended = data ?? endedAtFirewall(facts, of, controlHandshake(facts, of));
  if (!ended) return null;
  const { syn, dialler, far, what } = ended.handshake;
  const port = syn.destinationPort;
  const { passivePorts } = facts.plan.server;
  // One that is attached already need not be.
  const { helped } = controlEntry(facts, of);
  const attach = (remedy: string): string => (helped ? '' : `, ${remedy}`);
  const remedies = {
    control: `Forward TCP port ${port} of the firewall's outside address to the server.`,
    client: `Forward the server's passive ports (${passivePorts.join('–')}) to it${attach(passiveRemedy(facts.plan))}, or use active mode.`,
    server: `Have the client name a port that is forwarded to it${attach(activeRemedy(facts.plan))}, or use passive mode.`,
  };
  return proof(
    {
      text: `The ${dialler} dialled port ${port} of the firewall (${ends(syn)}), which forwards it to nobody and ${ended.answer}; no SYN was seen ${far}.`,
      remedy: remedies[what === 'control' ? 'control' : dialler],
    },
    ended.events,
  );
}
