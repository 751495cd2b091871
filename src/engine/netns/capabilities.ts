import { accessSync, constants, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { EngineName } from '../../plan/plan';
import { MissingCapability, type Capability } from '../host';
import { KERNEL_PROBES, type Probe } from '../probes';
import { run } from '../process';
import { sandboxCommand } from './sandbox';

/** Programs the engine runs, and the Debian packages they are in. */
const TOOLS: Readonly<Record<string, string>> = {
  setpriv: 'util-linux',
  unshare: 'util-linux',
  nsenter: 'util-linux',
  mount: 'mount',
  ip: 'iproute2',
  ss: 'iproute2',
  nft: 'nftables',
  'iptables-restore': 'iptables',
  'iptables-save': 'iptables',
  conntrack: 'conntrack',
  tcpdump: 'tcpdump',
  ethtool: 'ethtool',
};

/** Tools of other engines that use sandboxes too, and their packages. */
const OTHER_TOOLS: Readonly<Record<string, string>> = {
  modprobe: 'kmod',
  rmmod: 'kmod',
  stty: 'coreutils',
  taskset: 'util-linux',
};

const NAMESPACES = 'kernel options CONFIG_NET_NS, CONFIG_PID_NS, CONFIG_USER_NS';
const PROBES: readonly Probe[] = [
  { name: 'sandbox', needs: ['setpriv', 'unshare', 'mount'], script: 'true', remedy: NAMESPACES },
  {
    name: 'network namespaces and veth pairs',
    needs: ['ip'],
    script: 'ip netns add a && ip link add x type veth peer name y netns a',
    remedy: 'kernel options CONFIG_NET_NS and CONFIG_VETH (sudo modprobe veth)',
  },
  {
    name: 'routing',
    needs: [],
    script: 'echo 1 > /proc/sys/net/ipv4/ip_forward',
    remedy: '/proc/sys must be writable in a network namespace of one’s own',
  },
  {
    name: 'offloads can be turned off',
    needs: ['ip', 'ethtool'],
    script: 'ip link add x type veth peer name y && ethtool -K x tx off tso off gso off gro off',
    remedy: 'install ethtool (sudo apt-get install ethtool)',
  },
  ...KERNEL_PROBES,
];

/** A tool's place in PATH, or null. */
function findTool(name: string): string | null {
  for (const directory of (process.env['PATH'] ?? '').split(delimiter)) {
    try {
      accessSync(join(directory, name), constants.X_OK);
      return join(directory, name);
    } catch {
      // Not here; the next directory may have it.
    }
  }
  return null;
}

/**
 * Makes sure the tools of a run are there. Cheap enough for every run.
 *
 * @param engine whose runs they are
 * @param more tools that this engine needs beside those of all sandboxes
 *
 * @throws MissingCapability naming all that are not
 */
export function requireTools(engine: EngineName, more: readonly string[] = []): void {
  if (process.platform !== 'linux') {
    throw new MissingCapability(
      `the ${engine} engine needs Linux; this is ${process.platform}`,
      'run the lab on Debian or Ubuntu, or in a virtual machine with one of them',
    );
  }
  const missing = [...Object.keys(TOOLS), ...more].filter((tool) => findTool(tool) === null);
  if (missing.length === 0) return;
  throw new MissingCapability(`not installed: ${missing.join(', ')}`, installLine(missing));
}

/** Tries every capability of the engine in scratch sandboxes. Nothing outside them changes. */
export async function probeCapabilities(): Promise<Capability[]> {
  if (process.platform !== 'linux') {
    return [
      { name: 'Linux', works: false, why: `this is ${process.platform}`, remedy: 'run the lab on Linux' },
    ];
  }
  const tools = Object.keys(TOOLS).map(toolCapability);
  const node = Number(process.versions.node.split('.')[0]) >= 20;
  const version: Capability = {
    name: 'Node.js 20 or newer',
    works: node,
    why: `v${process.versions.node}`,
    remedy: node ? '' : 'install Node.js 20 or newer',
  };
  const namespaces = await probeUserNamespaces();
  if (!namespaces.works) return [version, ...tools, namespaces];
  return [version, ...tools, namespaces, ...(await Promise.all(PROBES.map(tryProbe)))];
}

/** Whether a tool is there. */
export function toolCapability(tool: string): Capability {
  const place = findTool(tool);
  return {
    name: tool,
    works: place !== null,
    why: place ?? 'not in PATH',
    remedy: place === null ? installLine([tool]) : '',
  };
}

/** What stands in the way of a sandbox that did not start; null when it starts. */
export async function whatIsMissing(): Promise<Capability | null> {
  const capabilities = await probeCapabilities();
  return capabilities.find(({ works }) => !works) ?? null;
}

async function tryProbe({ name, needs, script, remedy }: Probe): Promise<Capability> {
  const absent = needs.filter((tool) => findTool(tool) === null);
  if (absent.length > 0) {
    return { name, works: false, why: `not tried: needs ${absent.join(', ')}`, remedy: installLine(absent) };
  }
  const argv = sandboxCommand(['sh', '-c', script]);
  const { code, stderr } = await run(argv).catch((error: unknown) => ({ code: 127, stderr: String(error) }));
  const works = code === 0;
  const said = stderr.trim().split('\n')[0] ?? '';
  return { name, works, why: works ? 'works' : `failed: ${said}`, remedy: works ? '' : remedy };
}

/** A process without root needs a user namespace first; three settings may forbid it. */
async function probeUserNamespaces(): Promise<Capability> {
  const name = 'user namespaces without root';
  if (process.getuid?.() === 0) return { name, works: true, why: 'not needed: running as root', remedy: '' };
  const { code, stderr } = await run(['unshare', '--user', '--map-root-user', '--net', 'true']).catch(
    (error: unknown) => ({
      code: 127,
      stderr: String(error),
    }),
  );
  if (code === 0) return { name, works: true, why: 'works', remedy: '' };
  const forbidden = RESTRICTIONS.find(({ file, forbids }) => readSetting(file) === forbids);
  return {
    name,
    works: false,
    why: forbidden?.why ?? stderr.trim(),
    remedy:
      forbidden?.remedy ??
      'run the lab as root, or in a container that allows user namespaces (--security-opt seccomp=unconfined)',
  };
}

const RESTRICTIONS = [
  {
    file: '/proc/sys/kernel/apparmor_restrict_unprivileged_userns',
    forbids: '1',
    why: 'AppArmor restricts unprivileged user namespaces (Ubuntu 23.10 and newer)',
    remedy: 'sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0, or run the lab as root',
  },
  {
    file: '/proc/sys/kernel/unprivileged_userns_clone',
    forbids: '0',
    why: 'the kernel forbids unprivileged user namespaces (Debian’s switch)',
    remedy: 'sudo sysctl -w kernel.unprivileged_userns_clone=1, or run the lab as root',
  },
  {
    file: '/proc/sys/user/max_user_namespaces',
    forbids: '0',
    why: 'no user namespaces are allowed (user.max_user_namespaces is 0)',
    remedy: 'sudo sysctl -w user.max_user_namespaces=15000, or run the lab as root',
  },
] as const;

function readSetting(file: string): string | null {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return null;
  }
}

function installLine(tools: readonly string[]): string {
  const packages = [...new Set(tools.map((tool) => TOOLS[tool] ?? OTHER_TOOLS[tool] ?? tool))];
  return `sudo apt-get install -y ${packages.join(' ')} (or: npm run setup)`;
}
