import { mkdirSync } from 'node:fs';
import { release } from 'node:os';
import { dirname, join } from 'node:path';
import { HOST_NAMES, type HostName, type Plan } from '../../plan/plan';
import { LabFailure, RefusedRows, type ExecResult, type Host, type Lab } from '../host';
import { run, start } from '../process';
import { conntrackScript, namespaceBatch, wiringScript } from './wiring';

/** Inside the sandbox /run is a tmpfs of its own; nothing of it outlives the run. */
const WORK_DIRECTORY = '/run/lab';

/**
 * Makes the namespaces of a plan. To be called inside the sandbox only: it changes the network it
 * runs in.
 *
 * @throws LabFailure when the kernel refuses
 */
export async function startHosts(plan: Plan): Promise<Lab> {
  mkdirSync(WORK_DIRECTORY, { recursive: true });
  await must('make the namespaces', run(['ip', '-batch', '-'], { input: namespaceBatch(plan) }));
  const hosts = Object.fromEntries(HOST_NAMES.map((name) => [name, namespaceHost(name)])) as Record<
    HostName,
    Host
  >;
  return {
    plan,
    hosts,
    workDirectory: WORK_DIRECTORY,
    kernel: release(),
    agent: (bundle) => [process.execPath, join(dirname(process.argv[1] ?? ''), bundle)],
    wire: () => wire(plan, hosts),
  };
}

function namespaceHost(name: HostName): Host {
  // nsenter replaces itself by the program, so pid, signals and exit code are the program's own;
  // `ip netns exec` would remount /sys each time.
  const enter = (argv: readonly string[]): string[] => ['nsenter', `--net=/run/netns/${name}`, ...argv];
  return {
    name,
    exec: (argv, options) => run(enter(argv), options),
    spawn: (label, argv) => start(label, enter(argv)),
  };
}

async function wire(plan: Plan, hosts: Readonly<Record<HostName, Host>>): Promise<void> {
  await Promise.all([
    must('wire the hosts', run(['sh'], { input: wiringScript(plan) })),
    loadRuleset(plan, hosts.firewall),
  ]);
  const settings = conntrackScript(plan);
  if (settings === null) return;
  await must("set the firewall's timeouts", hosts.firewall.exec(['sh'], { input: settings }));
}

/** Loads the ruleset with nft itself, and tells the author's mistakes from the lab's. */
async function loadRuleset(plan: Plan, firewall: Host): Promise<void> {
  const { ruleset } = plan.firewall;
  const { code, stderr } = await firewall.exec(['nft', '-f', '-'], { input: ruleset.text });
  if (code === 0) return;
  const refused = [...stderr.matchAll(/:(\d+):(\d+)-\d+: Error: ([^\n]+)/g)].flatMap(
    ([, line, column, message]) => {
      const row = ruleset.rowLines.find((candidate) => candidate.line === Number(line))?.row;
      // Four spaces stand before each row in the ruleset.
      return row === undefined ? [] : [{ row, message: message ?? '', column: Number(column) - 5 }];
    },
  );
  if (refused.length > 0) throw new RefusedRows(refused);
  throw new LabFailure(`nft can't load the ruleset: ${stderr.trim()}`);
}

async function must(what: string, running: Promise<ExecResult>): Promise<void> {
  const { code, stderr } = await running;
  if (code !== 0) throw new LabFailure(`can't ${what}: ${stderr.trim()}`);
}
