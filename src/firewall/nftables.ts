import type {
  Command,
  Dialect,
  DialectContext,
  FirewallSpec,
  HelperAttachment,
  ParsedRules,
  Policy,
  PortRange,
  Row,
  RuleProblem,
  Ruleset,
} from './kinds';
import { parsePorts } from './quantities';
import { ruleLines, type RuleLine } from './words';

/** Where a rule that comes alone is put: the lab's own forward chain. Lines of whole tables are put nowhere. */
const FORWARD = 'forward';
/** The table every ruleset of the lab's own making lives in. */
export const TABLE = 'lab';
/**
 * Rules in one transaction. In a user namespace the socket to the kernel holds no more than some 400
 * rules (net.core.wmem_max; only root in the first namespace may exceed it, SO_SNDBUFFORCE in socket(7)).
 */
const TRANSACTION = 200;
/** Stands in a ruleset where it has to be cut: what follows is loaded after what is before. */
export const NEXT_TRANSACTION = '# next transaction';
/** The comment on the rule that stands for the chain's policy, which has no counter of its own. */
export const POLICY_COMMENT = 'policy';

/**
 * The verdict a rule ends in, where there is one. A counter must stand after the matches and before
 * the verdict, or it counts packets the rule does not match.
 */
const VERDICT =
  /\b(?:(?:(?:\w+\s+\w+(?:\s+\.\s+\w+\s+\w+)*|[io]if(?:name)?)\s+)?vmap\s+(?:@\S+|\{[^}]*\})|accept|drop|continue|return|masquerade\b.*|redirect\b.*|[sd]nat\b.*|reject\b.*|(?:jump|goto)\s+\S+|queue\b.*)\s*$/;

/**
 * nft text: either rules for forwarded packets, one a line, for the lab to put into a chain; or whole
 * tables, loaded as they are but for a counter and a number on each rule. nft itself checks the grammar.
 */
export const nftables: Dialect = {
  parse(text, context) {
    const lines = ruleLines(text);
    return isWhole(lines) ? parseTables(text, lines, context) : parseFragment(lines, context);
  },
};

function isWhole(lines: readonly RuleLine[]): boolean {
  return lines.some(({ text }) => /^(?:add\s+)?table\b/.test(text));
}

function parseFragment(lines: readonly RuleLine[], context: DialectContext): ParsedRules {
  const problems: RuleProblem[] = [];
  const rows: Row[] = [];
  const commands: Command[] = [];
  for (const line of lines) {
    const row = context.firstRow + rows.length;
    rows.push(rowOf(line, line.text, row));
    commands.push({ table: FORWARD, text: counted(line.text, row), row });
    if (/[{}].*[;]|^\s*(?:table|chain|include|define|flush|delete|add)\b/.test(line.text)) {
      const { line: at, column } = line;
      const message = `"${line.text}" is not a rule; allowed: one nft rule a line for the forward chain, or whole tables`;
      problems.push({ line: at, column, message });
    }
    problems.push(...portProblems(line));
  }
  return { rows, commands, problems, policy: null, translates: false };
}

