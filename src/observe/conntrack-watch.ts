import { LineSplitter } from '../agent/lines';
import { LabFailure, type Host, type HostProcess, type Lab } from '../engine/host';
import { parseConntrackLine } from './conntrack-line';
import type { RawEvent } from './event';
import type { TableRecord, TableWatch } from './table-watch';
import { until } from '../engine/until';

const READY_SECONDS = 10;
const DRAIN_SECONDS = 2;
/** A port scan can make a great many entries; the record stops here. */
const MAX_EVENTS = 50_000;
const NETLINK_NETFILTER = '12';
/** The groups of connections and expectations (NFNLGRP_CONNTRACK_NEW to NFNLGRP_CONNTRACK_EXP_DESTROY), not of rules. */
const CONNTRACK_GROUPS = 0x3f;

/** `conntrack -E` on the firewall, for connections and for the helper's expectations. */
export class ConntrackWatch implements TableWatch {
  private readonly events: RawEvent[] = [];

  private constructor(
    private readonly host: Host,
    readonly processes: readonly HostProcess[],
  ) {
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
    const { firewall } = lab.hosts;
    const spawn = (label: string, table: string): HostProcess =>
      firewall.spawn(label, ['conntrack', '-E', table, '-o', 'timestamp']);
    const helper = lab.plan.firewall.helper.ports.length > 0;
    const watch = new ConntrackWatch(firewall, [
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
      async () => ended.length > 0 || (await watch.subscriptions()).length >= watch.processes.length,
      READY_SECONDS,
    );
    if (ended.length > 0) throw new LabFailure(ended.join('; '));
    if (!ready) throw new LabFailure(`conntrack -E did not subscribe within ${READY_SECONDS} s`);
    return watch;
  }

  /** Waits until the watchers have read and printed all the kernel queued for them, and ends them. */
  async finish(): Promise<TableRecord> {
    // Nothing queued, and asleep: what they read they have printed, for they sleep only to receive.
    await until(async () => {
      const queues = await this.subscriptions();
      if (!queues.every(({ queued }) => queued === 0)) return false;
      return (await Promise.all(this.processes.map((process) => this.isAsleep(process)))).every(Boolean);
    }, DRAIN_SECONDS);
    const lost = (await this.subscriptions()).reduce((sum, { drops }) => sum + drops, 0);
    await Promise.all(
      this.processes.map((process) => {
        const ended = new Promise((resolve) => process.stdout.once('end', resolve));
        process.kill('SIGKILL');
        return ended;
      }),
    );
    return { lost, events: this.events };
  }

  /** The sockets in the firewall's namespace that listen to connection tracking. */
  private async subscriptions(): Promise<{ queued: number; drops: number }[]> {
    const [watcher] = this.processes;
    const table = watcher ? await this.look(watcher, 'net/netlink') : null;
    return (table ?? '').split('\n').flatMap((line) => {
      const [, protocol, , groups = '0', queued = '0', , , , drops = '0'] = line.trim().split(/\s+/);
      if (protocol !== NETLINK_NETFILTER || !(parseInt(groups, 16) & CONNTRACK_GROUPS)) return [];
      return [{ queued: Number(queued), drops: Number(drops) }];
    });
  }

  /** Whether a process sleeps: field 3 of /proc/PID/stat, after the name in parentheses. */
  private async isAsleep(process: HostProcess): Promise<boolean> {
    const stat = await this.look(process, 'stat');
    return stat?.split(') ').at(-1)?.startsWith('S') ?? true;
  }

  /** A file below a process's own /proc; null when the process is gone. */
  private async look(process: HostProcess, file: string): Promise<string | null> {
    try {
      return (await this.host.read(`/proc/${await process.pid}/${file}`)).toString('utf8');
    } catch {
      return null;
    }
  }
}
