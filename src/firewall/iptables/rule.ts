import type { Complain, RuleWord } from './words';
import { isProse } from './words';

/** What the lab needs to know about a rule; all else in it is between its author and iptables. */
export interface RuleFacts {
  readonly stops: boolean;
  readonly jumpsTo: string | null;
  /** rules the kernel gets: one for each pair of a comma list of addresses */
  readonly copies: number;
}

/** Reads what follows the chain in -A, -I, -R and -D. No word is refused here: iptables reads its own language. */
export function readRule(words: readonly RuleWord[]): RuleFacts {
  let target: string | null = null;
  let copies = 1;
  for (const [at, { text }] of words.entries()) {
    const value = words[at + 1]?.text;
    if (value === undefined || !mayBeFlag(words, at)) continue;
    if (isFlag(text, JUMPS)) target ??= value;
    if (isFlag(text, ADDRESSES)) copies *= value.split(',').length;
  }
  return { stops: target === 'DROP' || target === 'REJECT', jumpsTo: target, copies };
}

const JUMPS = ['-j', '--jump', '-g', '--goto'];
const ADDRESSES = ['-s', '--source', '--src', '-d', '--destination', '--dst'];

/** Whether the word is one of the flags: whole, or shortened as getopt_long(3) allows where it stays the only one. */
function isFlag(word: string, flags: readonly string[]): boolean {
  return flags.includes(word) || (word.length > 3 && flags.some((flag) => flag.startsWith(word)));
}

/** Words of other languages where a flag may stand, and what is written in iptables. */
const FORMER_FLAGS: Readonly<Partial<Record<string, string>>> = {
  '-y': '"-y" is ipchains; in iptables write --syn after -p tcp',
  '-l': '"-l" is ipchains; in iptables a rule of its own logs: -j LOG',
  '-b': '"-b" is ipchains; in iptables write two rules, one for each direction',
  '-x': '"-x" is for listing and changes nothing; leave it out',
  '-n': '"-n" is for listing and changes nothing; leave it out',
  '--numeric': '"--numeric" is for listing and changes nothing; leave it out',
  '--exact': '"--exact" is for listing and changes nothing; leave it out',
  '--line-numbers': '"--line-numbers" is for listing and changes nothing; leave it out',
};

/**
 * Options that end iptables-restore in good order before it has loaded anything (-h, -V), have it leave the
 * rule out without a word (-6), or name a program for it to run (-M): shortened and put together as getopt_long(3)
 * allows.
 */
const NO_RULE: readonly (readonly [RegExp, string])[] = [
  [
    /^-[fvnxb4]*[hV]$|^--h(?:e(?:lp?)?)?$|^--vers(?:i(?:on?)?)?$/,
    'tells of iptables and loads nothing; leave it out',
  ],
  [/^-[fvnxb4]*6$|^--ipv6$/, 'is IPv6; allowed: IPv4'],
  [/^-[fvnxb4]*M|^--mo(?:d(?:p.*)?)?(?:=.*)?$/, 'names a program that loads modules; leave it out'],
];

/** Targets of ipchains, and what is written today. */
const FORMER_TARGETS: Readonly<Partial<Record<string, string>>> = {
  DENY: '"DENY" is ipchains; in iptables write DROP',
  MASQ: '"MASQ" is ipchains; in iptables write -t nat -A POSTROUTING -o outside -j MASQUERADE',
};

/**
 * Complains of what people bring along who port rules from elsewhere. iptables refuses or ignores all of
 * it too, and does not say what to write instead.
 *
 * @param chains the author's own, which may have any name
 */
export function refuseFormer(
  words: readonly RuleWord[],
  chains: readonly string[],
  complain: Complain,
): void {
  for (const [at, { text, column }] of words.entries()) {
    const noRule = NO_RULE.find(([option]) => option.test(text))?.[1];
    // Quotes make no difference to iptables-restore.
    if (noRule !== undefined && !isProse(words[at - 1])) complain(column, `"${text}" ${noRule}`);
    if (!mayBeFlag(words, at)) continue;
    const flag = Object.hasOwn(FORMER_FLAGS, text) ? FORMER_FLAGS[text] : undefined;
    if (flag !== undefined && !words[at - 1]?.text.startsWith('--')) complain(column, flag);
    const target = words[at + 1];
    if (!target || !isFlag(text, JUMPS) || chains.includes(target.text)) continue;
    const former = FORMER_TARGETS[target.text.toUpperCase()];
    if (former !== undefined) complain(target.column, former);
  }
}

/** Words in quotes and words that are prose are values, whatever they look like. */
function mayBeFlag(words: readonly RuleWord[], at: number): boolean {
  return words[at]?.quoted === false && !isProse(words[at - 1]);
}
