import type { Network } from '../quantities';
import type { PortRange } from '../kinds';

/** Chains the kernel has from the start (ip_fw.c, ipfw_init_or_cleanup). */
export const BUILT_IN_CHAINS = ['input', 'forward', 'output'] as const;
export type BuiltInChain = (typeof BUILT_IN_CHAINS)[number];

/** Targets a rule may have besides the user's chains (ip_fw.c, find_special). */
export const TARGETS = ['ACCEPT', 'DENY', 'REJECT', 'MASQ', 'REDIRECT', 'RETURN'] as const;
export type SpecialTarget = (typeof TARGETS)[number];

export const POLICY_TARGETS = ['ACCEPT', 'DENY', 'REJECT', 'MASQ'] as const;
export type PolicyTarget = (typeof POLICY_TARGETS)[number];

/** Longest name of a chain, in characters (IP_FW_MAX_LABEL_LENGTH, linux/ip_fw.h). */
export const MAX_CHAIN_NAME = 8;

/** IP protocol numbers; 0 stands for any protocol (ip_fw.c, ip_rule_match: `if (f->ipfw.fw_proto)`). */
export const PROTOCOLS = { all: 0, icmp: 1, tcp: 6, udp: 17 } as const;

/** Something a packet must have, or with `not` must not have. */
export interface Match<T> {
  readonly not: boolean;
  readonly value: T;
}

/** One end of a packet. */
export interface Endpoint {
  /** the address's bits past the mask are zero, as ipchains clears them (parse_hostnetworkmask) */
  readonly network: Match<Network>;
  /**
   * Ports of TCP and UDP. For ICMP the source's are the types and the destination's the codes, as the
   * kernel compares them (ip_fw_check: src_port is the type, dst_port the code). null: any, and only then
   * does a fragment without a header match (port_match).
   */
  readonly ports: Match<PortRange> | null;
}

export interface InterfaceMatch {
  /** without the trailing `+` */
  readonly name: string;
  /** all interfaces whose names begin so (IP_FW_F_WILDIF) */
  readonly prefix: boolean;
}

/** Where a matching packet goes. A user's chain is a jump, even where its name looks special. */
export type Target =
  | { readonly kind: 'special'; readonly name: Exclude<SpecialTarget, 'REDIRECT'> }
  /** to this port of the firewall itself; 0: to the port it was sent to (ip_fw_check) */
  | { readonly kind: 'redirect'; readonly port: number }
  | { readonly kind: 'chain'; readonly chain: string };

/** A rule of ipchains 1.3, whole: a field that is null says nothing about a packet. */
export interface IpchainsRule {
  /** IP protocol number, see PROTOCOLS */
  readonly protocol: Match<number>;
  readonly source: Endpoint;
  readonly destination: Endpoint;
  /** `-i`: where the packet came in (input), or where it leaves (forward and output) (ipchains(8)) */
  readonly interface: Match<InterfaceMatch> | null;
  /**
   * `-y`: SYN set, ACK and RST clear; FIN does not matter (ip_fw.c, ip_fw_check and IP_FW_F_TCPSYN). `not`:
   * all other TCP packets. A fragment without a header passes neither (ip_rule_match).
   */
  readonly syn: { readonly not: boolean } | null;
  /** `-f`: second and further fragments only; `not`: everything else */
  readonly fragment: { readonly not: boolean } | null;
  /** `-b`: the kernel gets two rules, see bothWays */
  readonly bidirectional: boolean;
  /** `-l`: the kernel logs matching packets */
  readonly log: boolean;
  /** `-o`: up to so many bytes of a matching packet are copied to netlink, 0 to 65535 */
  readonly outputSize: number | null;
  /** `-m`: mark of 32 bits, set or, when not absolute, added modulo 2³² (ip_fw_domatch) */
  readonly mark: { readonly absolute: boolean; readonly value: number } | null;
  /** `-t`: TOS becomes (TOS & and) ^ xor (ip_fw_domatch) */
  readonly tos: { readonly and: number; readonly xor: number } | null;
  /** null: the packet is counted and goes on to the next rule */
  readonly target: Target | null;
}

/** What one command does. Rules are numbered from 1. `chain: null` means all chains. */
export type IpchainsAction =
  | { readonly kind: 'append'; readonly chain: string; readonly rule: IpchainsRule }
  | { readonly kind: 'insert'; readonly chain: string; readonly at: number; readonly rule: IpchainsRule }
  | { readonly kind: 'replace'; readonly chain: string; readonly at: number; readonly rule: IpchainsRule }
  | { readonly kind: 'delete'; readonly chain: string; readonly rule: IpchainsRule }
  | { readonly kind: 'delete-number'; readonly chain: string; readonly at: number }
  | { readonly kind: 'policy'; readonly chain: BuiltInChain; readonly target: PolicyTarget }
  | { readonly kind: 'flush'; readonly chain: string | null }
  | { readonly kind: 'zero'; readonly chain: string | null }
  | { readonly kind: 'new-chain'; readonly chain: string }
  | { readonly kind: 'delete-chain'; readonly chain: string | null }
  /** changes nothing */
  | { readonly kind: 'list'; readonly chain: string | null }
  /** changes nothing */
  | { readonly kind: 'list-masquerade' }
  /** seconds; 0 keeps the present value (ip_masq.c, ip_fw_masq_timeouts) */
  | { readonly kind: 'timeouts'; readonly tcp: number; readonly tcpFin: number; readonly udp: number };

/** A command and where it was written: line and column from 0, and its text. */
export type IpchainsCommand = IpchainsAction & {
  readonly line: number;
  readonly column: number;
  readonly text: string;
};

/**
 * The rules the kernel gets for one rule: with `-b` a second one follows, its ends swapped; for ICMP type and
 * code stay (ipchains.c, swap_info). Everything else, `-y` too, is the same in both. Both are inserted at the
 * same number, so that after `-I` the second stands before the first (ipchains.c, insert_entry).
 */
export function bothWays(rule: IpchainsRule): readonly IpchainsRule[] {
  const one = { ...rule, bidirectional: false };
  if (!rule.bidirectional) return [one];
  const { source, destination } = rule;
  if (rule.protocol.value !== PROTOCOLS.icmp)
    return [one, { ...one, source: destination, destination: source }];
  return [
    one,
    {
      ...one,
      source: { network: destination.network, ports: source.ports },
      destination: { network: source.network, ports: destination.ports },
    },
  ];
}

/** Whether the kernel knows this chain by itself. */
export function isBuiltIn(chain: string): chain is BuiltInChain {
  return BUILT_IN_CHAINS.some((known) => known === chain);
}
