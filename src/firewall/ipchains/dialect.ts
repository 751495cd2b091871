import { parseIpchains } from './parse';
import { printCommand } from './print';
import type { IpchainsCommand } from './rule';
import type { Command, Dialect, Policy, Row } from '../kinds';
import { ruleLines } from '../words';

export { parseIpchains } from './parse';
export { printIpchains } from './print';
export { bothWays, type IpchainsAction, type IpchainsCommand, type IpchainsRule } from './rule';
export { ipchainsRuleset } from './ruleset';

/** ipchains commands, as owners of Linux 2.2 firewalls type them: ipchains(8), 1.3.9 and 1.3.10. */
export const ipchains: Dialect = {
  parse(text, context) {
    if (context.kind !== 'ipchains') {
      const [first] = ruleLines(text);
      const message = 'these are ipchains commands; they are loaded on kind: ipchains';
      const problem = { line: first?.line ?? 0, column: first?.column ?? 0, message };
      return { rows: [], commands: [], problems: [problem], policy: null, translates: false };
    }
    const { commands: parsed, problems } = parseIpchains(text, context);
    const rows: Row[] = [];
    const commands: Command[] = [];
    for (const command of parsed) {
      const row = rowOf(command, context.firstRow + rows.length);
      if (row) rows.push(row);
      const text = printCommand(command);
      commands.push(
        row ? { table: '', text, row: row.row } : { table: '', text, row: null, line: command.line },
      );
    }
    const forward = parsed.flatMap((command) =>
      command.kind === 'policy' && command.chain === 'forward' ? [command.target] : [],
    );
    const last = forward.at(-1);
    return {
      rows,
      commands,
      problems,
      policy: last === undefined ? null : policyOf(last),
      translates: last === 'MASQ' || parsed.some((command) => targetOf(command) === 'MASQ'),
    };
  },
};

/** A command that puts a rule into a chain is a row; with `-b` it is one row for two rules of the kernel. */
function rowOf(command: IpchainsCommand, row: number): Row | null {
  if (command.kind !== 'append' && command.kind !== 'insert' && command.kind !== 'replace') return null;
  const { text, line, column } = command;
  return { row, text, line, column, stops: stopsPackets(command) };
}

/** Whether a packet that matches the command's rule goes no further. */
export function stopsPackets(command: IpchainsCommand): boolean {
  const target = targetOf(command);
  return target === 'DENY' || target === 'REJECT';
}

function targetOf(command: IpchainsCommand): string | null {
  if (command.kind !== 'append' && command.kind !== 'insert' && command.kind !== 'replace') return null;
  return command.rule.target?.kind === 'special' ? command.rule.target.name : null;
}

/** What a policy of ipchains comes to. */
export function policyOf(target: string): Policy {
  return target === 'DENY' || target === 'REJECT' ? 'drop' : 'accept';
}
