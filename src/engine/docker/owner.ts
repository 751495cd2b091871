import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';

/** The process a container belongs to: `host/pid/start`. */
export type Owner = string;

/** This process, as its containers name it. A process id alone would be some other process's one day. */
export function thisOwner(): Owner {
  return [hostname(), process.pid, startOf(process.pid) ?? ''].join('/');
}

/**
 * Whether the owner of a container has ended for certain. Of a process on another machine, one that
 * shares a remote engine, nothing can be known.
 */
export function hasEnded(owner: Owner): boolean {
  const [host, pid = '', start] = owner.split('/');
  if (host !== hostname() || !/^\d+$/.test(pid)) return false;
  const now = startOf(Number(pid));
  if (now !== null) return now !== start;
  try {
    process.kill(Number(pid), 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}

/** When a process began, in ticks since the machine did (proc_pid_stat(5), field 22); null elsewhere than on Linux. */
function startOf(pid: number): string | null {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ').at(-1)?.split(' ')[19] ?? null;
  } catch {
    return null;
  }
}
