import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { pause } from './until';

/** The process that used most of the processor for a while. */
export interface BusyProcess {
  readonly pid: number;
  readonly command: string;
  /** the host whose network it is in; null: none of the lab's */
  readonly host: string | null;
  /** its part of the time all processes used, 0 to 1 */
  readonly share: number;
}

/** How long processes are watched. */
const WATCH_SECONDS = 0.5;
/** Fields of /proc/PID/stat after the name: time in user mode and in the kernel (proc(5), 14 and 15). */
const [USER_TIME, KERNEL_TIME] = [11, 12];

/**
 * Watches all processes of this machine for half a second.
 *
 * @returns null when none used any time
 */
export async function busiest(): Promise<BusyProcess | null> {
  const before = timesUsed();
  await pause(WATCH_SECONDS);
  const used = [...timesUsed()].map(([pid, ticks]) => ({ pid, ticks: ticks - (before.get(pid) ?? 0) }));
  const total = used.reduce((sum, { ticks }) => sum + ticks, 0);
  const most = used.reduce((one, other) => (other.ticks > one.ticks ? other : one), { pid: 0, ticks: 0 });
  if (most.ticks === 0) return null;
  return { pid: most.pid, command: commandOf(most.pid), host: hostOf(most.pid), share: most.ticks / total };
}

/** Clock ticks that each process has used so far. */
function timesUsed(): Map<number, number> {
  const times = new Map<number, number>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const fields = (readSomething(`/proc/${name}/stat`).split(') ').at(-1) ?? '').split(' ');
    times.set(Number(name), Number(fields[USER_TIME] ?? 0) + Number(fields[KERNEL_TIME] ?? 0));
  }
  return times;
}

function commandOf(pid: number): string {
  const words = readSomething(`/proc/${pid}/cmdline`).split('\0').join(' ').trim();
  return words === '' ? readSomething(`/proc/${pid}/comm`).trim() : words;
}

/** `ip netns` keeps a handle of each host's network in /run/netns; its inode is the network's number. */
function hostOf(pid: number): string | null {
  try {
    const network = readlinkSync(`/proc/${pid}/ns/net`);
    return (
      readdirSync('/run/netns').find((name) => `net:[${statSync(`/run/netns/${name}`).ino}]` === network) ??
      null
    );
  } catch {
    return null;
  }
}

/** Processes come and go while they are looked at. */
function readSomething(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
