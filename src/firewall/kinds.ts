/** Every kind of firewall the lab can build, by the name scenarios use. */
export const FIREWALL_KINDS = ['nftables'] as const;
export type FirewallKind = (typeof FIREWALL_KINDS)[number];

export const NAT_MODES = ['none', 'masquerade'] as const;
export type NatMode = (typeof NAT_MODES)[number];

export const POLICIES = ['accept', 'drop'] as const;
export type Policy = (typeof POLICIES)[number];

/** One rule as its owner wrote it. */
export interface Row {
  readonly row: number;
  readonly text: string;
}

/** What a dialect turns into a ruleset. Everything is stated; nothing has a default in here. */
export interface FirewallSpec {
  readonly kind: FirewallKind;
  readonly nat: NatMode;
  readonly policy: Policy;
  readonly rows: readonly Row[];
  /** ports of servers whose control connections get the FTP helper; empty: no helper */
  readonly helperPorts: readonly number[];
  /** TCP ports of the outside address that are forwarded to the inside host */
  readonly forward: readonly number[];
  /** names rules may use with a `$`, and their values */
  readonly names: Readonly<Record<string, string>>;
  readonly insideHost: string;
}

/** A ruleset as text, with the lines on which the owner's rows ended up. */
export interface Ruleset {
  readonly text: string;
  readonly rowLines: readonly { readonly line: number; readonly row: number }[];
}
