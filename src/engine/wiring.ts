import { hostNames, type FirewallChange, type HostName, type Plan } from '../plan/plan';
import { LabFailure, type FirewallRouter, type Host, type Lab, type RunScript } from './host';
import { must } from './process';
import { loadRuleset } from './ruleset';

/** Commands for `ip -batch` that make the namespaces of all hosts. */
export function namespaceBatch(plan: Plan): string {
  return lines(hostNames(plan).map((name) => `netns add ${name}`));
}

/**
 * Commands for `ip -batch` that make the links between the hosts, straight into their namespaces. A
 * bridge that snoops would send multicast reports of its own, which are no part of any experiment.
 */
export function linkBatch(plan: Plan): string {
  return lines([
    ...plan.bridges.map(({ name }) => `link add ${name} netns firewall type bridge mcast_snooping 0`),
    ...plan.links.map(
      ({ a, b }) =>
        `link add ${a.interface} netns ${a.host} type veth peer name ${b.interface} netns ${b.host}`,
    ),
  ]);
}

/**
 * Wires the hosts of a plan, which have their links, and loads its ruleset.
 *
 * @param administer where /run/netns has every host's network namespace, with the right to change them
 * @param mount with the right to mount in the files of the firewall's host
 * @param directory of the firewall's host, for files its tools need
 * @param prepare what the wiring script has to do before
 * @returns the plan, with the firewall as a start script made it, and where its rows stand
 *
 * @throws RefusedRows when rows of the author's are refused, LabFailure for everything else
 */
export async function wire(
  plan: Plan,
  { firewall, router }: { readonly firewall: Host; readonly router: FirewallRouter | null },
  {
    administer,
    mount,
    directory,
    prepare = '',
  }: {
    readonly administer: RunScript;
    readonly mount: RunScript;
    readonly directory: string;
    readonly prepare?: string;
  },
): Promise<Pick<Lab, 'plan' | 'standings'>> {
  const wired = must('wire the hosts', administer(prepare + wiringScript(plan)));
  // A router listens on interfaces, which must be up.
  if (router) {
    const loaded = await wired.then(() => router.load(firewall, mount));
    return { plan: { ...plan, firewall: loaded }, standings: null };
  }
  const [standings] = await Promise.all([loadRuleset(plan, firewall, directory), wired]);
  const settings = conntrackScript(plan);
  if (settings !== null) await must("set the firewall's timeouts", administer(settings));
  return { plan, standings };
}

/**
 * The shell script that addresses all hosts. One shell, because starting a process costs Node more
 * than it costs a shell. Ends with the name of the host that could not be wired.
 */
function wiringScript(plan: Plan): string {
  return lines(hostNames(plan).map((name) => inNamespace(name, hostScript(plan, name))));
}

/**
 * Changes settings of the running firewall.
 *
 * @param administer as for `wire`
 * @returns when it was done, by the hosts' clock
 * @throws LabFailure when it is refused
 */
export async function changeFirewall(
  { sysctls, argv }: FirewallChange,
  firewall: Host,
  administer: RunScript,
): Promise<number> {
  const time = 'date +%s.%N';
  const settings = Object.entries(sysctls).map(([path, value]) => setSysctl(path, value));
  const { code, stdout, stderr } =
    argv === null
      ? await administer(inNamespace('firewall', lines(['set -e', ...settings, time])))
      : await firewall.exec(['sh', '-c', `"$@" >&2 && ${time}`, 'sh', ...argv]);
  if (code !== 0) throw new LabFailure(`can't change the firewall's timeouts: ${stderr.trim()}`);
  return Number(stdout.toString('utf8').trim());
}

function inNamespace(name: HostName, script: string): string {
  return `nsenter --net=/run/netns/${name} sh <<'HOST' || { echo "in the ${name} host" >&2; exit 1; }\n${script}HOST`;
}

/**
 * The commands that address one host, inside its namespace.
 *
 * Offloads go first: with them a capture shows 64 KiB segments and checksums no one computed.
 * Routes go last, they need their link up.
 */
function hostScript(plan: Plan, name: HostName): string {
  const host = plan.hosts[name];
  if (!host) return '';
  const bridges = name === 'firewall' ? plan.bridges : [];
  const ports = bridges.flatMap((bridge) => bridge.ports.map((port) => ({ port, bridge: bridge.name })));
  const links = [...host.interfaces.map((link) => link.name), ...ports.map(({ port }) => port)];
  return lines([
    'set -e',
    ...Object.entries(host.sysctls)
      .filter(([path]) => !path.startsWith(CONNTRACK_SYSCTLS))
      .map(([path, value]) => setSysctl(path, value)),
    ...links.map((link) => `ethtool -K ${link} tx off tso off gso off gro off > /dev/null`),
    'ip -batch - <<END',
    'link set lo up',
    ...ports.map(({ port, bridge }) => `link set ${port} master ${bridge} up`),
    ...host.interfaces.flatMap(({ name: link, address }) => [
      `address add ${address}/24 dev ${link}`,
      `link set ${link} up`,
    ]),
    ...host.routes.map(({ network, via }) => `route add ${network} via ${via}`),
    'END',
  ]);
}

function lines(text: readonly string[]): string {
  return `${text.join('\n')}\n`;
}

/** Settings of connection tracking appear only once a rule has called for it. */
const CONNTRACK_SYSCTLS = 'net/netfilter/';

/** The script for the settings that must wait until the ruleset is loaded; null when there are none. */
function conntrackScript(plan: Plan): string | null {
  const settings = Object.entries(plan.hosts.firewall.sysctls).filter(([path]) =>
    path.startsWith(CONNTRACK_SYSCTLS),
  );
  if (settings.length === 0) return null;
  return inNamespace(
    'firewall',
    lines(['set -e', ...settings.map(([path, value]) => setSysctl(path, value))]),
  );
}

/** IPv6 and filtering in bridges are turned off where there is any; a kernel without needs no telling. */
function setSysctl(path: string, value: string): string {
  const set = `echo ${value} > /proc/sys/${path}`;
  return /^net\/(?:ipv6|bridge)\//.test(path) ? `test ! -e /proc/sys/${path} || ${set}` : set;
}
