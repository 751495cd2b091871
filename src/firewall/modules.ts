import type { FirewallKind, HelperAttachment, Kernel22 } from './kinds';

/**
 * What is known of each module. Kernel: the generation it belongs to, null for any. Ports: how many
 * `ports=` takes, 0 for a module that does nothing to FTP and takes no options here.
 *
 * MAX_PORTS of ip_conntrack_ftp.h (Linux 2.4) and MAX_MASQ_APP_PORTS of ip_masq.h (Linux 2.2).
 */
const KNOWN = {
  ip_conntrack_ftp: { kernel: '2.4', ports: 8 },
  ip_nat_ftp: { kernel: '2.4', ports: 8 },
  ip_masq_ftp: { kernel: '2.2', ports: 12 },
  ip_conntrack: { kernel: '2.4', ports: 0 },
  iptable_nat: { kernel: '2.4', ports: 0 },
  ip_tables: { kernel: '2.4', ports: 0 },
  ip_masq_portfw: { kernel: '2.2', ports: 0 },
  parport_pc: { kernel: null, ports: 0 },
  lp: { kernel: null, ports: 0 },
} as const;

/**
 * Kernel modules by the names their generation used, as the scenario's `modules:` lists them.
 *
 * Today's kernel no longer attaches a helper because a module is loaded (off by default since 4.7,
 * gone in 6.0). A module here means: attach the helper to its ports.
 */
export const MODULES: readonly ModuleName[] = Object.keys(KNOWN) as ModuleName[];
export type ModuleName = keyof typeof KNOWN;

/** What modules of Linux 2.4 are called today, by today’s names. */
const TODAY: Readonly<Record<string, ModuleName>> = {
  nf_conntrack_ftp: 'ip_conntrack_ftp',
  nf_nat_ftp: 'ip_nat_ftp',
  nf_conntrack: 'ip_conntrack',
  nf_nat: 'iptable_nat',
};

export interface LoadedModule {
  readonly name: ModuleName;
  /** TCP ports of FTP servers; empty for a module that does nothing to FTP */
  readonly ports: readonly number[];
  /** ip_masq_ftp: forwarded ports of servers behind the firewall (from Linux 2.2.19) */
  readonly inPorts?: readonly number[];
}

/**
 * Reads `name` or `name ports=21,2121`, as after `modprobe`.
 *
 * @throws an Error that says what is allowed
 */
export function parseModule(text: string): LoadedModule {
  const [name = '', ...options] = text.trim().split(/\s+/);
  const known =
    MODULES.find((module) => module === name) ?? (Object.hasOwn(TODAY, name) ? TODAY[name] : undefined);
  if (known === undefined) throw new Error(`unknown module "${name}"; known: ${MODULES.join(', ')}`);
  const most = KNOWN[known].ports;
  let ports = most > 0 ? [21] : [];
  let inPorts: number[] | undefined;
  for (const option of options) {
    if (most === 0) throw new Error(`unknown option "${option}"; ${known} takes none here`);
    const inbound = option.startsWith('in_ports=');
    if (inbound && known !== 'ip_masq_ftp') {
      throw new Error(
        `in_ports= is an option of ip_masq_ftp (from Linux 2.2.19); ${known} knows: ports=21,2121`,
      );
    }
    if (inbound) inPorts = portsOption(option, most);
    else ports = portsOption(option, most);
  }
  return inPorts ? { name: known, ports, inPorts } : { name: known, ports };
}

function portsOption(option: string, most: number): number[] {
  const list = /^(?:in_)?ports=(\d+(?:,\d+)*)$/.exec(option)?.[1];
  if (list === undefined) throw new Error(`unknown option "${option}"; known: ports=21,2121`);
  const ports = list.split(',').map(Number);
  const bad = ports.find((port) => port < 1 || port > 65535);
  if (bad !== undefined) throw new Error(`port ${bad} is out of range; allowed: 1 to 65535`);
  if (ports.length > most) throw new Error(`${ports.length} ports; allowed: up to ${most}`);
  return ports;
}