/** Whole tables: every line stays where it is, so that what nft says of a line is true of the author's. */
function parseTables(text: string, said: readonly RuleLine[], context: DialectContext): ParsedRules {
  const rows: Row[] = [];
  const problems: RuleProblem[] = [];
  const commands: Command[] = [];
  const blocks: string[] = [];
  // What a base chain does where its text says nothing (nft(8)), and what is done where there is none.
  let policy: Policy = 'accept';
  let forwards = false;
  const byLine = new Map(said.map((line) => [line.line, line]));
  text.split(/\r\n|\n|\r/).forEach((raw, index) => {
    const line = byLine.get(index);
    const body = line?.text ?? '';
    if (/\bhook\s+forward\b/.test(body)) {
      forwards = true;
      if (/\bpolicy\s+drop\b/.test(body)) policy = 'drop';
    }
    // The namespace is new: there is nothing to flush but what the lab has loaded.
    if (/^flush\s+ruleset\b/.test(body)) {
      commands.push({ table: '', text: '', row: null, line: index });
      return;
    }
    const rule = line && ruleIn(body, blocks.at(-1) ?? '');
    if (line && rule !== undefined) {
      const row = context.firstRow + rows.length;
      rows.push(rowOf(line, body, row));
      commands.push({ table: '', text: raw.replace(rule, counted(rule, row)), row, line: index });
      problems.push(...portProblems(line), ...oneRule(line, rule));
    } else {
      if (body === '}' && blocks.at(-1) === 'chain' && forwards) {
        // The chain's policy has no counter of its own.
        commands.push({ table: '', text: `    counter comment "${POLICY_COMMENT}"`, row: null });
        forwards = false;
      }
      commands.push({ table: '', text: raw, row: null, line: index });
      track(blocks, body);
    }
  });
  return { rows, commands, problems, policy, translates: /\btype\s+nat\b/.test(text) };
}

/** The rule that a line holds: all of a line in a chain, or what `add rule` adds. */
function ruleIn(body: string, block: string): string | undefined {
  const added = /^(?:add|insert)\s+rule\s+(?:(?:ip|ip6|inet|arp|bridge|netdev)\s+)?\S+\s+\S+\s+(.+)$/.exec(
    body,
  );
  if (added) return added[1];
  if (block !== 'chain' || body === '}' || /^(?:type|policy|comment|devices?)\b/.test(body)) return undefined;
  return body;
}

/** Keeps the list of open blocks: chains matter, whatever else has braces does not. */
function track(blocks: string[], body: string): void {
  for (const brace of body.matchAll(/([\w-]*)[^{}]*\{|\}/g)) {
    if (brace[0] === '}') blocks.pop();
    else blocks.push(/\bchain\b/.test(brace[0]) ? 'chain' : (brace[1] ?? ''));
  }
}

