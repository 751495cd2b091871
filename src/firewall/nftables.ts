import type { FirewallSpec, Row, Ruleset } from './kinds';

/** The table every ruleset of the lab lives in. */
export const TABLE = 'lab';
/** The comment on the rule that stands for the chain's policy, which has no counter of its own. */
export const POLICY_COMMENT = 'policy';

/**
 * The verdict a rule ends in, where there is one. A counter must stand after the matches and before
 * the verdict, or it counts packets the rule does not match.
 */
const VERDICT = /\b(?:accept|drop|continue|return|reject\b.*|(?:jump|goto)\s+\S+|queue\b.*)\s*$/;

/**
 * The nftables ruleset of a firewall: the owner's rows in the forward chain, each with a counter and
 * its number as comment, then a counted rule for the policy; NAT and helper in chains of their own.
 *
 * The helper is attached at priority -150. At raw (-300) the same rule loads and does nothing: the
 * packet has no conntrack entry before nf_conntrack_in at -200 (NF_IP_PRI_CONNTRACK).
 */
export function nftRuleset(spec: FirewallSpec): Ruleset {
  const lines: string[] = [];
  const rowLines: { line: number; row: number }[] = [];
  const add = (...text: string[]): void => {
    lines.push(...text);
  };
  for (const [name, value] of Object.entries(spec.names)) add(`define ${name} = ${value}`);
  add(`table ip ${TABLE} {`);
  if (spec.helperPorts.length > 0) add(...helperChain(spec.helperPorts));
  add('  chain forward {', `    type filter hook forward priority filter; policy ${spec.policy};`);
  for (const row of spec.rows) {
    add(`    ${countedRule(row)}`);
    rowLines.push({ line: lines.length, row: row.row });
  }
  add(`    counter ${spec.policy} comment "${POLICY_COMMENT}"`, '  }');
  if (spec.forward.length > 0) add(...forwardChain(spec));
  if (spec.nat === 'masquerade') add(...masqueradeChain());
  add('}', '');
  return { text: lines.join('\n'), rowLines };
}

function countedRule(row: Row): string {
  const text = row.text.trim();
  const verdict = VERDICT.exec(text);
  const counted = /\bcounter\b/.test(text)
    ? text
    : verdict
      ? `${text.slice(0, verdict.index)}counter ${verdict[0].trim()}`
      : `${text} counter`;
  return `${counted} comment "row ${row.row}"`;
}

function helperChain(ports: readonly number[]): string[] {
  return [
    '  ct helper ftp {',
    '    type "ftp" protocol tcp',
    '  }',
    '  chain helper {',
    '    type filter hook prerouting priority -150; policy accept;',
    `    tcp dport { ${ports.join(', ')} } ct helper set "ftp"`,
    '  }',
  ];
}

function forwardChain(spec: FirewallSpec): string[] {
  return [
    '  chain prerouting {',
    '    type nat hook prerouting priority dstnat; policy accept;',
    `    iifname "outside" tcp dport { ${spec.forward.join(', ')} } dnat to ${spec.insideHost}`,
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
