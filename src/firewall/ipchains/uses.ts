import type { Arguments, FlagName, FlagUse, Report } from './options';
import type { Word } from '../words';

/** A flag with all the words that belong to it by ipchains' own rules, beyond getopt's. */
export interface Use extends FlagUse {
  /** rule number, target of a policy, port of REDIRECT, second and third timeout, second mask of `-t` */
  readonly more: readonly Word[];
  /** ports after an address, `-s 10.0.0.0/24 1025:65535` */
  readonly ports: { readonly not: boolean; readonly word: Word } | null;
}

export type Uses = ReadonlyMap<FlagName, Use>;

/** Flags a `!` turns round (ipchains.c, inverse_for_options). */
const TURNED = new Set<FlagName>([
  'protocol',
  'source',
  'destination',
  'source-port',
  'destination-port',
  'interface',
  'syn',
  'fragment',
]);

/** Sorts the words of a command to its flags; what fits nowhere is reported. */
export function collectUses(args: Arguments, report: Report): Uses {
  const uses = new Map<FlagName, Use>();
  for (let use = args.next(); use; use = args.next()) {
    const whole = { ...use, ...belongings(use, args) };
    const { name, written, column } = use;
    if (use.not && !TURNED.has(name)) report(column, `"!" does not go with ${written}`);
    if (uses.has(name)) {
      report(
        column,
        name === 'jump'
          ? `second ${written}; a rule has one target`
          : `second ${written}; allowed: once a command`,
      );
      continue;
    }
    uses.set(name, whole);
  }
  return uses;
}

function belongings(use: FlagUse, args: Arguments): Pick<Use, 'more' | 'ports'> {
  switch (use.name) {
    case 'source':
    case 'destination': {
      const not = args.bang();
      const word = args.loose();
      return { more: [], ports: word && { not, word } };
    }
    case 'jump':
      return { more: use.value?.text === 'REDIRECT' ? someOf(args.loose()) : [], ports: null };
    case 'insert':
    case 'delete':
    case 'replace':
    case 'policy':
    case 'tos':
      return { more: someOf(args.loose()), ports: null };
    case 'timeouts': {
      const more: Word[] = [];
      for (let word = args.number(); word; word = args.number()) more.push(word);
      return { more, ports: null };
    }
    default:
      return { more: [], ports: null };
  }
}

function someOf(word: Word | null): Word[] {
  return word ? [word] : [];
}
