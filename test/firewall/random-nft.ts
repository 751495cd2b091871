import fc from 'fast-check';
import type { FilterRow } from './first-match-model';
import {
  addresses,
  FLAGS,
  HOSTS,
  INSIDE_NETWORK,
  INTERFACES,
  meaning,
  network,
  policy,
  portRange,
  portRanges,
  PROTOCOLS,
  someOf,
  when,
  type RandomFirewall,
  type Said,
} from './random-vocabulary';

const not = fc.boolean();
const unequal = (negated: boolean): string => (negated ? '!= ' : '');

const interfaceWord = (word: 'iifname' | 'oifname'): fc.Arbitrary<Said> =>
  fc.record({ not, name: fc.constantFrom('inside', 'outside') }).map(({ not, name }) => ({
    text: `${word} ${unequal(not)}"${name}"`,
    means: when(word === 'iifname' ? 'in' : 'out', [[INTERFACES[name], INTERFACES[name]]], { not }),
  }));

const addressWord = (word: 'saddr' | 'daddr'): fc.Arbitrary<Said> => {
  const field = word === 'saddr' ? 'source' : 'destination';
  const [low] = addresses(HOSTS.client);
  const [high] = addresses(HOSTS.neighbour);
  return fc.record({ not }).chain(({ not }) =>
    fc
      .oneof(
        { weight: 3, arbitrary: network.map((text) => ({ text, ranges: [addresses(text)] })) },
        fc.constant({ text: '$inside_net', ranges: [addresses(INSIDE_NETWORK)] }),
        fc.constant({ text: `${HOSTS.client}-${HOSTS.neighbour}`, ranges: [[low, high] as const] }),
        fc.constant({
          text: `{ $client, ${HOSTS.prober} }`,
          ranges: [addresses(HOSTS.client), addresses(HOSTS.prober)],
        }),
      )
      .map(({ text, ranges }) => ({
        text: `ip ${word} ${unequal(not)}${text}`,
        means: when(field, ranges, { not }),
      })),
  );
};

const written = ([low, high]: readonly [number, number]): string =>
  low === high ? String(low) : `${low}-${high}`;

const portWord = (word: 'sport' | 'dport'): fc.Arbitrary<Said> => {
  const field = word === 'sport' ? 'sourcePort' : 'destinationPort';
  return fc.oneof(
    fc.record({ not, range: portRange }).map(({ not, range }) => ({
      text: `tcp ${word} ${unequal(not)}${written(range)}`,
      means: when(field, [range], { not }),
    })),
    fc.record({ not, ranges: portRanges }).map(({ not, ranges }) => ({
      text: `tcp ${word} ${unequal(not)}{ ${ranges.map(written).join(', ')} }`,
      means: when(field, ranges, { not }),
    })),
    fc.constant({ text: `tcp ${word} >= 1024`, means: when(field, [[1024, 65_535]]) }),
    fc.constant({ text: `th ${word} < 1024`, means: when(field, [[0, 1023]]) }),
  );
};

const flagNames = fc.subarray(Object.keys(FLAGS) as (keyof typeof FLAGS)[], { minLength: 1 });
const flagBits = (names: readonly (keyof typeof FLAGS)[]): number =>
  names.reduce((bits, name) => bits | FLAGS[name], 0);
const flagText = (names: readonly string[], separator: string): string =>
  names.length === 0 ? '0x0' : names.map((name) => name.toLowerCase()).join(separator);

const flagsWord: fc.Arbitrary<Said> = fc.oneof(
  fc.record({ not }).map(({ not }) => ({
    text: `tcp flags & (fin | syn | rst | ack) ${not ? '!=' : '=='} syn`,
    means: when('flags', [[FLAGS.SYN, FLAGS.SYN]], { not, mask: flagBits(['FIN', 'SYN', 'RST', 'ACK']) }),
  })),
  fc.record({ not, mask: flagNames, pick: fc.nat() }).map(({ not, mask, pick }) => {
    const set = mask.filter((_, index) => ((pick >> index) & 1) === 1);
    return {
      text: `tcp flags & (${flagText(mask, '|')}) ${not ? '!=' : '=='} ${flagText(set, '|')}`,
      means: when('flags', [[flagBits(set), flagBits(set)]], { not, mask: flagBits(mask) }),
    };
  }),
  // With a comma, any of them (nft(8), TCP HEADER EXPRESSION).
  flagNames.map((names) => ({
    text: `tcp flags ${flagText(names, ',')}`,
    means: when('flags', [[0, 0]], { not: true, mask: flagBits(names) }),
  })),
);

