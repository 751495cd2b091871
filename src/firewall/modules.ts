/**
 * Kernel modules by the names their generation used, as the scenario's `modules:` lists them.
 *
 * Today's kernel no longer attaches a helper because a module is loaded (off by default since 4.7,
 * gone in 6.0). A module here means: attach the helper by rule to its ports.
 */
export const MODULES = ['ip_conntrack_ftp', 'ip_nat_ftp'] as const;
export type ModuleName = (typeof MODULES)[number];

export interface LoadedModule {
  readonly name: ModuleName;
  readonly ports: readonly number[];
}

/** ip_conntrack_ftp took up to 8 ports (MAX_PORTS in ip_conntrack_ftp.h, Linux 2.4). */
const MAX_PORTS = 8;

/**
 * Reads `name` or `name ports=21,2121`, as after `modprobe`.
 *
 * @throws an Error that says what is allowed
 */
export function parseModule(text: string): LoadedModule {
  const [name = '', ...options] = text.trim().split(/\s+/);
  const known = MODULES.find((module) => module === name);
  if (!known) throw new Error(`unknown module "${name}"; known: ${MODULES.join(', ')}`);
  let ports = [21];
  for (const option of options) {
    const list = /^ports=(\d+(?:,\d+)*)$/.exec(option)?.[1];
    if (list === undefined) throw new Error(`unknown option "${option}"; known: ports=21,2121`);
    ports = list.split(',').map(Number);
    const bad = ports.find((port) => port < 1 || port > 65535);
    if (bad !== undefined) throw new Error(`port ${bad} is out of range; allowed: 1 to 65535`);
    if (ports.length > MAX_PORTS) throw new Error(`${ports.length} ports; allowed: up to 8`);
  }
  return { name: known, ports };
}

/**
 * The ports whose control connections get the FTP helper.
 *
 * @throws when the combination cannot be had on today's kernel
 */
export function helperPorts(modules: readonly LoadedModule[], nat: boolean): readonly number[] {
  const tracking = modules.find((module) => module.name === 'ip_conntrack_ftp');
  const rewriting = modules.find((module) => module.name === 'ip_nat_ftp');
  if (rewriting && !tracking) {
    throw new Error('ip_nat_ftp needs ip_conntrack_ftp; list both');
  }
  if (tracking && nat && !rewriting) {
    throw new Error(
      'with NAT, today’s kernel rewrites wherever it tracks; list ip_nat_ftp beside ip_conntrack_ftp',
    );
  }
  return tracking?.ports ?? [];
}
