import { rowMarkLength, withRow } from './identity';
import type { TableName } from './tables';
import { TABLES } from './tables';
import type { Command, FirewallSpec, HelperAttachment, Policy, PortRange, Ruleset } from '../kinds';

/**
 * Commands in one transaction. In a user namespace the socket to the kernel holds no more than some 250
 * rules (net.core.wmem_max; only root in the first namespace may exceed it, SO_SNDBUFFORCE in socket(7)).
 */
const BLOCK = 100;

/** xt_multiport: XT_MULTI_PORTS; a range takes two places. */
const MULTIPORT_PLACES = 15;

/** No interface has this name: a rule that loads, so the kernel has the helper, and matches nothing. */
const UNATTACHED = 'lab-unattached';

/**
 * The ruleset of an iptables firewall as `iptables-restore --noflush` reads it: the helper in table raw, NAT and
 * forwarded ports in table nat, policies in table filter, and the owner's commands of each table.
 */
export function iptablesRuleset(spec: FirewallSpec): Ruleset {
  const lines: string[] = [];
  const rowLines: Ruleset['rowLines'][number][] = [];
  for (const table of TABLES) {
    const own = spec.commands.filter((command) => command.table === table && !isForwardPolicy(command));
    const ours = labRules(table, spec);
    if (table !== 'filter' && own.length === 0 && ours.length === 0) continue;
    lines.push(`*${table}`);
    if (table === 'filter') lines.push(...policies(spec));
    // A flush in the author's text is not meant for what the lab adds.
    const flushed = own.findLastIndex(({ text }) => text.startsWith('-F')) + 1;
    let inBlock = 0;
    const add = ({ text, row, columns }: Command): void => {
      // iptables-nft places an inserted rule by its neighbour: one that goes in the same block is none.
      if (inBlock === BLOCK || (inBlock > 0 && text.startsWith('-D '))) {
        lines.push('COMMIT', `*${table}`);
        inBlock = 0;
      }
      inBlock += 1;
      lines.push(row === null ? text : withRow(text, row));
      const place = { line: lines.length, indent: rowMarkLength(row ?? 0), ...(columns && { columns }) };
      if (row !== null) rowLines.push({ ...place, row });
    };
    own.slice(0, flushed).forEach(add);
    lines.push(...ours);
    own.slice(flushed).forEach(add);
    lines.push('COMMIT');
  }
  return { loader: 'iptables-restore', text: `${lines.join('\n')}\n`, rowLines };
}

/** The policy of FORWARD comes from the scenario; that the text agrees with it is the plan's to check. */
function isForwardPolicy({ table, text }: Command): boolean {
  return table === 'filter' && text.startsWith('-P FORWARD ');
}

function policies({ input, policy }: FirewallSpec): string[] {
  const line = (chain: string, verdict: Policy): string => `:${chain} ${verdict.toUpperCase()} [0:0]`;
  return [line('INPUT', input), line('FORWARD', policy), line('OUTPUT', 'accept')];
}

function labRules(table: TableName, spec: FirewallSpec): string[] {
  if (table === 'raw') return helperRules(spec.helper);
  if (table !== 'nat' || spec.translates) return [];
  const forwarded = multiports(spec.forward).map(
    (ports) => `-A PREROUTING -i outside -p tcp ${ports} -j DNAT --to-destination ${spec.insideHost}`,
  );
  const masquerade = spec.nat === 'masquerade' ? ['-A POSTROUTING -o outside -j MASQUERADE'] : [];
  return [...forwarded, ...masquerade];
}

function helperRules({ ports, openedBy, attach }: HelperAttachment): string[] {
  const from = attach === 'module' ? `-i ${UNATTACHED} ` : openedBy === 'inside' ? '-i inside ' : '';
  const ranges = ports.map((port): PortRange => [port, port]);
  return multiports(ranges).map((match) => `-A PREROUTING ${from}-p tcp ${match} -j CT --helper ftp`);
}

/** The ports as multiport matches, each as full as it may be: a range takes two places (xt_multiport). */
function multiports(ranges: readonly PortRange[]): string[] {
  const matches: { places: number; ports: string[] }[] = [];
  for (const [low, high] of ranges) {
    const places = low === high ? 1 : 2;
    let last = matches.at(-1);
    if (!last || last.places + places > MULTIPORT_PLACES) matches.push((last = { places: 0, ports: [] }));
    last.places += places;
    last.ports.push(low === high ? String(low) : `${low}:${high}`);
  }
  return matches.map(({ ports }) => `-m multiport --dports ${ports.join(',')}`);
}
