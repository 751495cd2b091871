import type { LabEvent, Leg, PacketEvent } from '../observe/event';
import type { EntryLife } from './entry-lives';
import { isInside, isSyn, otherLeg, type Facts } from './facts';

/** The entries of control connections that the client opened, in order. */
export function controlLives({ lives, plan }: Facts): EntryLife[] {
  return lives.filter(({ original }) => original.destinationPort === plan.server.port);
}

/** A control connection whose entry the firewall gave up while the session still needed it. */
export interface ControlExpiry {
  readonly life: EntryLife;
  /** its deadline: the last packet that set its timer, and the timeout. Seconds of the run */
  readonly at: number;
  /** the firewall's own word that the entry is gone, which comes when it next looks; undefined when none came */
  readonly told: LabEvent | undefined;
}

/** The first control connection whose timer ran out in mid-session, though nobody had closed or reset it. */
export function controlExpiry(facts: Facts): ControlExpiry | undefined {
  const sessionEnd = Math.max(
    ...facts.observation.events.flatMap((event) => (event.kind === 'step' ? [event.at] : [])),
  );
  return controlLives(facts)
    .flatMap((life) => (life.expiredAt === null || life.closed ? [] : [{ life, at: life.expiredAt }]))
    .filter(({ at }) => at < sessionEnd)
    .map(({ life, at }) => ({ life, at, told: life.gone ?? undefined }))[0];
}

/** A packet of the control connection, and what became of it at the firewall. */
export interface Speech {
  readonly packet: PacketEvent;
  readonly from: 'client' | 'server';
  /** the same packet as it left the firewall; undefined when it did not */
  readonly left: PacketEvent | undefined;
  /** it left with an inside address on it, which NAT should have hidden */
  readonly leaked: boolean;
  /** it left with another port of the firewall's than before, so that the other end knows no such connection */
  readonly renumbered: boolean;
}

/** The first packet of a control connection that came to the firewall after its entry expired. */
export function firstSpeech(facts: Facts, { life, at }: ControlExpiry): Speech | undefined {
  const { complete, controlPackets, legOf, plan } = facts;
  // Who was first, and what did not leave, only whole captures of both legs can say.
  if (!complete.inside || !complete.outside) return undefined;
  const { original, reply } = life;
  const ofEnd = (end: 'client' | 'server'): Speech[] => {
    const leg = legOf[end];
    const port = end === 'client' ? 'destinationPort' : 'sourcePort';
    const own = end === 'client' ? original.sourcePort : (reply?.destinationPort ?? original.sourcePort);
    const peer = end === 'client' ? 'sourcePort' : 'destinationPort';
    return controlPackets[leg]
      .filter(
        (packet) =>
          packet[port] === plan.server.port && packet[peer] === own && packet.at > at && !isSyn(packet),
      )
      .slice(0, 1)
      .map((packet) => {
        const left = packetsOn(facts, otherLeg(leg)).find(
          (there) =>
            (there[port] === plan.server.port || there[peer] === own) &&
            there.at >= packet.at - CLOCKS &&
            isSame(packet, there),
        );
        const hides = plan.firewall.nat !== 'none';
        const leaked = hides && left?.leg === 'outside' && isInside(plan, left.source);
        const before = end === 'client' ? reply?.destinationPort : original.destinationPort;
        const renumbered = left !== undefined && !leaked && left.sourcePort !== before;
        return { packet, from: end, left, leaked, renumbered };
      });
  };
  return [...ofEnd('client'), ...ofEnd('server')].sort((a, b) => a.packet.at - b.packet.at)[0];
}

function packetsOn({ observation }: Facts, leg: Leg): PacketEvent[] {
  return observation.events.filter((event) => event.kind === 'packet').filter((packet) => packet.leg === leg);
}

/** Seconds that the captures of both legs may differ by. */
const CLOCKS = 0.01;

/** Whether two packets are one, before and after the firewall. A helper may move sequence numbers, but no text else. */
export function isSame(one: PacketEvent, other: PacketEvent): boolean {
  if (one.flags !== other.flags) return false;
  return one.payload === '' ? one.sequence === other.sequence : one.payload === other.payload;
}

/** The RST that answered a packet on the leg it came on, when the other leg shows none: the firewall's own. */
export function resetAfter(facts: Facts, packet: PacketEvent): PacketEvent | undefined {
  const { complete, controlPackets } = facts;
  const other = otherLeg(packet.leg);
  const isReset = ({ flags, at }: PacketEvent): boolean => flags.includes('R') && at >= packet.at;
  const answer = controlPackets[packet.leg].find(
    (candidate) =>
      isReset(candidate) &&
      candidate.sourcePort === packet.destinationPort &&
      candidate.destinationPort === packet.sourcePort,
  );
  if (!answer || !complete[other]) return undefined;
  const passedOn = packetsOn(facts, other).some(
    (candidate) =>
      isReset(candidate) &&
      candidate.at <= answer.at &&
      (controlPackets[other].includes(candidate) || candidate.sequence === answer.sequence),
  );
  return passedOn ? undefined : answer;
}

/** The RST with which the other end answered a packet that had left the firewall. */
export function resetOfStranger(facts: Facts, { left }: Speech): PacketEvent | undefined {
  return (
    left &&
    packetsOn(facts, left.leg).find(
      ({ flags, at, sourcePort, destinationPort }) =>
        flags.includes('R') &&
        at >= left.at &&
        sourcePort === left.destinationPort &&
        destinationPort === left.sourcePort,
    )
  );
}

/** A moment of a run, in the scenario's time, for people. */
export function moment({ plan }: Facts, at: number): string {
  return plan.timeScale === 1
    ? `${at.toFixed(1)} s`
    : `${Math.round(at * plan.timeScale)} s of the scenario’s time`;
}
