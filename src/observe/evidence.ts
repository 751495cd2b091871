import { closeSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Host, Lab } from '../engine/host';
import type { MainHost } from '../plan/plan';
import { capturedLegs, captureFile } from './capture';
import { TRACE_TABLE } from './trace-table';

type Snapshot = readonly [MainHost, string, readonly string[]];

/** What is asked of a host when evidence is kept, and the file its answer goes to. */
const SNAPSHOTS: readonly Snapshot[] = [
  ['client', 'sockets-client.txt', ['ss', '-tanop']],
  ['firewall', 'sockets-firewall.txt', ['ss', '-tanop']],
  ['server', 'sockets-server.txt', ['ss', '-tanop']],
];

/** The ruleset without the lab's own table, which the run no longer needs. */
const LIST_RULES = `nft delete table ${TRACE_TABLE.family} ${TRACE_TABLE.name} 2> /dev/null; exec nft list ruleset`;

/** The same of the firewall itself, where that is the host's own kernel, and where it is a Linux 2.2. */
const KERNEL_SNAPSHOTS: readonly Snapshot[] = [
  ['firewall', 'ruleset.nft', ['sh', '-c', LIST_RULES]],
  ['firewall', 'ruleset.iptables', ['iptables-save', '-c']],
  ['firewall', 'conntrack.txt', ['conntrack', '-L', '-o', 'extended']],
  ['firewall', 'expectations.txt', ['conntrack', '-L', 'expect']],
];
// The tool that lists forwarded ports has their module loaded; so it comes where there is something to list.
const FORWARDS: Snapshot = ['firewall', 'forwards.txt', ['ipmasqadm', 'portfw', '-l', '-n']];
const ROUTER_SNAPSHOTS: readonly Snapshot[] = [
  ['firewall', 'ruleset.ipchains', ['ipchains', '-L', '-n', '-v']],
  ['firewall', 'masquerade.txt', ['ipchains', '-M', '-L', '-n', '-v']],
  ['firewall', 'modules.txt', ['lsmod']],
];

/**
 * Writes the state of a running lab, and its captures, into a folder. What cannot be had is said in
 * its file instead: evidence of a broken lab is wanted too.
 *
 * @param directory an existing folder
 *
 * @returns names of the capture files in the folder
 */
export async function keepEvidence(lab: Lab, directory: string): Promise<string[]> {
  await Promise.all(
    [...firewallSnapshots(lab), ...SNAPSHOTS].map(async ([host, file, argv]) => {
      const text = await lab.hosts[host].exec(argv).then(
        ({ code, stdout, stderr }) =>
          code === 0 ? stdout : `${argv.join(' ')} ended with ${code ?? 'a signal'}: ${stderr}`,
        (error: unknown) => `${argv.join(' ')}: ${String(error)}`,
      );
      writeFileSync(join(directory, file), text);
    }),
  );
  const said = lab.router?.said ?? null;
  if (said !== null) writeFileSync(join(directory, 'start-script.txt'), said);
  const copied = await Promise.all(
    capturedLegs(lab.plan).map(async (leg) => {
      const file = `${leg}.pcap`;
      return copy(lab.hosts.firewall, captureFile(lab, leg), join(directory, file)).then(
        () => [file],
        () => [],
      );
    }),
  );
  return copied.flat();
}

function firewallSnapshots({ router, plan }: Lab): readonly Snapshot[] {
  if (!router) return KERNEL_SNAPSHOTS;
  return plan.firewall.forward.length > 0 ? [...ROUTER_SNAPSHOTS, FORWARDS] : ROUTER_SNAPSHOTS;
}

async function copy(host: Host, from: string, to: string): Promise<void> {
  let chunk = await host.read(from);
  const descriptor = openSync(to, 'w');
  try {
    for (let offset = 0; chunk.length > 0; chunk = await host.read(from, offset)) {
      writeSync(descriptor, chunk);
      offset += chunk.length;
    }
  } finally {
    closeSync(descriptor);
  }
}
