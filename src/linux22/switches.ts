import { distance } from 'fastest-levenshtein';
import type { Kernel22 } from '../firewall/kinds';
import { INTERFACES } from './kernel-rule';

type Folder = 'all' | 'default' | (typeof INTERFACES)[number];

/** How a file of /proc/sys/net/ipv4 is kept. */
interface File {
  readonly values: readonly number[];
  /** there since 2.2.19 only; 2.2.14 has it not */
  readonly late?: true;
  readonly readOnly?: true;
  /** both included */
  readonly allowed?: readonly [low: number, high: number];
}

const at = (...values: number[]): File => ({ values });

/**
 * The files and their values as shipped (sysctl_net_ipv4.c, ipv4_table; route.c, ipv4_route_table), where multicast and
 * SYN cookies are compiled in. Times are in the seconds that the files show.
 */
const FILES: Readonly<Record<string, File>> = {
  ip_default_ttl: at(64),
  ip_autoconfig: at(0),
  ip_no_pmtu_disc: at(0),
  ip_dynaddr: at(0),
  ip_always_defrag: at(0),
  ip_masq_debug: at(0),
  ip_masq_udp_dloose: { values: [0], late: true },
  ip_local_port_range: { values: [1024, 4999], allowed: [1, 65_535] },
  ipfrag_high_thresh: at(256 * 1024),
  ipfrag_low_thresh: at(192 * 1024),
  ipfrag_time: at(30),
  icmp_echo_ignore_all: at(0),
  icmp_echo_ignore_broadcasts: at(0),
  icmp_ignore_bogus_error_responses: at(0),
  icmp_destunreach_rate: at(100),
  icmp_timeexceed_rate: at(100),
  icmp_paramprob_rate: at(100),
  icmp_echoreply_rate: at(0),
  igmp_max_memberships: at(20),
  tcp_timestamps: at(1),
  tcp_window_scaling: at(1),
  tcp_sack: at(1),
  tcp_retrans_collapse: at(1),
  tcp_syn_retries: at(10),
  tcp_max_ka_probes: at(5),
  tcp_keepalive_time: at(7200),
  tcp_keepalive_probes: at(9),
  tcp_retries1: { values: [7], allowed: [-(2 ** 31), 255] },
  tcp_retries2: at(15),
  tcp_fin_timeout: at(180),
  tcp_syncookies: at(0),
  tcp_stdurg: at(0),
  tcp_rfc1337: at(0),
  tcp_max_syn_backlog: at(128),
  'route/flush': at(0),
  'route/min_delay': at(2),
  'route/max_delay': at(10),
  'route/gc_thresh': at(256),
  'route/max_size': at(4096),
  'route/gc_min_interval': at(5),
  'route/gc_timeout': at(300),
  'route/gc_interval': at(60),
  'route/gc_elasticity': at(8),
  'route/redirect_load': at(2),
  'route/redirect_number': at(9),
  'route/redirect_silence': at(2048),
  'route/error_cost': at(100),
  'route/error_burst': at(500),
  'route/mtu_expires': at(600),
};

/** What each folder of conf has (devinet.c, devinet_sysctl), as shipped: for all, and for each interface. */
const CONF: Readonly<Record<string, { all: number; each: number; late?: true; readOnly?: true }>> = {
  forwarding: { all: 0, each: 0 },
  mc_forwarding: { all: 0, each: 0, readOnly: true },
  accept_redirects: { all: 1, each: 1 },
  secure_redirects: { all: 1, each: 1 },
  shared_media: { all: 1, each: 1 },
  rp_filter: { all: 0, each: 0 },
  send_redirects: { all: 1, each: 1 },
  accept_source_route: { all: 0, each: 1 },
  proxy_arp: { all: 0, each: 0 },
  bootp_relay: { all: 0, each: 0 },
  log_martians: { all: 0, each: 0 },
  hidden: { all: 0, each: 0 },
  arp_filter: { all: 0, each: 0, late: true },
};

/** One and the same number in the kernel (sysctl_net_ipv4.c: both show ipv4_devconf.forwarding). */
const FORWARD = 'ip_forward';
const FORWARDING = 'conf/all/forwarding';
const DEFRAG = 'ip_always_defrag';

/**
 * What does something here. All other files keep what is written to them and do nothing; those in conf/X are meant for
 * X each interface, and `all`.
 */
export const WORKING_SWITCHES: readonly string[] = [
  FORWARD,
  DEFRAG,
  'ip_masq_udp_dloose',
  'ip_masq_debug',
  'icmp_echo_ignore_all',
  'conf/X/forwarding',
  'conf/X/rp_filter',
  'conf/X/send_redirects',
  'conf/X/log_martians',
];

/** The files of /proc/sys/net/ipv4 (sysctl_net_ipv4.c, devinet.c). Paths are relative to there. */
export class Switches {
  readonly #files = new Map<string, File>();
  readonly #values = new Map<string, number[]>();
  readonly #raised: () => number;
  /** what each packet asks, found when a switch is set */
  readonly #perPacket = new Map<Folder, { readonly forwards: boolean; readonly checksSource: boolean }>();

