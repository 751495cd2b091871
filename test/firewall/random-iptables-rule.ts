import fc from 'fast-check';
import type { FilterRow } from './first-match-model';
import {
  addresses,
  FLAGS,
  HOSTS,
  INTERFACES,
  meaning,
  network,
  portRange,
  portRanges,
  PROTOCOLS,
  someOf,
  when,
  type Said,
} from './random-vocabulary';

/** A rule without its place: what follows the chain in -A. */
export interface Rule {
  readonly text: string;
  /** `mine` is the chain of our own, whatever it holds in the end */
  readonly row: (mine: readonly FilterRow[]) => FilterRow;
  /** a list of addresses is one rule each in the kernel, and each has a number */
  readonly copies: number;
}

const not = fc.boolean();
const bang = (negated: boolean): string => (negated ? '! ' : '');

const interfaceWord = (flag: '-i' | '-o'): fc.Arbitrary<Said> =>
  fc
    .record({ not, name: fc.constantFrom('inside', 'outside'), wildcard: fc.boolean() })
    .map(({ not, name, wildcard }) => ({
      text: `${bang(not)}${flag} ${wildcard ? `${name.slice(0, 2)}+` : name}`,
      means: when(flag === '-i' ? 'in' : 'out', [[INTERFACES[name], INTERFACES[name]]], { not }),
    }));

const addressWord = (flag: '-s' | '-d'): fc.Arbitrary<Said> => {
  const field = flag === '-s' ? 'source' : 'destination';
  return fc.oneof(
    {
      weight: 3,
      arbitrary: fc.record({ not, network }).map(({ not, network }) => ({
        text: `${bang(not)}${flag} ${network}`,
        means: when(field, [addresses(network)], { not }),
      })),
    },
    fc.constant({
      text: `${flag} ${HOSTS.client},${HOSTS.prober}`,
      means: when(field, [addresses(HOSTS.client), addresses(HOSTS.prober)]),
    }),
    fc.constant({ text: `${flag} $client`, means: when(field, [addresses(HOSTS.client)]) }),
  );
};

const portWord = (flag: 'sport' | 'dport'): fc.Arbitrary<Said> => {
  const field = flag === 'sport' ? 'sourcePort' : 'destinationPort';
  const written = ([low, high]: readonly [number, number], open: boolean): string => {
    if (low === high) return String(low);
    if (open && low === 1) return `:${high}`;
    return `${low}:${open && high === 65_535 ? '' : high}`;
  };
  return fc.oneof(
    fc.record({ not, range: portRange, open: fc.boolean() }).map(({ not, range, open }) => ({
      text: `${bang(not)}--${flag} ${written(range, open)}`,
      means: when(field, [range], { not }),
    })),
    fc.record({ not, ranges: portRanges }).map(({ not, ranges }) => ({
      text: `-m multiport ${bang(not)}--${flag}s ${ranges.map((range) => written(range, false)).join(',')}`,
      means: when(field, ranges, { not }),
    })),
  );
};

const FLAG_NAMES = ['FIN', 'SYN', 'RST', 'ACK', 'PSH', 'URG'] as const;
const flagBits = (names: readonly (typeof FLAG_NAMES)[number][]): number =>
  names.reduce((bits, name) => bits | FLAGS[name], 0);

const flagsWord: fc.Arbitrary<Said> = fc.oneof(
  fc.record({ not }).map(({ not }) => ({
    text: `${bang(not)}--syn`,
    means: when('flags', [[FLAGS.SYN, FLAGS.SYN]], { not, mask: flagBits(['FIN', 'SYN', 'RST', 'ACK']) }),
  })),
  fc
    .record({ not, mask: fc.subarray([...FLAG_NAMES], { minLength: 1 }), pick: fc.nat() })
    .map(({ not, mask, pick }) => {
      const set = mask.filter((_, index) => ((pick >> index) & 1) === 1);
      const seen = mask.length === FLAG_NAMES.length ? 'ALL' : mask.join(',');
      return {
        text: `${bang(not)}--tcp-flags ${seen} ${set.length === 0 ? 'NONE' : set.join(',')}`,
        means: when('flags', [[flagBits(set), flagBits(set)]], { not, mask: flagBits(mask) }),
      };
    }),
);

