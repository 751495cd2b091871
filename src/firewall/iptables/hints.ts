import { distance } from 'fastest-levenshtein';
import { CHAINS, TABLES } from './tables';
import type { TableName } from './tables';

/** A complaint of iptables-restore about a row. */
export interface Complained {
  readonly message: string;
  /** the word the message names */
  readonly named: string | null;
  /** it is the kernel's refusal, which names nothing */
  readonly byKernel: boolean;
  readonly table: string;
  readonly chain: string;
  /** the rule's words as iptables-restore got them */
  readonly words: readonly string[];
  /** the target or chain the rule goes to */
  readonly jumpsTo: string | null;
  /** the author's own chains in that table */
  readonly chains: readonly string[];
}

/** What to write instead, and the word it is about where the message names none. */
export interface Hint {
  readonly text: string;
  readonly word: string | null;
}

/** What can be said for certain beyond iptables' own words; null: nothing. */
export function hintFor(complained: Complained): Hint | null {
  if (complained.byKernel) return misplaced(complained);
  const { message, named } = complained;
  if (named === null) return null;
  const text = HINTS.find(([about]) => about.test(message))?.[1](named, complained) ?? null;
  return text === null ? null : { text, word: null };
}

const HINTS: readonly (readonly [RegExp, (named: string, of: Complained) => string | null])[] = [
  [/^unknown option/, optionHint],
  [
    /^(?:Chain '|Couldn't load target)/,
    (named, { chains }) => joined(named) ?? near(named, [...chains, ...TARGETS]),
  ],
  [
    /^unknown protocol/,
    (named) => joined(named) ?? near(named, ['tcp', 'udp', 'icmp', 'all', 'sctp', 'gre']),
  ],
  [/^(?:host\/network|interface name|Couldn't load match)/, joined],
  [/^invalid port\/service/, portHint],
  [/^Bad argument/, strayHint],
];

/** iptables takes the flag for part of the value. */
function joined(word: string): string | null {
  const [, short, long, value = ''] = /^(?:(-[sdpiomjg])=?|(--[\w-]+)=)(.+)$/.exec(word) ?? [];
  const flag = short ?? long;
  return flag === undefined ? null : `write ${flag} ${value}`;
}

function near(word: string, known: readonly string[]): string | null {
  const distanceTo = (each: string): number => distance(word.toUpperCase(), each.toUpperCase());
  const [found] = known.toSorted((a, b) => distanceTo(a) - distanceTo(b));
  // Of a short word, so much is another word.
  const furthest = Math.min(Math.max(2, word.length / 4), (word.length + 1) / 2);
  if (found === undefined || distanceTo(found) > furthest) return null;
  return `did you mean ${found}?`;
}

const TARGETS =
  'ACCEPT DROP REJECT RETURN LOG MASQUERADE SNAT DNAT REDIRECT NOTRACK MARK CONNMARK TCPMSS NFLOG NFQUEUE'.split(
    ' ',
  );

/** Options people forget the match or the target of, and what that is. */
const OWNERS: Readonly<Record<string, string>> = {
  ...named('-p tcp or -p udp', ['--sport', '--source-port', '--dport', '--destination-port']),
  ...named('-p tcp', ['--syn', '--tcp-flags']),
  ...named('-p icmp', ['--icmp-type']),
  ...named('-m multiport', ['--sports', '--dports', '--ports']),
  ...named('-m state', ['--state']),
  ...named('-m conntrack', ['--ctstate']),
  ...named('-m limit', ['--limit', '--limit-burst']),
  ...named('-m comment', ['--comment']),
  ...named('-m iprange', ['--src-range', '--dst-range']),
  ...named('-m owner', ['--uid-owner', '--gid-owner']),
  ...named('-j LOG', ['--log-prefix', '--log-level']),
  ...named('-j REJECT', ['--reject-with']),
  ...named('-j SNAT', ['--to-source']),
  ...named('-j DNAT', ['--to-destination']),
  ...named('-j MASQUERADE or -j REDIRECT', ['--to-ports']),
};

function named(owner: string, options: readonly string[]): Record<string, string> {
  return Object.fromEntries(options.map((option) => [option, owner]));
}

/** Options every rule may have (iptables(8), PARAMETERS). */
const CORE =
  '--source --destination --protocol --in-interface --out-interface --match --jump --goto --fragment'.split(
    ' ',
  );

function optionHint(option: string): string | null {
  if (!option.startsWith('--')) return null;
  const owner = Object.hasOwn(OWNERS, option) ? OWNERS[option] : undefined;
  return owner === undefined
    ? near(option, [...Object.keys(OWNERS), ...CORE])
    : `it needs ${owner} before it`;
}

function portHint(port: string): string | null {
  if (port.includes(',')) return 'a list needs -m multiport and --sports or --dports';
  return /^\d+-\d+$/.test(port) ? `a range is written ${port.replace('-', ':')}` : null;
}

function strayHint(word: string, { words }: Complained): string | null {
  if (/^\d[\d:]*$/.test(word)) return `ports are written --sport ${word} or --dport ${word}`;
  const at = words.indexOf(word);
  return words[at - 1] === '!' ? `"!" stands before its flag` : null;
}

/** Where the kernel takes a target, as a table and its built-in chains (null: any). Others may stand anywhere. */
const PLACES: Readonly<Partial<Record<string, readonly [TableName, readonly string[] | null]>>> = {
  MASQUERADE: ['nat', ['POSTROUTING']],
  SNAT: ['nat', ['POSTROUTING', 'INPUT']],
  DNAT: ['nat', ['PREROUTING', 'OUTPUT']],
  REDIRECT: ['nat', ['PREROUTING', 'OUTPUT']],
  CT: ['raw', null],
  NOTRACK: ['raw', null],
  REJECT: ['filter', null],
  TTL: ['mangle', null],
  TOS: ['mangle', null],
  DSCP: ['mangle', null],
};

/** The kernel says “Invalid argument” and no more of a rule that stands where it may not. */
function misplaced({ table, chain, words, jumpsTo }: Complained): Hint | null {
  const target = jumpsTo ?? '';
  const builtIn = TABLES.flatMap((each) => CHAINS[each]);
  if (builtIn.includes(target)) {
    return { text: `${target} is built in; a rule goes to chains made by -N`, word: target };
  }
  const found = Object.hasOwn(PLACES, target) ? PLACES[target] : undefined;
  if (found) {
    const [home, chains] = found;
    if (table !== home || (chains && builtIn.includes(chain) && !chains.includes(chain))) {
      const allowed = chains ? `${chains.join(' and ')} of table ${home}` : `table ${home}`;
      return { text: `${target} stands in ${allowed}; here it is ${chain} of table ${table}`, word: target };
    }
  }
  // xt_owner: .hooks is LOCAL_OUT and POST_ROUTING.
  const isOwner = words.some((word, at) => word === 'owner' && /^(?:-m|--match)$/.test(words[at - 1] ?? ''));
  if (isOwner && ['PREROUTING', 'INPUT', 'FORWARD'].includes(chain)) {
    return { text: `-m owner stands in OUTPUT and POSTROUTING; here it is ${chain}`, word: 'owner' };
  }
  return null;
}
