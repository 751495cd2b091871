/** Every kind of firewall the lab knows, by the name scenarios use. */
export const FIREWALL_KINDS = ['ipchains', 'iptables', 'nftables'] as const;
export type FirewallKind = (typeof FIREWALL_KINDS)[number];

/** The Linux 2.2 kernels that an ipchains firewall can be. */
export const KERNELS = ['2.2.14', '2.2.19'] as const;
export type Kernel22 = (typeof KERNELS)[number];

export const NAT_MODES = ['none', 'masquerade'] as const;
export type NatMode = (typeof NAT_MODES)[number];

export const POLICIES = ['accept', 'drop'] as const;
export type Policy = (typeof POLICIES)[number];

/** One rule as its owner wrote it. */
export interface Row {
  /** its number, from 1, through all the rules of a firewall */
  readonly row: number;
  readonly text: string;
  /** where it stands in its text, both from 0 */
  readonly line: number;
  readonly column: number;
  /** whether a packet that matches it goes no further: drop, deny, reject */
  readonly stops: boolean;
}

/** One line of a kind's own language, e.g. `-A FORWARD -p tcp -j ACCEPT`. */
export interface Command {
  /** iptables: filter, nat, mangle, raw or security; nftables: the lab's chain it is put into; else empty */
  readonly table: string;
  readonly text: string;
  /** the row it is; null for what counts no packets, such as a policy */
  readonly row: number | null;
  /** its line in its text, from 0, where it is no row and may be refused all the same */
  readonly line?: number;
  /** the rows that stand on it, where one may hold several, or a part of one */
  readonly places?: readonly Place[];
  /** iptables: where each word behind the chain stands in the row's text, from 0 */
  readonly columns?: readonly number[];
}

/** Where a line of a row's text stands on a line of a ruleset. */
export interface Place {
  readonly row: number;
  /** of the row's text, from 0 */
  readonly line: number;
  /** where it begins, from 0 */
  readonly column: number;
}

/** What is wrong with rule text, and where: line and column from 0. */
export interface RuleProblem {
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

/** Rule text, read. */
export interface ParsedRules {
  readonly rows: readonly Row[];
  /** all that has to be loaded, in order; the rows are among them */
  readonly commands: readonly Command[];
  readonly problems: readonly RuleProblem[];
  /** the policy the text itself sets for forwarded packets; null when it sets none */
  readonly policy: Policy | null;
  /** whether the text translates addresses itself, so that the lab adds no translation of its own */
  readonly translates: boolean;
}

/** What a dialect has to know besides the text. */
export interface DialectContext {
  readonly kind: FirewallKind;
  /** names rules may use with a `$`, and their values, e.g. inside_net → 10.0.0.0/24 */
  readonly names: Readonly<Record<string, string>>;
  /** number of the first row */
  readonly firstRow: number;
}

/** The words in which owners write rules. Pure: text in, text out. */
export interface Dialect {
  parse(text: string, context: DialectContext): ParsedRules;
}

/** Ports from … to, both included. */
export type PortRange = readonly [number, number];

/** The FTP helper's attachment to control connections. */
export interface HelperAttachment {
  /** ports of the servers; empty: no helper */
  readonly ports: readonly number[];
  /** whose connections: those the inside opens (ip_masq_ftp), or anybody's (ip_conntrack_ftp) */
  readonly openedBy: 'inside' | 'anybody';
  /** ip_masq_ftp from Linux 2.2.19: forwarded ports of servers behind the firewall, whose 227 it rewrites */
  readonly inPorts?: readonly number[];
  /** by rule, or by the mere loading of the module, as up to Linux 4.6 */
  readonly attach: 'rule' | 'module';
}

/** What a kind turns into a ruleset. Everything is stated; nothing has a default in here. */
export interface FirewallSpec {
  readonly nat: NatMode;
  /** for forwarded packets no row speaks of */
  readonly policy: Policy;
  /** for packets to the firewall itself */
  readonly input: Policy;
  readonly commands: readonly Command[];
  readonly helper: HelperAttachment;
  /** TCP ports of the outside address that are forwarded to the inside host */
  readonly forward: readonly PortRange[];
  readonly names: Readonly<Record<string, string>>;
  readonly insideHost: string;
  /** the rows translate addresses themselves: neither `nat` nor `forward` is added */
  readonly translates: boolean;
}

/** A ruleset as text, with the lines (from 1) on which the owner's rows ended up. */
export interface Ruleset {
  /** the program that loads it */
  readonly loader: 'nft' | 'iptables-restore' | 'ipchains' | 'sh';
  readonly text: string;
  readonly rowLines: readonly {
    readonly line: number;
    readonly row: number;
    /** columns before the row's own text */
    readonly indent: number;
    /** the line of the row's text, from 0, where it has several */
    readonly within?: number;
    /** iptables: where each word behind the chain stands in the row's own text, if its author wrote it so */
    readonly columns?: readonly number[];
  }[];
  /** lines (from 1) of text that is loaded as it stands, and where each is in that text (from 0) */
  readonly textLines?: readonly { readonly line: number; readonly source: number }[];
  /** sh: what a start script finds in its environment */
  readonly environment?: Readonly<Record<string, string>>;
  /** lines (from 1) that set or stand for the policy, where its packets are counted by them: ipchains */
  readonly policyLines?: readonly number[];
}
