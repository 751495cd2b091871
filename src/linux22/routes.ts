import { isMartian, maskOf, printAddress, readAddress } from './addresses';
import type { Refusal } from './events';
import { rawHex, type KernelLog } from './kernel-log';
import type { Packet } from './packet';
import type { Switches } from './switches';

/** The two sides of the firewall; rules call its interfaces by the same names. */
export type Side = 'inside' | 'outside';

export interface InterfaceAddress {
  readonly address: string;
  /** of the network there; what is in neither network is reached through `outside` */
  readonly prefix: number;
  /** bytes of the largest packet that the link takes; left out: 1500 */
  readonly mtu?: number;
}

interface Attached {
  readonly address: number;
  readonly network: number;
  readonly mask: number;
  readonly mtu: number;
}

/** Ethernet's. */
const MTU = 1500;
/** Who is sent redirects is remembered; more push out the oldest. */
const MOST_REDIRECTED = 1024;
/**
 * How often a sender is told of a better way (route.c, ip_rt_send_redirect): after 20 ms, 40 ms and so on, nine times,
 * and then no more until it has been quiet for 20.48 s.
 */
const REDIRECTS = { seconds: 0.02, most: 9, silence: 20.48 };

/** The firewall's addresses, and which way packets go (route.c, fib_frontend.c). Times in seconds, given from outside. */
export class Routes {
  readonly #interfaces: Readonly<Record<Side, Attached>>;
  readonly #switches: Switches;
  readonly #log: Pick<KernelLog, 'sayRarely'>;
  /** redirects sent, by sender and destination */
  readonly #redirected = new Map<number, { sent: number; at: number }>();

  /** @throws an Error for an address that is none */
  constructor(
    { inside, outside }: Readonly<Record<Side, InterfaceAddress>>,
    switches: Switches,
    log: Pick<KernelLog, 'sayRarely'>,
  ) {
    const attached = ({ address, prefix, mtu = MTU }: InterfaceAddress): Attached => {
      const number = readAddress(address);
      const mask = maskOf(prefix);
      return { address: number, network: (number & mask) >>> 0, mask, mtu };
    };
    this.#interfaces = { inside: attached(inside), outside: attached(outside) };
    this.#switches = switches;
    this.#log = log;
  }

  addressOf(side: Side): number {
    return this.#interfaces[side].address;
  }

  mtu(side: Side): number {
    return this.#interfaces[side].mtu;
  }

  isOwn(address: number): boolean {
    return address === this.#interfaces.inside.address || address === this.#interfaces.outside.address;
  }

  /** The first and the last address of a network are nobody's. */
  isBroadcast(address: number): boolean {
    const { network, mask } = this.#interfaces[this.sideOf(address)];
    if (mask >>> 0 >= 0xfffffffe || (address & mask) >>> 0 !== network) return false;
    return address === network || address === (network | ~mask) >>> 0;
  }

  sideOf(address: number): Side {
    const { network, mask } = this.#interfaces.inside;
    return (address & mask) >>> 0 === network ? 'inside' : 'outside';
  }

  /**
   * Why a packet that came in has no route (route.c, ip_route_input_slow; fib_frontend.c, fib_validate_source). Asked for
   * each packet: a function made in here would cost more than all that it does.
   */
  fault(from: Side, packet: Packet, now: number): Refusal | null {
    const { source, destination } = packet;
    const isOwn = this.isOwn(destination);
    if (isMartian(source)) return this.#refuseSource('martian address', from, packet, now);
    if (!isOwn && isMartian(destination)) {
      if (!isToMany(destination))
        this.#logMartian(from, `martian destination ${rawHex(destination)} from ${rawHex(source)}`, now);
      return 'martian address';
    }
    if (!isOwn && !this.#switches.forwardsFrom(from)) return 'forwarding is off';
    if (this.isOwn(source)) return this.#refuseSource('martian address', from, packet, now);
    if (!this.#switches.checksSourceOf(from) || this.sideOf(source) === from) return null;
    return this.#refuseSource('source on the other side', from, packet, now);
  }

  #refuseSource(reason: Refusal, from: Side, { source, destination }: Packet, now: number): Refusal {
    this.#logMartian(from, `martian source ${rawHex(source)} for ${rawHex(destination)}`, now);
    return reason;
  }

  /** The kernel adds a line with the link's header, which is not known here. */
  #logMartian(from: Side, line: string, now: number): void {
    if (this.#switches.either('log_martians', from)) this.#log.sayRarely(`${line}, dev ${from}`, now);
  }

  /** ip_input.c, ip_rcv. */
  logSourceRoute(from: Side, { source, destination }: Packet, now: number): void {
    if (!this.#switches.either('log_martians', from)) return;
    this.#log.sayRarely(`source route option ${printAddress(source)} -> ${printAddress(destination)}`, now);
  }

  /**
   * Whether a neighbour is to be told that there is a better way than through here (route.c, ip_rt_send_redirect); if
   * so, it is taken to have been told.
   */
  isRedirectDue(from: Side, { source, destination }: Packet, now: number): boolean {
    if (!this.#switches.either('send_redirects', from)) return false;
    const { network, mask } = this.#interfaces[from];
    const isNear = (address: number): boolean => (address & mask) >>> 0 === network;
    // Of what is farther away nobody knows the gateway here.
    if (!isNear(source) || !isNear(destination)) return false;
    const key = source * 2 ** 20 + (destination & 0xfffff);
    const before = this.#redirected.get(key) ?? { sent: 0, at: Number.NEGATIVE_INFINITY };
    const since = now - before.at;
    const sent = since > REDIRECTS.silence ? 0 : before.sent;
    const isDue = sent < REDIRECTS.most && since > REDIRECTS.seconds * 2 ** sent;
    if (!isDue && sent < REDIRECTS.most) return false;
    this.#redirected.delete(key);
    this.#redirected.set(key, { sent: isDue ? sent + 1 : sent, at: now });
    const [oldest] = this.#redirected.keys();
    if (this.#redirected.size > MOST_REDIRECTED && oldest !== undefined) this.#redirected.delete(oldest);
    return isDue;
  }
}

/** To many at once: of these the kernel says nothing. */
function isToMany(address: number): boolean {
  return address === 0xffffffff || address >>> 28 === 0xe;
}
