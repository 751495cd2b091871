/** A rule as `nft -j` prints it (libnftables-json(5)). */
export interface NftRule {
  readonly family: string;
  readonly table: string;
  readonly chain: string;
  readonly handle: number;
  readonly comment?: string;
  readonly expr: readonly NftExpression[];
}

/** One match or statement: an object with one key, its kind. */
export type NftExpression = Readonly<Record<string, unknown>>;
