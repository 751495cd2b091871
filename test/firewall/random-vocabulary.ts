import fc from 'fast-check';
import type { Condition, FilterRow, Packet } from './first-match-model';

// Few words, so that random rows overlap and random packets meet them.

/** A firewall's rules as their owner writes them, and what they mean to the model. */
export interface RandomFirewall {
  readonly kind: 'iptables' | 'nftables';
  readonly policy: 'accept' | 'drop';
  readonly rules: string;
  /** the rows as a forwarded packet meets them */
  readonly chain: readonly FilterRow[];
  /** the rows as they are numbered, from 1, by where they stand in the text; null: taken out again */
  readonly numbered: readonly (FilterRow | null)[];
}

/** Words of a rule, and the condition they say; null: one that every packet of ours meets. */
export interface Said {
  readonly text: string;
  readonly means: Condition | null;
}

/** A field of a packet that is in some ranges. */
export function when(
  field: keyof Packet,
  ranges: Condition['ranges'],
  { not = false, mask }: { not?: boolean; mask?: number } = {},
): Condition {
  return { field, ranges, not, ...(mask === undefined ? {} : { mask }) };
}

/** Number of the interface in the model. */
export const INTERFACES = { inside: 0, outside: 1 } as const;
/** TCP's control bits (RFC 9293 §3.1). */
export const FLAGS = { FIN: 0x01, SYN: 0x02, RST: 0x04, PSH: 0x08, ACK: 0x10, URG: 0x20 } as const;
/** Protocol numbers of the IPv4 header (IANA). */
export const PROTOCOLS = { icmp: 1, tcp: 6, udp: 17 } as const;

/** Ports on either side of the limits the FAQ's tables draw. */
const LIMITS = [1, 20, 21, 22, 1023, 1024, 1025, 5999, 6000, 6009, 6010, 65535] as const;

export const policy = fc.constantFrom<RandomFirewall['policy']>('accept', 'drop');

export const port = fc.oneof(
  { weight: 9, arbitrary: fc.constantFrom(...LIMITS) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 65_535 }) },
);

/** Ports from … to: one, or a range between two of the limits. */
export const portRange: fc.Arbitrary<readonly [number, number]> = fc.oneof(
  port.map((only) => [only, only] as const),
  fc.tuple(port, port).map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const),
  fc.constantFrom([20, 21] as const, [1024, 65535] as const, [1025, 65535] as const, [6000, 6009] as const),
);

/** Two ranges that have nothing in common. */
export const portRanges = fc
  .uniqueArray(port, { minLength: 4, maxLength: 4 })
  .map((ports) => ports.sort((a, b) => a - b))
  .map(([a = 0, b = 0, c = 0, d = 0]) => [[a, b] as const, [c, d] as const] as const);

/** The hosts of a lab without NAT. */
export const HOSTS = {
  client: '198.51.100.10',
  neighbour: '198.51.100.30',
  server: '203.0.113.20',
  prober: '203.0.113.66',
} as const;
export const INSIDE_NETWORK = '198.51.100.0/24';

/** Networks that hold some of the hosts: an address, all inside, half of a side, with host bits, everybody. */
export const network = fc.constantFrom(
  ...Object.values(HOSTS),
  ...[INSIDE_NETWORK, '198.51.100.8/29', '203.0.113.64/26', '198.51.100.30/28', '0.0.0.0/0'],
);

/** The first and the last address of a network such as 198.51.100.0/24, or of one address. */
export function addresses(text: string): readonly [number, number] {
  const [address = '', prefix = '32'] = text.split('/');
  const number = address.split('.').reduce((sum, octet) => sum * 256 + Number(octet), 0);
  const size = 2 ** (32 - Number(prefix));
  const first = number - (number % size);
  return [first, first + size - 1];
}

/** What the words of a rule say together. */
export function meaning(words: readonly Said[]): Condition[] {
  return words.flatMap(({ means }) => means ?? []);
}

/**
 * Some of the words, in their order. Each is there once in three rules: with all of them, hardly a packet
 * would match.
 */
export function someOf(words: readonly fc.Arbitrary<Said>[]): fc.Arbitrary<Said[]> {
  const perhaps = (word: fc.Arbitrary<Said>): fc.Arbitrary<Said | null> =>
    fc.oneof({ weight: 2, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: word });
  return fc.tuple(...words.map(perhaps)).map((said) => said.flatMap((word) => word ?? []));
}
