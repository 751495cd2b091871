/** What a transfer can fail of, by the codes that scenarios and results use. What proves each is in `verdict/causes/`. */
export const CAUSE_CODES = [
  'name-not-resolved',
  'control-dropped',
  'nat-not-applied',
  'control-expired',
  'reply-lost',
  'control-encrypted',
  'helper-on-another-port',
  'helper-too-early',
  'helper-not-attached',
  'inside-address-in-port',
  'inside-address-in-227',
  'server-refused-port',
  'passive-range-exhausted',
  'double-fix',
  'expectation-filtered',
  'helper-not-loaded',
  'reset-by-row',
  'limit-spent',
  'data-from-other-port',
  'data-dropped',
  'not-forwarded',
  'reset-by-peer',
  'data-peer-not-control-peer',
  'client-gave-up',
] as const;
export type CauseCode = (typeof CAUSE_CODES)[number];

/** @throws an Error that lists the known codes */
export function knowCause(code: string): CauseCode {
  const known = CAUSE_CODES.find((candidate) => candidate === code);
  if (known) return known;
  throw new Error(`"${code}" is no cause the lab can name; it knows: ${CAUSE_CODES.join(', ')}`);
}
