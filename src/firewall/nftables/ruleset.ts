import type { Command, FirewallSpec, HelperAttachment, PortRange, Ruleset } from '../kinds';

/** Where rules that come alone are put: the lab's own forward chain. Lines of whole tables are put nowhere. */
export const FORWARD = 'forward';
/** The table of the lab's own making. */
export const TABLE = 'lab';
/**
 * Rules in one transaction. In a user namespace the socket to the kernel holds no more than some 400
 * rules (net.core.wmem_max; only root in the first namespace may exceed it, SO_SNDBUFFORCE in socket(7)).
 */
export const TRANSACTION = 200;
/** Stands in a ruleset where it has to be cut: what follows is loaded after what is before. */
export const NEXT_TRANSACTION = '# next transaction';

/**
 * The nftables ruleset of a firewall: the owner's text as it stands, in the lab's forward chain or, where it is whole
 * tables, in front of the lab's own; NAT and helper in chains of their own.
 *
 * The helper is attached at priority -150. At raw (-300) the same rule loads and does nothing: the
 * packet has no conntrack entry before nf_conntrack_in at -200 (NF_IP_PRI_CONNTRACK).
 */
export function nftRuleset(spec: FirewallSpec): Ruleset {
  const lines: string[] = [];
  const rowLines: Ruleset['rowLines'][number][] = [];
  const textLines: { line: number; source: number }[] = [];
  const add = (before: string, commands: readonly Command[]): void => {
    for (const { text, line, places = [] } of commands) {
      const first = lines.length + 1;
      lines.push(...(text === '' ? [''] : `${before}${text}`.split('\n')));
      if (line !== undefined) textLines.push({ line: first, source: line });
      for (const { row, line: within, column } of places) {
        // Where text is not put in line by line, a row's lines are the command's.
        const below = line === undefined ? within : 0;
        const indent = column + (below === 0 ? before.length : 0);
        rowLines.push({ line: first + below, row, indent, within });
      }
    }
  };
  const names = Object.entries(spec.names).map(([name, value]) => `define ${name} = ${value}`);
  const whole = spec.commands.some(({ table }) => table !== FORWARD);
  const many = !whole && spec.commands.some(({ row }) => row !== null);
  lines.push(...names);
  if (whole) add('', spec.commands);
  lines.push(`table ip ${TABLE} {`);
  if (spec.helper.ports.length > 0) lines.push(...helperChain(spec.helper));
  if (spec.input === 'drop') lines.push(...inputChain());
  if (!whole) {
    lines.push('  chain forward {', `    type filter hook forward priority filter; policy ${spec.policy};`);
    if (!many) add('    ', spec.commands);
    lines.push('  }');
  }
  if (spec.forward.length > 0 && !spec.translates) lines.push(...forwardChain(spec));
  if (spec.nat === 'masquerade' && !spec.translates) lines.push(...masqueradeChain());
  lines.push('}');
  for (let from = 0; many && from < spec.commands.length; from += TRANSACTION) {
    lines.push(NEXT_TRANSACTION, ...names);
    add(`add rule ip ${TABLE} forward `, spec.commands.slice(from, from + TRANSACTION));
  }
  return { loader: 'nft', text: `${lines.join('\n')}\n`, rowLines, textLines };
}

function helperChain({ ports, openedBy, attach }: HelperAttachment): string[] {
  const object = ['  ct helper ftp {', '    type "ftp" protocol tcp', '  }'];
  // The object alone makes sure that the kernel has the helper; nothing is attached to it.
  if (attach === 'module') return object;
  return [
    ...object,
    '  chain helper {',
    '    type filter hook prerouting priority -150; policy accept;',
    `    ${openedBy === 'inside' ? 'iifname "inside" ' : ''}tcp dport { ${ports.join(', ')} } ct helper set "ftp"`,
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
