import { parseTable, type TableEnd, type TableRow } from './table';
import type { Command, Dialect, DialectContext, ParsedRules, PortRange, RuleProblem } from '../kinds';
import { ruleLines } from '../words';

/**
 * The FAQ's own rule table. Its directions are those of the outside interface.
 *
 * iptables: the rows stand in FORWARD, where NAT shows inside addresses both ways. ipchains: they stand in
 * that interface's input and output chains, which see addresses before demasquerading and after masquerading
 * (ip_fw.c and ip_masq.c, Linux 2.2).
 */
export const faqTable: Dialect = {
  parse(text, context) {
    if (context.kind === 'nftables') return refused(text);
    const { rows, problems } = parseTable(text);
    return {
      rows: rows.map((row, index) => ({
        row: context.firstRow + index,
        text: row.text,
        line: row.line,
        column: row.column,
        stops: row.action === 'deny',
      })),
      ...commands(rows, context, problems),
      policy: null,
      translates: false,
    };
  },
};

function refused(text: string): ParsedRules {
  const { line, column } = ruleLines(text)[0] ?? { line: 0, column: 0 };
  const message = 'the FAQ’s table is loaded on kind ipchains or iptables; this firewall is nftables';
  return {
    rows: [],
    commands: [],
    problems: [{ line, column, message }],
    policy: null,
    translates: false,
  };
}

function commands(
  rows: readonly TableRow[],
  context: DialectContext,
  problems: readonly RuleProblem[],
): { commands: Command[]; problems: RuleProblem[] } {
  const network = context.names['inside_net'];
  const unnamed = rows.find(({ from, to }) => [from.address, to.address].includes('network'));
  if (network === undefined && unnamed) {
    const message = '"Network IP" has no value here; wanted: a name inside_net, e.g. 10.0.0.0/24';
    const { line, column } = unnamed;
    return { commands: [], problems: [...problems, { line, column, message }] };
  }
  const print = context.kind === 'ipchains' ? ipchainsCommand : iptablesCommand;
  const table = context.kind === 'ipchains' ? '' : 'filter';
  const valueOf = ({ address }: TableEnd): string | null =>
    address === 'any' ? null : address === 'network' ? (network ?? null) : address;
  return {
    commands: rows.map((row, index) => ({
      table,
      text: print(row, valueOf(row.from), valueOf(row.to)),
      row: context.firstRow + index,
    })),
    problems: [...problems],
  };
}

function iptablesCommand(row: TableRow, from: string | null, to: string | null): string {
  return [
    '-A FORWARD',
    row.direction === 'output' ? '-o outside' : '-i outside',
    row.type === 'any' ? '' : `-p ${row.type}`,
    from === null ? '' : `-s ${from}`,
    row.from.ports ? `--sport ${range(row.from.ports)}` : '',
    to === null ? '' : `-d ${to}`,
    row.to.ports ? `--dport ${range(row.to.ports)}` : '',
    row.syn ? '--syn' : '',
    `-j ${row.action === 'accept' ? 'ACCEPT' : 'DROP'}`,
  ]
    .filter((word) => word !== '')
    .join(' ');
}

/** In ipchains a port follows its address, so "any" with a port is spelled out: 0/0. */
function ipchainsCommand(row: TableRow, from: string | null, to: string | null): string {
  const end = (flag: string, address: string | null, ports: PortRange | null): string => {
    if (address === null && ports === null) return '';
    return `${flag} ${address ?? '0/0'}${ports ? ` ${range(ports)}` : ''}`;
  };
  return [
    `ipchains -A ${row.direction} -i outside`,
    row.type === 'any' ? '' : `-p ${row.type}`,
    end('-s', from, row.from.ports),
    end('-d', to, row.to.ports),
    row.syn ? '-y' : '',
    `-j ${row.action === 'accept' ? 'ACCEPT' : 'DENY'}`,
  ]
    .filter((word) => word !== '')
    .join(' ');
}

function range([low, high]: PortRange): string {
  return low === high ? String(low) : `${low}:${high}`;
}
