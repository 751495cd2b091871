import claims from '../../scenarios/faq/claims.json';

export interface Claim {
  /** the generation the sentence speaks of: 2.2 (ipchains), 2.4 (iptables), any */
  readonly era: string;
  readonly text: string;
  /** what it takes to test it and no scenario spends yet; left out where scenarios test it */
  readonly needs?: string;
}

/** What the FAQ claims, in one line each, by number. */
export const CLAIMS: Readonly<Record<string, Claim>> = claims;
