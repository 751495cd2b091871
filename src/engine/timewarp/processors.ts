import { readFileSync } from 'node:fs';

/** The processors this process may use, and how many of its machines are on each. */
let machinesOn: Map<number, number> | undefined;

export interface Processor {
  readonly number: number;
  /** to be called when the machine on it has ended; more than once is as good */
  release(): void;
}

/**
 * A processor for a machine to stay on: one that has the fewest. A machine has one only, and its programs take
 * turns with its kernel through ptrace, some ten thousand times a second: between two of the host's processors
 * each turn takes several times as long.
 */
export function takeProcessor(): Processor {
  const machines = (machinesOn ??= new Map(allowedProcessors().map((number) => [number, 0])));
  const least = Math.min(...machines.values());
  const free = [...machines].flatMap(([number, count]) => (count === least ? [number] : []));
  // Labs that are started side by side know nothing of each other.
  const number = free[process.pid % free.length] ?? 0;
  machines.set(number, least + 1);
  let taken = true;
  return {
    number,
    release: () => {
      if (taken) machines.set(number, (machines.get(number) ?? 1) - 1);
      taken = false;
    },
  };
}

/** proc(5), /proc/PID/status: single numbers and ranges, as in 0,2-3. */
function allowedProcessors(): number[] {
  const allowed = /^Cpus_allowed_list:\s*(\S+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0';
  return allowed.split(',').flatMap((range) => {
    const [first = 0, last = first] = range.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });
}