  /** @param raised by how much entries and rules with REDIRECT have raised ip_always_defrag now */
  constructor(kernel: Kernel22, raised: () => number) {
    this.#raised = raised;
    const add = (path: string, file: File): void => {
      if (file.late && kernel === '2.2.14') return;
      this.#files.set(path, file);
      this.#values.set(path, [...file.values]);
    };
    add(FORWARD, at(0));
    for (const [path, file] of Object.entries(FILES)) add(path, file);
    const folders: readonly Folder[] = ['all', 'default', ...INTERFACES];
    for (const folder of folders) {
      for (const [name, { all, each, ...rest }] of Object.entries(CONF))
        add(`conf/${folder}/${name}`, { values: [folder === 'all' ? all : each], ...rest });
    }
    // The same array, so that they cannot differ.
    this.#values.set(FORWARD, this.#values.get(FORWARDING) ?? []);
    this.#find();
  }

  #find(): void {
    for (const folder of INTERFACES) {
      this.#perPacket.set(folder, {
        forwards: this.number(`conf/${folder}/forwarding`) !== 0,
        checksSource: this.both('rp_filter', folder),
      });
    }
  }

  /** Whether what comes in there is sent on when it is for others (linux/inetdevice.h, IN_DEV_FORWARD). */
  forwardsFrom(folder: Folder): boolean {
    return this.#perPacket.get(folder)?.forwards ?? false;
  }

  /** Whether what comes in there must come from where its sender is (linux/inetdevice.h, IN_DEV_RPFILTER). */
  checksSourceOf(folder: Folder): boolean {
    return this.#perPacket.get(folder)?.checksSource ?? false;
  }

  /** Every file and what it prints, without the line end; two numbers have a tab between them (sysctl.c, do_proc_dointvec). */
  all(): ReadonlyMap<string, string> {
    return new Map(
      [...this.#values].map(([path, values]) => [
        path,
        (path === DEFRAG ? [this.number(DEFRAG)] : values).join('\t'),
      ]),
    );
  }

  /** A file's first number; 0 where this kernel has no such file. */
  number(path: string): number {
    const [value = 0] = this.#values.get(path) ?? [];
    return path === DEFRAG ? value + this.#raised() : value;
  }

  /** Of two files of conf, `all` and an interface's: one is enough (linux/inetdevice.h, IN_DEV_LOG_MARTIANS and others). */
  either(name: string, folder: Folder): boolean {
    return this.number(`conf/all/${name}`) !== 0 || this.number(`conf/${folder}/${name}`) !== 0;
  }

  /** The same where both are needed. */
  both(name: string, folder: Folder): boolean {
    return this.number(`conf/all/${name}`) !== 0 && this.number(`conf/${folder}/${name}`) !== 0;
  }

  /**
   * Writes to a file. The kernel takes the numbers it needs, decimal, 0x… or octal after a 0, and lets go what follows
   * (sysctl.c, do_proc_dointvec).
   *
   * @returns null: done; or what is wrong, and what is allowed
   */
  set(path: string, text: string): string | null {
    const file = this.#files.get(path);
    const values = this.#values.get(path);
    if (!file || !values) return `No such file or directory; ${this.#advice(path)}`;
    if (file.readOnly) return 'Permission denied; it can only be read';
    const numbers = text.trim().split(/\s+/).slice(0, values.length).map(readNumber);
    if (numbers.length === 0 || numbers.includes(null)) {
      const needed = values.length === 1 ? 'a whole number' : `${values.length} whole numbers`;
      return `Invalid argument: found "${text.trim()}"; allowed: ${needed}, e.g. ${values.join(' ')}`;
    }
    const [low, high] = file.allowed ?? [-Infinity, Infinity];
    // The kernel lets such numbers go, and says nothing.
    if (numbers.some((number) => number !== null && (number < low || number > high)))
      return `Invalid argument: found "${text.trim()}"; allowed: ${low < 0 ? `up to ${high}` : `${low} to ${high}`}`;
    const before = this.number(path);
    numbers.forEach((number, index) => {
      values[index] = (number ?? 0) - (path === DEFRAG ? this.#raised() : 0);
    });
    if ((path === FORWARD || path === FORWARDING) && this.number(path) !== before) this.#forwardChanged();
    this.#find();
    return null;
  }

  /** devinet.c, inet_forward_change: the switch for all is not asked by packets, but sets each interface's. */
  #forwardChanged(): void {
    const on = this.number(FORWARD);
    this.#values.set('conf/all/accept_redirects', [on === 0 ? 1 : 0]);
    for (const folder of ['default', ...INTERFACES]) this.#values.set(`conf/${folder}/forwarding`, [on]);
  }

  #advice(path: string): string {
    const near = [...this.#files.keys()].filter((known) => distance(known, path) <= 2);
    const meant = near.length > 0 ? `did you mean ${near.join(' or ')}? ` : '';
    const names = WORKING_SWITCHES.filter((name) => name.includes('X') || this.#files.has(name));
    return `${meant}those that do something here: ${names.join(', ')}, X one of all, ${INTERFACES.join(', ')}`;
  }
}

/** null: it is none. More than 32 bits are cut off, as in C. */
function readNumber(text: string): number | null {
  const [, sign = '', digits = ''] = /^(-?)(0x[\da-f]+|\d+)$/i.exec(text) ?? [];
  if (digits === '' || digits.length > 18) return null;
  if (/^0\d/.test(digits) && !/^[0-7]+$/.test(digits)) return null;
  const number = /^0\d/.test(digits) ? parseInt(digits, 8) : Number(digits);
  return (sign === '-' ? -number : number) | 0;
}
