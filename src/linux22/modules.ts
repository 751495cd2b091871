import type { Kernel22 } from '../firewall/kinds';
import type { KernelProfile } from './kernels';
import { FTP_DEFAULTS, type FtpModule, type FtpOptions } from './ftp-module';
import type { MasqueradeTable } from './masquerade-table';
import type { PortForwards } from './portfw';

/** Modules there are, and their sizes in bytes, as lsmod of kernels of the time listed them. */
const SIZES: Readonly<Record<string, Readonly<Record<Kernel22, number>>>> = {
  ip_masq_ftp: { '2.2.14': 2616, '2.2.19': 3808 },
  ip_masq_portfw: { '2.2.14': 2560, '2.2.19': 2688 },
  // What the FAQ's rc.sysinit loads besides; the last one needs the one before, which needs the first.
  parport: { '2.2.14': 7092, '2.2.19': 7092 },
  parport_pc: { '2.2.14': 5620, '2.2.19': 5620 },
  lp: { '2.2.14': 4412, '2.2.19': 4412 },
  // What start scripts of the time load besides.
  ip_masq_irc: { '2.2.14': 1632, '2.2.19': 2016 },
  ip_masq_raudio: { '2.2.14': 3008, '2.2.19': 3072 },
  ip_masq_quake: { '2.2.14': 1352, '2.2.19': 1352 },
  ip_masq_vdolive: { '2.2.14': 1368, '2.2.19': 1400 },
  ip_masq_cuseeme: { '2.2.14': 1096, '2.2.19': 1128 },
  ip_masq_user: { '2.2.14': 2536, '2.2.19': 2600 },
  ip_masq_mfw: { '2.2.14': 3284, '2.2.19': 3316 },
  ip_masq_autofw: { '2.2.14': 2528, '2.2.19': 2560 },
};
/** Modules that do nothing here, though they did something there, and whether they take `ports=`. */
const IDLE: Readonly<Record<string, { readonly ports: boolean }>> = {
  ip_masq_irc: { ports: true },
  ip_masq_raudio: { ports: true },
  ip_masq_vdolive: { ports: true },
  ip_masq_cuseeme: { ports: true },
  ip_masq_autofw: { ports: false },
  ip_masq_quake: { ports: false },
  ip_masq_user: { ports: false },
  ip_masq_mfw: { ports: false },
};
/** linux/ip_masq.h, MAX_MASQ_APP_PORTS. */
const MOST_PORTS = 12;
const NEEDS: Readonly<Record<string, readonly string[]>> = {
  parport_pc: ['parport'],
  lp: ['parport'],
};
const LISTS = { 'ports=': 'ports', 'in_ports=': 'inPorts', 'noport=': 'noPorts' } as const;
const MARKS = { 'mark=': 'mark', 'in_mark=': 'inMark' } as const;

/** What a tool of the modutils says when it cannot do what it is told. */
export class ModuleError extends Error {}

/** The kernel's loadable modules: modprobe, rmmod, lsmod (modutils 2.3). */
export class Modules {
  readonly #loaded: string[] = [];
  /** those that were loaded with -k, and of these those that the last cleaning found unused */
  readonly #autoclean = new Set<string>();
  readonly #tagged = new Set<string>();
  readonly #toldOf = new Set<string>();
  readonly #say: (line: string) => void;
  readonly #kernel: KernelProfile;
  readonly #ftp: FtpModule;
  readonly #forwards: PortForwards;
  readonly #table: MasqueradeTable;

  /** @param say what is said in the system's log of a module that does nothing here */
  constructor(
    kernel: KernelProfile,
    ftp: FtpModule,
    forwards: PortForwards,
    table: MasqueradeTable,
    say: (line: string) => void,
  ) {
    this.#say = say;
    this.#kernel = kernel;
    this.#ftp = ftp;
    this.#forwards = forwards;
    this.#table = table;
  }

