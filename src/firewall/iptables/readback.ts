import type { Ruleset } from '../kinds';

/** How often a row matched, or how often a forwarded packet got to the policy. */
export interface IptablesCounter {
  readonly row: number | 'policy';
  readonly packets: number;
  readonly bytes: number;
}

/**
 * Reads the counters `iptables-save -c` prints, e.g. `[12:345] -A FORWARD -m comment --comment "row 3" …`
 * and, as 'policy', `:FORWARD DROP [7:420]` of table filter. A row with a list of addresses is several
 * rules in the kernel; their counters are summed.
 */
export function readIptablesCounters(saved: string): IptablesCounter[] {
  const found = new Map<number | 'policy', IptablesCounter>();
  const add = (row: number | 'policy', packets = '', bytes = ''): void => {
    const before = found.get(row) ?? { packets: 0, bytes: 0 };
    found.set(row, { row, packets: before.packets + Number(packets), bytes: before.bytes + Number(bytes) });
  };
  let table = '';
  for (const line of saved.split('\n')) {
    if (line.startsWith('*')) table = line.slice(1).trim();
    const policy = table === 'filter' ? /^:FORWARD \S+ \[(\d+):(\d+)\]/.exec(line) : null;
    if (policy) add('policy', policy[1], policy[2]);
    // The lab's comment is the first: it is put in before anything the author wrote.
    const rule = /^\[(\d+):(\d+)\] -A .*?--comment "row (\d+)"/.exec(line);
    if (rule) add(Number(rule[3]), rule[1], rule[2]);
  }
  return [...found.values()];
}

/** A row iptables-restore refuses, in its words; column from 0 in the row's text, 0 when it names no word. */
export interface RefusedRow {
  readonly row: number;
  readonly message: string;
  readonly column: number;
}

/**
 * Reads what iptables-restore 1.8.9 says of lines it refuses, in its nft and legacy variants. They
 * differ: legacy leaves most to the kernel and then names the line of COMMIT, which is no row's.
 */
export function refusedRows(stderr: string, ruleset: Ruleset): RefusedRow[] {
  const lines = ruleset.text.split('\n');
  return complaints(stderr).flatMap(({ line, message }) => {
    const at = ruleset.rowLines.find((each) => each.line === line);
    if (!at) return [];
    return [{ row: at.row, message, column: columnOf(message, lines[line - 1] ?? '', at.indent) }];
  });
}

function complaints(stderr: string): { line: number; message: string }[] {
  const found: { line: number; message: string }[] = [];
  let said: string[] = [];
  for (const text of stderr.split('\n').map((each) => each.trim())) {
    const usage = /^Error occurred at line: (\d+)$/.exec(text);
    const kernel = /^line (\d+): \w+ failed \((.*)\)/.exec(text);
    const plain = /^iptables[\w-]*: line (\d+) failed(?:: (.*?))?\.?$/.exec(text);
    const line = Number((usage ?? kernel ?? plain)?.[1]);
    if (usage) found.push({ line, message: said.join(' ') });
    else if (kernel)
      found.push({ line, message: [...said, `the kernel refuses it: ${kernel[2] ?? ''}`].join(' ') });
    else if (plain) found.push({ line, message: [...said, plain[2] ?? 'no reason given'].join(' ') });
    else said.push(...[withoutProgram(text)].filter((each) => each !== ''));
    if (usage ?? kernel ?? plain) said = [];
  }
  return found;
}

function withoutProgram(text: string): string {
  return text.startsWith('Try `') ? '' : text.replace(/^iptables[\w-]* v[\d.]+ \(\w+\): ?/, '');
}

/** Where the word a message names stands in the row's own text. */
function columnOf(message: string, line: string, indent: number): number {
  const named = /[`"']([^`"']+)["']/.exec(message)?.[1];
  const mark = / -m comment --comment "row \d+"/.exec(line);
  if (named === undefined || !mark) return 0;
  const from = mark.index + mark[0].length;
  const rest = line.slice(from);
  const whole = ` ${rest} `.indexOf(` ${named} `);
  const at = whole >= 0 ? whole : rest.indexOf(named);
  return at < 0 ? 0 : from + at - indent;
}
