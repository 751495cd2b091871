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
