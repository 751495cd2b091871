import { maskOf } from './addresses';
import { TCP, SYN, ACK, RST, type Packet } from './packet';
import { PROTOCOLS, type Endpoint, type IpchainsRule } from '../firewall/ipchains/rule';
import { toNumber } from '../firewall/quantities';

/** The interfaces rules name: the firewall's two, and its loopback. */
export const INTERFACES = ['inside', 'outside', 'lo'] as const;
export type Interface = (typeof INTERFACES)[number];

const BIT: Readonly<Record<Interface, number>> = { inside: 1, outside: 2, lo: 4 };

/** What a rule counts for: a row of the owner's, or the policy for what no row speaks of. */
export type RowNumber = number | 'policy';

/** One end of a rule, as numbers. */
interface CompiledEnd {
  readonly network: number;
  readonly mask: number;
  readonly not: boolean;
  /** null: any, and only then may the packet be a fragment */
  readonly ports: { readonly low: number; readonly high: number; readonly not: boolean } | null;
}

/** A rule in a chain of the kernel, with its counters (ip_fw.c, struct ip_fwkernel). */
export class KernelRule {
  packets = 0;
  bytes = 0;
  readonly #source: CompiledEnd;
  readonly #destination: CompiledEnd;
  /** bits of the interfaces it speaks of */
  readonly #interfaces: number;
  readonly #protocol: number;
  readonly #notProtocol: boolean;

  /** @param row the row of the owner's rules it comes from; policy: it stands for that; null: neither */
  constructor(
    readonly rule: IpchainsRule,
    readonly row: RowNumber | null,
  ) {
    this.#source = compileEnd(rule.source);
    this.#destination = compileEnd(rule.destination);
    this.#interfaces = interfaceBits(rule);
    this.#protocol = rule.protocol.value;
    this.#notProtocol = rule.protocol.not;
  }

  /** Whether a packet matches (ip_fw.c, ip_rule_match). `unknown`: a fragment, or too short to say its ports. */
  matches(packet: Packet, via: Interface, unknown: boolean): boolean {
    if (!matchesNetwork(this.#source, packet.source)) return false;
    if (!matchesNetwork(this.#destination, packet.destination)) return false;
    if ((this.#interfaces & BIT[via]) === 0) return false;
    const { fragment, syn } = this.rule;
    if (fragment?.not === unknown) return false;
    // A fragment never passes a test for SYN, not even one turned round.
    if (syn && (unknown || isSyn(packet) === syn.not)) return false;
    if (this.#protocol === PROTOCOLS.all) return true;
    if ((packet.protocol === this.#protocol) === this.#notProtocol) return false;
    return (
      matchesPort(this.#source, packet.sourcePort, unknown) &&
      matchesPort(this.#destination, packet.destinationPort, unknown)
    );
  }
}

/** SYN set, ACK and RST clear; FIN does not matter (ip_fw.c, ip_fw_check). */
export function isSyn(packet: Packet): boolean {
  return packet.protocol === TCP && (packet.flags & (SYN | ACK | RST)) === SYN;
}

function compileEnd({ network, ports }: Endpoint): CompiledEnd {
  return {
    network: toNumber(network.value.address) ?? 0,
    mask: maskOf(network.value.prefix),
    not: network.not,
    ports: ports && { low: ports.value[0], high: ports.value[1], not: ports.not },
  };
}

function interfaceBits({ interface: match }: IpchainsRule): number {
  if (!match) return 0xff;
  const { name, prefix } = match.value;
  let bits = 0;
  for (const known of INTERFACES) {
    const found = prefix ? known.startsWith(name) : known === name;
    if (found !== match.not) bits |= BIT[known];
  }
  return bits;
}

function matchesNetwork(end: CompiledEnd, address: number): boolean {
  return ((address & end.mask) >>> 0 === end.network) !== end.not;
}

function matchesPort({ ports }: CompiledEnd, port: number, unknown: boolean): boolean {
  if (!ports) return true;
  return !unknown && (port >= ports.low && port <= ports.high) !== ports.not;
}
