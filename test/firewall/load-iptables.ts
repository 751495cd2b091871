import { spawnSync } from 'node:child_process';
import { iptables, iptablesRuleset } from '../../src/firewall/iptables/dialect';
import { TABLES } from '../../src/firewall/iptables/tables';
import type { DialectContext, FirewallSpec, ParsedRules, Ruleset } from '../../src/firewall/kinds';
import { PATH } from '../support';

// Rules read by the lab and loaded by the real programs, in namespaces of their own.

export const CONTEXT: DialectContext = {
  kind: 'iptables',
  names: { inside_net: '10.0.0.0/24', server: '203.0.113.10' },
  firstRow: 1,
};

export const SPEC: FirewallSpec = {
  nat: 'none',
  policy: 'drop',
  input: 'drop',
  commands: [],
  helper: { ports: [], openedBy: 'anybody', attach: 'rule' },
  forward: [],
  names: {},
  insideHost: '10.0.0.10',
  translates: false,
};

export const VARIANTS = ['iptables-nft', 'iptables-legacy'] as const;
export type Variant = (typeof VARIANTS)[number];

/** In a user namespace, where anybody may do it, and where one message to the kernel is bounded. */
export const NAMESPACES = ['unshare', '--user', '--map-root-user', '--net', '--mount'];

export interface Loaded {
  readonly code: number | null;
  readonly stderr: string;
  /** what iptables-save -c prints afterwards */
  readonly saved: string;
}

/** Loads a ruleset with the real program. */
export function load(variant: Variant, ruleset: string, after = '', namespaces = NAMESPACES): Loaded {
  const tables = TABLES.filter((table) => ruleset.includes(`*${table}\n`));
  // iptables wants to write /run/xtables.lock; without -t, legacy wants to read what only root may.
  const script = `mount -t tmpfs none /run && ${variant}-restore --noflush || exit; ${after}
    for table in ${tables.join(' ')}; do ${variant}-save -c -t $table; done`;
  const [program, ...args] = [...namespaces, 'sh', '-c', script];
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    input: ruleset,
    encoding: 'utf8',
    env: { ...process.env, PATH },
    maxBuffer: 64 * 1024 * 1024,
  });
  if (error) throw error;
  return { code: status, stderr, saved: stdout };
}

/** Text that the lab must find no fault with, as it reads it and as it is loaded. */
export function rulesetOf(text: string): { parsed: ParsedRules; ruleset: Ruleset } {
  const parsed = iptables.parse(text, CONTEXT);
  expect(parsed.problems).toEqual([]);
  const { commands, translates } = parsed;
  return { parsed, ruleset: iptablesRuleset({ ...SPEC, commands, translates }) };
}

export type Case = readonly [what: string, text: string, problem: string];

/** The cases of a table: three lines each, with ⏎ for line ends in the second. */
export function threeLines(table: string): Case[] {
  const lines = table.trim().split('\n');
  return lines.flatMap((what, at): Case[] =>
    at % 3 === 0
      ? [[what, (lines[at + 1] ?? '').slice(2).replaceAll('⏎', '\n'), (lines[at + 2] ?? '').slice(2)]]
      : [],
  );
}