const protocolIs = (text: string, name: keyof typeof PROTOCOLS, not = false): Said => ({
  text,
  means: when('protocol', [[PROTOCOLS[name], PROTOCOLS[name]]], { not }),
});

/** What is said of TCP; now and then of other protocols, beside which nft allows no TCP field. */
const transportWords: fc.Arbitrary<readonly Said[]> = fc.oneof(
  {
    weight: 5,
    arbitrary: someOf([
      fc.constantFrom(
        protocolIs('ip protocol tcp', 'tcp'),
        protocolIs('meta l4proto tcp', 'tcp'),
        protocolIs('meta l4proto != udp', 'udp', true),
      ),
      portWord('sport'),
      portWord('dport'),
      flagsWord,
    ]),
  },
  fc
    .constantFrom(
      protocolIs('udp dport 1-65535', 'udp'),
      protocolIs('icmp type echo-request', 'icmp'),
      protocolIs('ip protocol != tcp', 'tcp', true),
      { text: 'meta l4proto { tcp, udp }', means: null },
    )
    .map((word) => [word]),
);

interface Verdict {
  readonly text: string;
  readonly then: FilterRow['then'] | 'mine';
  readonly forGood?: boolean;
}
const VERDICTS: readonly Verdict[] = [
  { text: 'accept', then: 'accept' },
  { text: 'accept', then: 'accept' },
  { text: 'drop', then: 'drop' },
  { text: 'reject', then: 'drop' },
  { text: 'reject with icmp type admin-prohibited', then: 'drop' },
  { text: 'continue', then: 'continue' },
  { text: 'counter', then: 'continue' },
  { text: 'return', then: 'return' },
];
const INTO_MINE: readonly Verdict[] = [
  { text: 'jump mine', then: 'mine' },
  { text: 'goto mine', then: 'mine', forGood: true },
  { text: 'goto mine', then: 'mine', forGood: true },
];

interface Rule {
  readonly text: string;
  readonly row: (mine: readonly FilterRow[]) => FilterRow;
}

const rule = (verdicts: readonly Verdict[]): fc.Arbitrary<Rule> =>
  fc
    .tuple(
      someOf([
        interfaceWord('iifname'),
        interfaceWord('oifname'),
        addressWord('saddr'),
        addressWord('daddr'),
      ]),
      transportWords,
      fc.constantFrom(...verdicts),
    )
    .map(([words, more, { text, then, forGood = false }]) => ({
      text: [...words, ...more]
        .map((word) => word.text)
        .concat(text)
        .join(' '),
      row: (mine) => ({ when: meaning([...words, ...more]), then: then === 'mine' ? mine : then, forGood }),
    }));

/** Rules for the lab's own chain, one a line. */
export const randomNftFragment: fc.Arbitrary<RandomFirewall> = fc
  .record({ policy, rules: fc.array(rule(VERDICTS), { minLength: 2, maxLength: 12, size: 'max' }) })
  .map(({ policy, rules }) => {
    const chain = rules.map(({ row }) => row([]));
    const text = rules.map(({ text }) => `${text}\n`).join('');
    return { kind: 'nftables', policy, rules: text, chain, numbered: chain };
  });

/** A whole table, with a chain of its own that packets are sent through. */
export const randomNftTable: fc.Arbitrary<RandomFirewall> = fc
  .record({
    policy,
    mine: fc.array(rule(VERDICTS), { minLength: 2, maxLength: 6, size: 'max' }),
    forward: fc.array(rule([...VERDICTS, ...INTO_MINE]), { minLength: 5, maxLength: 10, size: 'max' }),
  })
  .map(({ policy, mine, forward }) => {
    const mineRows = mine.map(({ row }) => row([]));
    const chain = forward.map(({ row }) => row(mineRows));
    const lines = [
      ...['table ip office {', '  chain mine {', ...mine.map(({ text }) => `    ${text}`), '  }'],
      ...['  chain forward {', `    type filter hook forward priority filter; policy ${policy};`],
      ...[...forward.map(({ text }) => `    ${text}`), '  }', '}', ''],
    ];
    return { kind: 'nftables', policy, rules: lines.join('\n'), chain, numbered: [...mineRows, ...chain] };
  });
