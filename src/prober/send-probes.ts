import { setTimeout as delay } from 'node:timers/promises';
import { now } from '../agent/clock';
import type { AgentReport, ProbeCommand } from '../agent/messages';
import type { RawSocket } from '../agent/raw-socket';
import type { PortRange } from '../firewall/kinds';
import { Pace } from './pace';
import { addressBytes, checkedPort, flagBits, probePacket } from './probe-packet';

/** Packets at once: 5 ms' worth, for timers come no more often than every millisecond, or late. */
const BURST = 200;
/** With a burst, 40,000 packets in any second: what a capture on a small machine still writes down whole. */
const PER_SECOND = 40_000 - BURST;
/** The shortest a timer waits. */
const TICK_MILLISECONDS = 1;
/** Ticks in a row in which no packet found room, after which the probe is given up. */
const MAX_FULL_TICKS = 2000;

/** What a prober keeps from one probe to the next. */
export interface ProberState {
  readonly address: string;
  readonly socket: RawSocket;
  readonly pace: Pace;
}

/** The pace of one prober: it holds across its probes. */
export function proberPace(): Pace {
  return new Pace(PER_SECOND, BURST);
}

/**
 * Sends a probe: one packet for each source and destination port, in that order, paced.
 *
 * @param onProbed is told of each source port once its packets have left, also when only some could
 * @throws an Error for a probe that makes no sense, before anything is sent, and for packets that can't leave
 */
export async function sendProbes(
  command: ProbeCommand,
  state: ProberState,
  onProbed: (report: AgentReport) => void,
): Promise<void> {
  const flags = checkedProbe(command);
  const { name, mark, destination, ports } = command;
  for (const sourcePort of command.sourcePorts) {
    let packets = 0;
    let from = now();
    try {
      for (const destinationPort of eachPort(ports)) {
        const probe = { mark, source: state.address, destination, sourcePort, destinationPort, flags };
        await sendPaced(probePacket(probe), destination, state, () => {
          if (packets === 0) from = now();
        });
        packets += 1;
      }
    } finally {
      const what = { name, source: state.address, destination, flags: command.flags, sourcePort, ports };
      onProbed({ type: 'probed', at: now(), from, ...what, packets });
    }
  }
}

/** Sends one packet as soon as the pace allows and there is room for it. */
async function sendPaced(
  packet: Buffer,
  destination: string,
  { socket, pace }: ProberState,
  onAttempt: () => void,
): Promise<void> {
  for (let fullTicks = 0; ;) {
    while (pace.allowance(performance.now() / 1000) < 1) await delay(TICK_MILLISECONDS);
    onAttempt();
    const left = socket.send(packet);
    if (left) {
      pace.spend();
      return;
    }
    fullTicks += 1;
    if (fullTicks > MAX_FULL_TICKS) {
      throw new Error(
        `Can't send a packet to ${destination}: the interface had no room for it ${MAX_FULL_TICKS} times in a row`,
      );
    }
    await delay(TICK_MILLISECONDS);
  }
}

/** Each port of some ranges, in order. */
function* eachPort(ranges: readonly PortRange[]): Generator<number> {
  for (const [first, last] of ranges) {
    for (let port = first; port <= last; port += 1) yield port;
  }
}

/** The flags of a probe whose every part makes sense. @throws an Error that names the probe and the part */
function checkedProbe({ name, destination, flags, sourcePorts, ports }: ProbeCommand): number {
  try {
    addressBytes(destination);
    sourcePorts.forEach(checkedPort);
    for (const [first, last] of ports) {
      if (checkedPort(first) > checkedPort(last))
        throw new Error(`port range ${first}-${last} is upside down; did you mean ${last}-${first}?`);
    }
    return flagBits(flags);
  } catch (error) {
    throw new Error(`Probe "${name}": ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}
