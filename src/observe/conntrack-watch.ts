import { readFileSync } from 'node:fs';
import { LineSplitter } from '../agent/lines';
import { LabFailure, type HostProcess, type Lab } from '../engine/host';
import { parseConntrackLine } from './conntrack-line';
import type { RawEvent } from './event';
import { until } from '../engine/until';

const READY_SECONDS = 10;
const DRAIN_SECONDS = 2;
/** A port scan can make a great many entries; the record stops here. */
const MAX_EVENTS = 50_000;
const NETLINK_NETFILTER = '12';

/** `conntrack -E` on the firewall, for connections and for the helper's expectations. */
export class ConntrackWatch {
  private readonly events: RawEvent[] = [];

  private constructor(readonly processes: readonly HostProcess[]) {
    for (const process of processes) {
      const splitter = new LineSplitter();
      process.stdout.on('data', (chunk: Buffer) => {
        for (const line of splitter.push(chunk.toString('latin1'))) {
          const event = parseConntrackLine(line);
          if (event && this.events.length < MAX_EVENTS) this.events.push(event);
        }
      });
    }
  }

  /** Starts the watchers and waits until the kernel lists them as subscribed. */
  static async start(lab: Lab): Promise<ConntrackWatch> {
    const spawn = (label: string, table: string): HostProcess =>
      lab.hosts.firewall.spawn(label, ['conntrack', '-E', table, '-o', 'timestamp']);
    const helper = lab.plan.firewall.helperPorts.length > 0;
    const watch = new ConntrackWatch([
      spawn('conntrack -E on the firewall', 'conntrack'),
      // Only a helper makes expectations.
      ...(helper ? [spawn('conntrack -E expect on the firewall', 'expect')] : []),
    ]);
    const ended: string[] = [];
    for (const process of watch.processes) {
      void process.exited.then(({ code }) => {
        ended.push(`${process.label} ended with ${code ?? 'a signal'}`);
      });
    }
    // conntrack says nothing when it is ready, but its subscription shows in the namespace's sockets.
    const ready = await until(
      () => ended.length > 0 || watch.subscriptions().length >= watch.processes.length,
      READY_SECONDS,
    );
    if (ended.length > 0) throw new LabFailure(ended.join('; '));
    if (!ready) throw new LabFailure(`conntrack -E did not subscribe within ${READY_SECONDS} s`);
    return watch;
  }

  /** Waits until the watchers have read and printed all the kernel queued for them, and ends them. */
  async finish(): Promise<{ lost: number; events: RawEvent[] }> {
    // Nothing queued, and asleep: what they read they have printed, for they sleep only to receive.
    await until(
      () => this.subscriptions().every(({ queued }) => queued === 0) && this.processes.every(isAsleep),
      DRAIN_SECONDS,
    );
    const lost = this.subscriptions().reduce((sum, { drops }) => sum + drops, 0);
    await Promise.all(
      this.processes.map((process) => {
        const ended = new Promise((resolve) => process.stdout.once('end', resolve));
        process.kill('SIGKILL');
        return ended;
      }),
    );
    return { lost, events: this.events };
  }

  /** The netfilter sockets in the firewall's namespace that listen to event groups. */
  private subscriptions(): { queued: number; drops: number }[] {
    const pid = this.processes[0]?.pid ?? -1;
    let table: string;
    try {
      table = readFileSync(`/proc/${pid}/net/netlink`, 'utf8');
    } catch {
      return [];
    }
    return table.split('\n').flatMap((line) => {
      const [, protocol, , groups = '0', queued = '0', , , , drops = '0'] = line.trim().split(/\s+/);
      if (protocol !== NETLINK_NETFILTER || /^0+$/.test(groups)) return [];
      return [{ queued: Number(queued), drops: Number(drops) }];
    });
  }
}

/** Whether a process sleeps: field 3 of /proc/PID/stat, after the name in parentheses. */
function isAsleep(process: HostProcess): boolean {
  try {
    return readFileSync(`/proc/${process.pid}/stat`, 'utf8').split(') ').at(-1)?.startsWith('S') ?? true;
  } catch {
    return true;
  }
}