function oneRule({ line, column }: RuleLine, rule: string): RuleProblem[] {
  const open = (rule.match(/\{/g) ?? []).length !== (rule.match(/\}/g) ?? []).length;
  if (!open && !rule.replace(/"[^"]*"|\{[^}]*\}/g, '').includes(';')) return [];
  return [{ line, column, message: `"${rule}" is not one whole rule; allowed: one nft rule a line` }];
}

function rowOf({ line, column }: RuleLine, text: string, row: number): Row {
  return { row, text, line, column, stops: /\b(?:drop|reject)\b/.test(text.replace(/"[^"]*"/g, '')) };
}

/** A counter that stands where its owner put it, which may be before the matches. */
const OWN_COUNTER = /\bcounter\b(?!\s+name\b)(?:\s+packets\s+\d+\s+bytes\s+\d+)?\s*/;

/** A rule with a counter before its verdict, and its number as comment (a rule can have one only). */
function counted(rule: string, row: number): string {
  const text = rule
    .replace(/\s*\bcomment\s+"[^"]*"/, '')
    .replace(OWN_COUNTER, '')
    .trim();
  const verdict = VERDICT.exec(text);
  const withCounter = verdict
    ? `${text.slice(0, verdict.index)}counter ${verdict[0].trim()}`
    : `${text} counter`;
  return `${withCounter} comment "row ${row}"`;
}

function portProblems({ text, line, column }: RuleLine): RuleProblem[] {
  return [...text.matchAll(/\b[sd]port\s+(?:!=\s*)?(\{[^}]*\}|[\d\s-]+)/g)].flatMap((ports) => {
    const offset = ports.index + ports[0].length - (ports[1] ?? '').length;
    return [...(ports[1] ?? '').matchAll(/(\d+)(?:\s*-\s*(\d+))?/g)].flatMap((range) => {
      try {
        parsePorts(`${range[1] ?? ''}-${range[2] ?? range[1] ?? ''}`, '-');
        return [];
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        return [{ line, column: column + offset + range.index, message }];
      }
    });
  });
}

/**
 * The nftables ruleset of a firewall: the owner's rows in the forward chain, each with a counter and
 * its number as comment, then a counted rule for the policy; NAT and helper in chains of their own.
 *
 * The helper is attached at priority -150. At raw (-300) the same rule loads and does nothing: the
 * packet has no conntrack entry before nf_conntrack_in at -200 (NF_IP_PRI_CONNTRACK).
 */
export function nftRuleset(spec: FirewallSpec): Ruleset {
  const lines: string[] = [];
  const rowLines: { line: number; row: number; indent: number }[] = [];
  const textLines: { line: number; source: number }[] = [];
  const add = (before: string, commands: readonly Command[]): void => {
    for (const { text, row, line } of commands) {
      lines.push(`${before}${text}`);
      if (line !== undefined) textLines.push({ line: lines.length, source: line });
      const indent = before.length + text.length - text.trimStart().length;
      if (row !== null) rowLines.push({ line: lines.length, row, indent });
    }
  };
  const names = Object.entries(spec.names).map(([name, value]) => `define ${name} = ${value}`);
  const whole = spec.commands.some(({ table }) => table !== FORWARD);
  const policy = `counter ${spec.policy} comment "${POLICY_COMMENT}"`;
  const many = !whole && spec.commands.length > TRANSACTION;
  lines.push(...names, `table ip ${TABLE} {`);
  if (spec.helper.ports.length > 0) lines.push(...helperChain(spec.helper));
  if (spec.input === 'drop') lines.push(...inputChain());
  if (!whole) {
    lines.push('  chain forward {', `    type filter hook forward priority filter; policy ${spec.policy};`);
    add('    ', spec.commands.slice(0, TRANSACTION));
    lines.push(...(many ? [] : [`    ${policy}`]), '  }');
  }
  if (spec.forward.length > 0 && !spec.translates) lines.push(...forwardChain(spec));
  if (spec.nat === 'masquerade' && !spec.translates) lines.push(...masqueradeChain());
  lines.push('}');
  const rule = `add rule ip ${TABLE} forward `;
  for (let from = TRANSACTION; many && from < spec.commands.length; from += TRANSACTION) {
    lines.push(NEXT_TRANSACTION, ...names);
    add(rule, spec.commands.slice(from, from + TRANSACTION));
  }
  if (many) lines.push(`${rule}${policy}`);
  if (whole) add('', spec.commands);
  return { loader: 'nft', text: `${lines.join('\n')}\n`, rowLines, textLines };
}

function helperChain({ ports, attach }: HelperAttachment): string[] {
  const object = ['  ct helper ftp {', '    type "ftp" protocol tcp', '  }'];
  // The object alone makes sure that the kernel has the helper; nothing is attached to it.
  if (attach === 'module') return object;
  return [
    ...object,
    '  chain helper {',
    '    type filter hook prerouting priority -150; policy accept;',
    `    tcp dport { ${ports.join(', ')} } ct helper set "ftp"`,
    '  }',
  ];
}

function inputChain(): string[] {
  return ['  chain input {', '    type filter hook input priority filter; policy drop;', '  }'];
}

function forwardChain({ forward, insideHost }: FirewallSpec): string[] {
  const range = ([low, high]: PortRange): string => (low === high ? String(low) : `${low}-${high}`);
  return [
    '  chain prerouting {',
    '    type nat hook prerouting priority dstnat; policy accept;',
    `    iifname "outside" tcp dport { ${forward.map(range).join(', ')} } dnat to ${insideHost}`,
    '  }',
  ];
}

function masqueradeChain(): string[] {
  return [
    '  chain postrouting {',
    '    type nat hook postrouting priority srcnat; policy accept;',
    '    oifname "outside" masquerade',
    '  }',
  ];
}
