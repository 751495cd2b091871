import { withoutRow } from './identity';
import type { Command } from '../kinds';

/**
 * Commands as one would type them, a line each; read again, they are the same commands. The rows'
 * numbers are left out: they come from where a rule stands.
 */
export function printIptables(commands: readonly Command[]): string {
  return commands
    .map(({ table, text }) => `iptables${table === 'filter' ? '' : ` -t ${table}`} ${withoutRow(text)}\n`)
    .join('');
}