const isMultiport = ({ text }: Said): boolean => text.startsWith('-m multiport');

/** A protocol, and what can be said only beside it. */
const protocolWords: fc.Arbitrary<{ isTcp: boolean; words: readonly Said[] }> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc
      .tuple(fc.constantFrom('-p tcp', '-p 6'), someOf([portWord('sport'), portWord('dport'), flagsWord]))
      .map(([text, words]) => ({
        isTcp: true,
        words: [
          { text, means: when('protocol', [[PROTOCOLS.tcp, PROTOCOLS.tcp]]) },
          // After -m multiport, --dport is multiport's own.
          ...words.filter((word) => !isMultiport(word)),
          ...words.filter(isMultiport),
        ],
      })),
  },
  fc.tuple(not, fc.constantFrom('udp', 'icmp')).map(([not, name]) => {
    const means = when('protocol', [[PROTOCOLS[name], PROTOCOLS[name]]], { not });
    return { isTcp: false, words: [{ text: `${bang(not)}-p ${name}`, means }] };
  }),
  fc.constant({ isTcp: false, words: [{ text: '-p all', means: null }] }),
  fc.constant({ isTcp: false, words: [] }),
);

interface Target {
  readonly text: string;
  readonly then: FilterRow['then'] | 'mine';
  readonly forGood?: boolean;
}
const TARGETS: readonly Target[] = [
  { text: '-j ACCEPT', then: 'accept' },
  { text: '-j ACCEPT', then: 'accept' },
  { text: '-j DROP', then: 'drop' },
  { text: '-j REJECT', then: 'drop' },
  { text: '-j RETURN', then: 'return' },
  { text: '', then: 'continue' },
];
/** iptables has a reset for TCP alone. */
const FOR_TCP: Target = { text: '-j REJECT --reject-with tcp-reset', then: 'drop' };
/** A chain is not sent through itself; returning is for what is. */
const FOR_FORWARD: readonly Target[] = [
  { text: '-j mine', then: 'mine' },
  { text: '-g mine', then: 'mine', forGood: true },
  { text: '-g mine', then: 'mine', forGood: true },
];
const FOR_MINE: readonly Target[] = [{ text: '-j RETURN', then: 'return' }];

const isList = ({ text }: Said): boolean => text.includes(',');

/** iptables has no rule in which one address is a list and the other is negated, nor "nobody at all". */
function isAllowed(ends: readonly Said[]): boolean {
  const negated = ends.filter(({ text }) => text.startsWith('!'));
  return !negated.some(({ text }) => text.endsWith('/0')) && !(ends.some(isList) && negated.length > 0);
}

/** A rule for FORWARD, or for the chain of our own. */
export const iptablesRule = (chain: 'FORWARD' | 'mine'): fc.Arbitrary<Rule> =>
  fc
    .tuple(
      someOf([interfaceWord('-i'), interfaceWord('-o')]),
      someOf([addressWord('-s'), addressWord('-d')]).filter(isAllowed),
      protocolWords,
    )
    .chain(([interfaces, addresses, { isTcp, words: more }]) => {
      const targets = [
        ...TARGETS,
        ...(isTcp ? [FOR_TCP] : []),
        ...(chain === 'FORWARD' ? FOR_FORWARD : FOR_MINE),
      ];
      return fc
        .constantFrom(...targets)
        .map((target) => ruleOf([...interfaces, ...addresses, ...more], target));
    });

function ruleOf(words: readonly Said[], { text, then, forGood = false }: Target): Rule {
  const whole = [...words.map((word) => word.text), text].filter((word) => word !== '').join(' ');
  return {
    text: whole,
    row: (mine) => ({ when: meaning(words), then: then === 'mine' ? mine : then, forGood }),
    copies: words.reduce((product, word) => product * (/^-[sd] /.test(word.text) && isList(word) ? 2 : 1), 1),
  };
}