  /**
   * Loads a module and what it needs. One that is loaded keeps the options it has.
   *
   * @param autoclean whether it may go by itself when nobody uses it (-k)
   * @throws a ModuleError for a module there is not, or an option it does not know
   */
  load(name: string, options: readonly string[], autoclean = false): void {
    if (!Object.hasOwn(SIZES, name)) {
      throw new ModuleError(`Can't locate module ${name}; there are: ${Object.keys(SIZES).join(', ')}`);
    }
    if (this.#loaded.includes(name)) return;
    if (name === 'ip_masq_ftp') this.#ftp.load(this.#readOptions(options));
    else if (IDLE[name]?.ports === true) for (const option of options) readIdleOption(name, option);
    else if (options[0] !== undefined)
      throw new ModuleError(`invalid parameter ${options[0]}; ${name} takes none`);
    for (const needed of needsOf(name)) this.load(needed, []);
    this.#loaded.unshift(name);
    if (autoclean) this.#autoclean.add(name);
    if (IDLE[name] && !this.#toldOf.has(name)) this.#say(`lab: ${name} is loaded and does nothing here`);
    this.#toldOf.add(name);
  }

  /** What loading a module would load, in order: what it needs, and then itself. */
  missingFor(name: string): string[] {
    return [...needsOf(name), name].filter((one) => !this.#loaded.includes(one));
  }

  /** Where depmod finds a module. */
  pathOf(name: string): string {
    const folder = name.startsWith('ip_masq_') ? 'ipv4' : 'misc';
    return `/lib/modules/${this.#kernel.name}/${folder}/${name}.o`;
  }

  /** Unloads a module, and what it needed where nobody else does (modprobe -r). @throws as `unload` does */
  unloadStack(name: string): void {
    this.unload(name);
    for (const needed of needsOf(name))
      if (this.isLoaded(needed) && this.#users(needed) === 0) this.unload(needed);
  }

  /** Unloads what was loaded with -k and was unused the last time, too (rmmod -a). */
  clean(): void {
    const unused = [...this.#autoclean].filter((name) => this.#users(name) === 0);
    const gone = unused.filter((name) => this.#tagged.has(name));
    this.#tagged.clear();
    for (const name of unused) if (!gone.includes(name)) this.#tagged.add(name);
    for (const name of gone) this.unload(name);
  }

  #readOptions(options: readonly string[]): FtpOptions {
    const read: { -readonly [Name in keyof FtpOptions]: FtpOptions[Name] } = { ...FTP_DEFAULTS };
    const all = [...Object.keys(LISTS), ...Object.keys(MARKS)];
    const { knowsInPorts, mostPorts } = this.#kernel.ftp;
    const known = knowsInPorts ? all : ['ports='];
    for (const option of options) {
      const key = all.find((one) => option.startsWith(one));
      if (key === undefined || !known.includes(key)) {
        const since = key === undefined ? '' : `; it came with 2.2.19, and this is ${this.#kernel.name}`;
        throw new ModuleError(`invalid parameter ${option}${since}; known: ${known.join(', ')}`);
      }
      const value = option.slice(key.length);
      if (key in MARKS) read[MARKS[key as keyof typeof MARKS]] = readMark(value, option);
      else read[LISTS[key as keyof typeof LISTS]] = readPorts(value, option, mostPorts);
    }
    return read;
  }

  /**
   * Unloads a module.
   *
   * @throws a ModuleError if it is not loaded or in use: ip_masq_ftp is while a connection it reads has an
   *   entry (masq_ftp_init_1), ip_masq_portfw while a port is forwarded
   */
  unload(name: string): void {
    const index = this.#loaded.indexOf(name);
    if (index < 0) throw new ModuleError(`module ${name} is not loaded`);
    if (this.#users(name) > 0) throw new ModuleError(`${name}: Device or resource busy`);
    this.#loaded.splice(index, 1);
    this.#autoclean.delete(name);
    this.#tagged.delete(name);
    if (name === 'ip_masq_ftp') this.#ftp.unload();
  }

  isLoaded(name: string): boolean {
    return this.#loaded.includes(name);
  }

  #users(name: string): number {
    if (name === 'ip_masq_ftp') return this.#table.ftpEntries;
    if (name === 'ip_masq_portfw') return this.#forwards.size;
    return this.#loaded.filter((one) => needsOf(one).includes(name)).length;
  }

  /** What lsmod prints: the last loaded first. */
  list(): string {
    const lines = this.#loaded.map((name) => {
      const size = SIZES[name]?.[this.#kernel.name] ?? 0;
      const users = this.#users(name);
      const by = this.#loaded.filter((one) => needsOf(one).includes(name));
      const notes = [
        ...(by.length > 0 ? [`[${by.join(' ')}]`] : []),
        ...(this.#autoclean.has(name) ? ['(autoclean)'] : []),
        ...(by.length === 0 && users === 0 ? ['(unused)'] : []),
      ];
      const note = notes.length > 0 ? `  ${notes.join(' ')}` : '';
      return `${name.padEnd(20)}${String(size).padStart(8)}${String(users).padStart(4)}${note}`;
    });
    return ['Module                  Size  Used by', ...lines].map((line) => `${line}\n`).join('');
  }
}

function needsOf(name: string): readonly string[] {
  return Object.hasOwn(NEEDS, name) ? (NEEDS[name] ?? []) : [];
}

function readIdleOption(name: string, option: string): void {
  if (!option.startsWith('ports='))
    throw new ModuleError(`invalid parameter ${option}; ${name} knows: ports=`);
  readPorts(option.slice('ports='.length), option, MOST_PORTS);
}

function readMark(text: string, option: string): number {
  const mark = /^(?:0x[0-9a-f]+|\d+)$/i.test(text) ? Number(text) : Number.NaN;
  // A mark shares its word with eight flags (ip_masq_app.c, IP_MASQ_APP_TYPE_FWMARK).
  if (!(mark >= 0 && mark < 2 ** 24))
    throw new ModuleError(`invalid parameter ${option}; allowed: a number from 0 to 16777215`);
  return mark;
}

function readPorts(list: string, option: string, most: number): number[] {
  const allowed = `allowed: up to ${most} ports, as in ports=21,2121`;
  const ports = list.split(',');
  if (ports.some((port) => !/^\d{1,5}$/.test(port) || Number(port) < 1 || Number(port) > 65_535)) {
    throw new ModuleError(`invalid parameter ${option}; ${allowed}, each from 1 to 65535`);
  }
  if (ports.length > most) {
    throw new ModuleError(`too many values in ${option}: ${ports.length}; ${allowed}`);
  }
  return ports.map(Number);
}
