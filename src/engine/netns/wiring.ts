import { HOST_NAMES, type HostName, type Plan } from '../../plan/plan';

/** Commands for `ip -batch` that make the namespaces and the links between them. */
export function namespaceBatch(plan: Plan): string {
  return lines([
    ...HOST_NAMES.map((name) => `netns add ${name}`),
    ...plan.links.map(
      ({ a, b }) =>
        `link add ${a.interface} netns ${a.host} type veth peer name ${b.interface} netns ${b.host}`,
    ),
  ]);
}

/**
 * The shell script that addresses all hosts. One shell, because starting a process costs Node more
 * than it costs a shell. Ends with the name of the host that could not be wired.
 */
export function wiringScript(plan: Plan): string {
  return lines(
    HOST_NAMES.flatMap((name) => [
      `nsenter --net=/run/netns/${name} sh <<'HOST' || { echo "in the ${name} host" >&2; exit 1; }`,
      hostScript(plan, name) + 'HOST',
    ]),
  );
}

/**
 * The commands that address one host, inside its namespace.
 *
 * Offloads go first: with them a capture shows 64 KiB segments and checksums no one computed.
 * Routes go last, they need their link up.
 */
function hostScript(plan: Plan, name: HostName): string {
  const host = plan.hosts[name];
  return lines([
    'set -e',
    ...Object.entries(host.sysctls)
      .filter(([path]) => !path.startsWith(CONNTRACK_SYSCTLS))
      .map(([path, value]) => setSysctl(path, value)),
    ...host.interfaces.map(
      ({ name: link }) => `ethtool -K ${link} tx off tso off gso off gro off > /dev/null`,
    ),
    'ip -batch - <<END',
    'link set lo up',
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

/** Commands for the settings that must wait until the ruleset is loaded; null when there are none. */
export function conntrackScript(plan: Plan): string | null {
  const settings = Object.entries(plan.hosts.firewall.sysctls).filter(([path]) =>
    path.startsWith(CONNTRACK_SYSCTLS),
  );
  return settings.length === 0
    ? null
    : lines(['set -e', ...settings.map(([path, value]) => setSysctl(path, value))]);
}

/** IPv6 is turned off where there is any; a kernel without it needs no telling. */
function setSysctl(path: string, value: string): string {
  const set = `echo ${value} > /proc/sys/${path}`;
  return path.startsWith('net/ipv6/') ? `test ! -e /proc/sys/${path} || ${set}` : set;
}