/**
 * The FTP helper that the modules amount to.
 *
 * ip_masq_ftp acts on what the inside opens alone: it is an editor of masqueraded connections
 * (ip_masq_app.c, Linux 2.2). ip_conntrack_ftp acts on anybody's.
 *
 * @param attach by rule, or by the loading of the module, as up to Linux 4.6
 *
 * @throws an Error when the combination cannot be had
 */
export function helperOf(
  modules: readonly LoadedModule[],
  nat: boolean,
  attach: HelperAttachment['attach'],
): HelperAttachment {
  refuseTwoKernels(modules);
  refuseOtherPorts(modules);
  const masquerading = modules.find(({ name }) => name === 'ip_masq_ftp');
  const tracking = modules.find(({ name }) => name === 'ip_conntrack_ftp');
  const rewriting = modules.find(({ name }) => name === 'ip_nat_ftp');
  if (masquerading && !nat) {
    throw new Error('ip_masq_ftp works on masqueraded connections; without NAT there are none');
  }
  if (rewriting && !tracking) {
    throw new Error('ip_nat_ftp needs ip_conntrack_ftp; list both');
  }
  if (tracking && nat && !rewriting) {
    throw new Error(
      'with NAT, today’s kernel rewrites wherever it tracks; list ip_nat_ftp beside ip_conntrack_ftp',
    );
  }
  if (masquerading) {
    const { ports, inPorts } = masquerading;
    return { ports, openedBy: 'inside', ...(inPorts && { inPorts }), attach };
  }
  return { ports: tracking?.ports ?? [], openedBy: 'anybody', attach };
}

/**
 * Ports that a list of ip_masq_ftp's may have. One of the twelve places has been taken by marks since (ip_masq_ftp.c,
 * MAX_MASQ_APP_PORTS and MAX_MASQ_FTP_PORTS_MODPARM).
 */
export const MASQ_FTP_PORTS: Readonly<Record<Kernel22, number>> = { '2.2.14': 12, '2.2.19': 11 };

/**
 * Modules belong to a kernel: those of Linux 2.2 to ipchains, all others to the kernels after it.
 *
 * @throws an Error that names the module and where it belongs
 */
export function refuseForeignModules(
  modules: readonly LoadedModule[],
  { kind, kernel }: { readonly kind: FirewallKind; readonly kernel: Kernel22 },
): void {
  for (const { name, ports, inPorts } of modules) {
    const belongs = KNOWN[name].kernel;
    if (kind === 'ipchains' && belongs === '2.4')
      throw new Error(`${name} is a module of Linux 2.4; ipchains has ip_masq_ftp`);
    if (kind !== 'ipchains' && belongs === '2.2')
      throw new Error(
        `${name} is a module of Linux 2.2, kind: ipchains; ${kind} has ip_conntrack_ftp, ip_nat_ftp`,
      );
    const most = MASQ_FTP_PORTS[kernel];
    for (const { length } of kind === 'ipchains' ? [ports, inPorts ?? []] : []) {
      if (length > most) throw new Error(`${length} ports; ${name} of Linux ${kernel} takes up to ${most}`);
    }
    if (inPorts && kernel !== '2.2.19')
      throw new Error(`in_ports= came with Linux 2.2.19; add kernel: 2.2.19, or leave it out`);
  }
}

function refuseTwoKernels(modules: readonly LoadedModule[]): void {
  const of = (kernel: '2.2' | '2.4') => modules.find(({ name }) => KNOWN[name].kernel === kernel)?.name;
  const [older, newer] = [of('2.2'), of('2.4')];
  if (older !== undefined && newer !== undefined) {
    throw new Error(`${older} belongs to Linux 2.2 and ${newer} to 2.4; list modules of one kernel`);
  }
}

/** A second modprobe changes nothing: the kernel keeps the ports a module was loaded with. */
function refuseOtherPorts(modules: readonly LoadedModule[]): void {
  for (const { name, ports } of modules) {
    const first = modules.find((module) => module.name === name)?.ports ?? [];
    if (first.join() === ports.join()) continue;
    throw new Error(
      `${name} is loaded already, with ports=${first.join()}; ports=${ports.join()} has no effect`,
    );
  }
}
