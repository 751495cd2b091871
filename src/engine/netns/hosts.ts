import { closeSync, fstatSync, mkdirSync, openSync, readSync } from 'node:fs';
import { release } from 'node:os';
import { dirname, join } from 'node:path';
import { hostNames, type FirewallChange, type HostName, type Plan } from '../../plan/plan';
import { LabFailure, MAX_READ, type Host, type Lab, type RunScript } from '../host';
import { must, run, start } from '../process';
import { Router, withTools } from '../router';
import { changeFirewall, linkBatch, namespaceBatch, wire } from '../wiring';

/** Inside the sandbox /run is a tmpfs of its own; nothing of it outlives the run. */
const WORK_DIRECTORY = '/run/lab';
/** Longer than any file below /proc that is read. */
const PROC_READ = 64 * 1024;

/**
 * Makes the namespaces of a plan. To be called inside the sandbox only: it changes the network it
 * runs in.
 *
 * @throws LabFailure when the kernel refuses
 */
export async function startHosts(plan: Plan): Promise<Lab> {
  mkdirSync(WORK_DIRECTORY, { recursive: true });
  await must(
    'make the namespaces',
    run(['ip', '-batch', '-'], { input: `${namespaceBatch(plan)}${linkBatch(plan)}` }),
  );
  const hosts = Object.fromEntries(
    hostNames(plan).map((name) => [name, namespaceHost(plan, name)]),
  ) as unknown as Lab['hosts'];
  const agent = (bundle: string): string[] => [
    process.execPath,
    join(dirname(process.argv[1] ?? ''), bundle),
  ];
  const router = Router.start(plan, hosts.firewall, agent, WORK_DIRECTORY);
  const wired = { firewall: hosts.firewall, router };
  const administer: RunScript = (script) => run(['sh'], { input: script });
  const lab: Lab = {
    plan,
    standings: null,
    hosts,
    workDirectory: WORK_DIRECTORY,
    kernel: release(),
    router,
    agent,
    wire: async () => {
      // All hosts of a sandbox see the same files.
      Object.assign(
        lab,
        await wire(plan, wired, { administer, mount: administer, directory: WORK_DIRECTORY }),
      );
    },
    change: (change: FirewallChange) => changeFirewall(change, hosts.firewall, administer),
  };
  return lab;
}

/** The sandbox itself as a host that rules can be checked on: it has a firewall's interfaces, and they go nowhere. */
export async function scratchHost(): Promise<Pick<Host, 'exec'>> {
  const link = ['ip', 'link', 'add', 'inside', 'type', 'veth', 'peer', 'name', 'outside'];
  await must('make interfaces', run(link));
  return { exec: run };
}

function namespaceHost(plan: Plan, name: HostName): Host {
  const tools = withTools(plan, name, WORK_DIRECTORY);
  // nsenter replaces itself by the program, so pid, signals and exit code are the program's own;
  // `ip netns exec` would remount /sys each time.
  const enter = (argv: readonly string[]): string[] => [
    ...['nsenter', `--net=/run/netns/${name}`],
    ...tools,
    ...argv,
  ];
  return {
    exec: (argv, options) => run(enter(argv), options),
    spawn: (label, argv) => start(label, enter(argv)),
    // All hosts of a sandbox see the same files.
    read: (path, from = 0) =>
      Promise.resolve().then(() => {
        try {
          return readFrom(path, from);
        } catch (error) {
          throw new LabFailure(`can't read ${path}: ${String(error)}`);
        }
      }),
  };
}

function readFrom(path: string, from: number): Buffer {
  const descriptor = openSync(path, 'r');
  try {
    // As large as what is there: small files need no megabytes. A file below /proc has no size.
    const size = fstatSync(descriptor).size;
    const buffer = Buffer.allocUnsafe(size === 0 ? PROC_READ : Math.max(0, Math.min(size - from, MAX_READ)));
    let filled = 0;
    while (filled < buffer.length) {
      const read = readSync(descriptor, buffer, filled, buffer.length - filled, from + filled);
      if (read === 0) break;
      filled += read;
    }
    return buffer.subarray(0, filled);
  } finally {
    closeSync(descriptor);
  }
}
