import { changesFirewall, hostNames, isLinux22, type FirewallChange, type Plan } from '../../plan/plan';
import type { Host, Lab, RunScript } from '../host';
import { Router, withTools } from '../router';
import { changeFirewall, linkBatch, wire } from '../wiring';
import type { Containers, Role, RunningContainer } from './containers';
import { imageTag, type ImageName } from './images';
import type { DockerRuntime } from './runtime';

/** What each host's programs may do beyond what any user may. FTP programs need nothing. */
const CAPABILITIES: Readonly<Record<Role, readonly string[]>> = {
  client: [],
  server: [],
  // Packets of their own making.
  neighbour: ['NET_RAW'],
  prober: ['NET_RAW'],
  resolver: [],
  // nft, conntrack and tcpdump; the last two for tcpdump -Z root, which sets its groups all the same.
  firewall: ['NET_ADMIN', 'NET_RAW', 'SETUID', 'SETGID'],
  // What entering and changing the namespaces of other containers takes.
  wiring: ['SYS_ADMIN', 'NET_ADMIN', 'SYS_PTRACE', 'SYS_CHROOT'],
};

/** A start script gets a root of its own, and loses all capabilities. */
const START_SCRIPTS = ['SYS_CHROOT', 'SETPCAP'];

const WORK_DIRECTORY = '/run/lab';

/** The image each host of a plan runs on. */
export function imagesFor(plan: Plan): Readonly<Record<Role, ImageName>> {
  return {
    client: 'client',
    neighbour: 'client',
    prober: 'client',
    resolver: 'client',
    firewall: isLinux22(plan) ? 'firewall-2.2' : 'firewall',
    server: `server-${plan.server.program}` as ImageName,
    // It has the tools; what it does is nobody's but the lab's.
    wiring: 'firewall',
  };
}

/**
 * Starts a plan's hosts as containers without any network, side by side.
 *
 * @param containers takes down what was started, whether this succeeds or not
 *
 * @throws LabFailure when the engine refuses
 */
export async function startContainerHosts(
  runtime: DockerRuntime,
  containers: Containers,
  plan: Plan,
  project: string,
): Promise<Lab> {
  const images = imagesFor(plan);
  const order = (role: Role): Promise<RunningContainer> =>
    startContainer(containers, role, images[role], project);
  const [wiring, ...running] = await Promise.all([order('wiring'), ...hostNames(plan).map(order)]);
  const bare = Object.fromEntries(running.map(({ role, host }) => [role, host])) as unknown as Lab['hosts'];
  const hosts = { ...bare, firewall: toolHost(plan, bare.firewall) };
  const agent = (bundle: string): string[] => ['node', `/opt/lab/${bundle}`];
  const administer: RunScript = (script) => wiring.host.exec(['sh'], { input: script });
  const router = Router.start(plan, hosts.firewall, agent, WORK_DIRECTORY);
  const lab: Lab = {
    plan,
    standings: null,
    hosts,
    workDirectory: WORK_DIRECTORY,
    router,
    kernel: runtime.kernel,
    agent,
    wire: async () => {
      Object.assign(
        lab,
        await wireContainers(plan, { firewall: hosts.firewall, router }, administer, running),
      );
      // The session need not wait until it is gone.
      if (!changesFirewall(plan)) void wiring.stop();
    },
    change: (change: FirewallChange) => changeFirewall(change, hosts.firewall, administer),
  };
  return lab;
}

/** The firewall's host, with the tools of an old firewall in the PATH of whatever is run there. */
function toolHost(plan: Plan, host: Host): Host {
  const tools = withTools(plan, 'firewall', WORK_DIRECTORY);
  return {
    ...host,
    exec: (argv, options) => host.exec([...tools, ...argv], options),
    spawn: (label, argv) => host.spawn(label, [...tools, ...argv]),
  };
}

/** Starts one container of the lab, with what its role takes. */
export function startContainer(
  containers: Containers,
  role: Role,
  image: ImageName,
  project: string,
): Promise<RunningContainer> {
  const capabilities = [...CAPABILITIES[role], ...(image === 'firewall-2.2' ? START_SCRIPTS : [])];
  return containers.start({ role, image: imageTag(project, image), capabilities });
}

/**
 * Wires the containers by way of a short-lived one that sees all others' processes: links go straight
 * into their network namespaces. No bridge, no published port, no address pool: the engine's machine
 * does not notice, and any number of labs use the same addresses.
 */
async function wireContainers(
  plan: Plan,
  wired: { readonly firewall: Host; readonly router: Router | null },
  administer: RunScript,
  running: readonly RunningContainer[],
): Promise<Pick<Lab, 'plan' | 'standings'>> {
  const namespaces = running.map(({ role, pid }) => `ln -s /proc/${pid}/ns/net /run/netns/${role}`);
  // An ordinary user may serve port 21 in there; Docker allows it by itself, Podman does not.
  const ports = running.map(
    ({ role }) =>
      `nsenter --net=/run/netns/${role} sh -c 'echo 0 > /proc/sys/net/ipv4/ip_unprivileged_port_start'`,
  );
  const links = `ip -batch - <<LINKS\n${linkBatch(plan)}LINKS\n`;
  const prepare = ['set -e', 'mkdir -p /run/netns', ...namespaces, ...ports, links].join('\n');
  const pid = running.find(({ role }) => role === 'firewall')?.pid ?? 0;
  const mount: RunScript = (script) =>
    administer(`nsenter --mount=/proc/${pid}/ns/mnt sh <<'MOUNTS'\n${script}MOUNTS\n`);
  return wire(plan, wired, { administer, mount, prepare, directory: WORK_DIRECTORY });
}
