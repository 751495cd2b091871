import { maskOf, readAddress } from './addresses';
import type { Chain, Chains } from './chains';
import type { Entry } from './entry';
import type { FtpModule, FtpOptions } from './ftp-module';
import type { KernelRule } from './kernel-rule';
import { HZ } from './list-masquerade';
import { targetName } from './list-rules';
import { kernelBucket, protocolName, remotePortWord, type MasqueradeTable } from './masquerade-table';
import type { Modules } from './modules';
import { ICMP, TCP, UDP } from './packet';
import type { PortForward, PortForwards } from './portfw';
import type { Endpoint, IpchainsRule } from '../firewall/ipchains/rule';

/** What the files tell of. */
export interface ProcNetSources {
  readonly chains: Chains;
  readonly table: MasqueradeTable;
  readonly ftp: FtpModule;
  readonly modules: Modules;
  readonly forwards: PortForwards;
}

/** linux/ip_fw.h, IP_FW_F_*. */
const FLAGS = { log: 0x01, syn: 0x02, fragment: 0x04, setsMark: 0x08, anyEnding: 0x10, netlink: 0x20 };
/** linux/ip_fw.h, IP_FW_INV_*. */
const INVERSE = {
  source: 0x01,
  destination: 0x02,
  protocol: 0x04,
  sourcePort: 0x08,
  destinationPort: 0x10,
  via: 0x20,
  syn: 0x40,
  fragment: 0x80,
};
/** net/ip_masq.h, IP_MASQ_F_*. */
const ENTRY_FLAGS = {
  noRemoteAddress: 0x0001,
  noRemotePort: 0x0002,
  noInsidePort: 0x0008,
  loose: 0x0010,
  noReply: 0x0080,
  hashed: 0x0100,
  shifted: 0x0200,
  givenPort: 0x1000,
};
/** An entry that no packet is dealt with for is in three tables (ip_masq.c, IP_MASQ_NTABLES). */
const REFERENCES = 3;
/** ip_masq_app.c, IP_MASQ_APP_TAB_SIZE. */
const APP_BUCKETS = 16;

/**
 * The files of /proc/net that a Linux 2.2 firewall has, by their path from there on, byte for byte. Each is read when it
 * is called.
 *
 * @param now seconds
 */
export function procNet(sources: ProcNetSources, now: number): ReadonlyMap<string, () => string> {
  const { chains, table, ftp, modules, forwards } = sources;
  const files: [path: string, read: () => string][] = [
    ['ip_fwchains', () => lines(chains.all().flatMap(ruleLines))],
    ['ip_fwnames', () => lines(chains.all().map((chain) => nameLine(chain, chains)))],
    ['ip_masquerade', () => masqueradeText(table, now)],
    ['ip_masq/app', () => appText(ftp.options, table)],
    ['ip_masq/tcp', () => userText(TCP, table, now)],
    ['ip_masq/udp', () => userText(UDP, table, now)],
    ['ip_masq/icmp', () => userText(ICMP, table, now)],
  ];
  if (modules.isLoaded('ip_masq_portfw')) files.push(['ip_masq/portfw', () => portfwText(forwards)]);
  return new Map(files);
}

function lines(texts: readonly string[]): string {
  return texts.map((text) => `${text}\n`).join('');
}

/** Lines as wide as the kernel counts on, so that it finds its place again. */
function wide(width: number, texts: readonly string[]): string {
  return lines(texts.map((text) => text.padEnd(width)));
}

function hex(value: number, digits: number): string {
  return (value >>> 0).toString(16).toUpperCase().padStart(digits, '0');
}

function right(value: number, width: number): string {
  return String(value).padStart(width);
}

function ruleLines({ name, rules }: Chain): string[] {
  return rules.map((rule) => ruleLine(name, rule));
}

/** ip_fw.c, dump_rule. */
function ruleLine(chain: string, { rule, packets, bytes }: KernelRule): string {
  const { source, destination, interface: via, protocol, tos, mark, outputSize, target } = rule;
  return [
    chain.padStart(9),
    `${networkHex(source)}->${networkHex(destination)}`,
    via && via.value.name !== '' ? via.value.name : '-',
    hex(flagsOf(rule), 1),
    hex(inverseOf(rule), 1),
    String(protocol.value),
    ...[packets, bytes].flatMap(halves).map((half) => String(half).padEnd(9)),
    range(source),
    range(destination),
    `A${hex(tos?.and ?? 0xff, 2)}`,
    `X${hex(tos?.xor ?? 0, 2)}`,
    hex(target?.kind === 'redirect' ? target.port : 0, 8),
    String(mark?.value ?? 0),
    // Where -o is left out ipchains asks for whole packets, and has none sent (ipchains.c, main).
    String(outputSize ?? 0xffff),
    targetName(target).padStart(9),
  ].join(' ');
}

function networkHex({ network }: Endpoint): string {
  const { address, prefix } = network.value;
  return `${hex(readAddress(address), 8)}/${hex(maskOf(prefix), 8)}`;
}

/** Counters have 64 bits, and are printed in two halves. */
function halves(count: number): [high: number, low: number] {
  return [Math.floor(count / 2 ** 32), count % 2 ** 32];
}

function range({ ports }: Endpoint): string {
  return ports ? ports.value.join('-') : '0-65535';
}

function sumOf(bits: readonly (number | false)[]): number {
  return bits.reduce<number>((sum, bit) => sum + (bit === false ? 0 : bit), 0);
}

function flagsOf({ log, syn, fragment, mark, interface: via, outputSize }: IpchainsRule): number {
  return sumOf([
    log && FLAGS.log,
    syn !== null && FLAGS.syn,
    fragment !== null && FLAGS.fragment,
    mark?.absolute === true && FLAGS.setsMark,
    // A rule without an interface is for all whose names begin with nothing (ip_fw.c, convert_ipfw).
    (via === null || via.value.prefix) && FLAGS.anyEnding,
    outputSize !== null && FLAGS.netlink,
  ]);
}

function inverseOf({ source, destination, protocol, interface: via, syn, fragment }: IpchainsRule): number {
  return sumOf([
    source.network.not && INVERSE.source,
    destination.network.not && INVERSE.destination,
    protocol.not && INVERSE.protocol,
    source.ports?.not === true && INVERSE.sourcePort,
    destination.ports?.not === true && INVERSE.destinationPort,
    via?.not === true && INVERSE.via,
    syn?.not === true && INVERSE.syn,
    fragment?.not === true && INVERSE.fragment,
  ]);
}

/** ip_fw.c, ip_chain_name_procinfo. */
function nameLine({ name, policy, packets, bytes }: Chain, chains: Chains): string {
  return [name, policy ?? '-', chains.references(name), ...halves(packets), ...halves(bytes)].join(' ');
}

function freePorts(table: MasqueradeTable): string {
  return `(free=${[UDP, TCP, ICMP].map((protocol) => table.free(protocol)).join(',')})`;
}

function endHex(address: number, port: number): string {
  return `${hex(address, 8)}:${hex(port, 4)}`;
}

function ticks(entry: Entry, now: number): number {
  return Math.max(0, Math.floor((entry.expires - now) * HZ + 1e-6));
}

/** ip_masq.c, ip_msqhst_procinfo. */
function masqueradeText(table: MasqueradeTable, now: number): string {
  const heading = `Prc FromIP   FPrt ToIP     TPrt Masq Init-seq  Delta PDelta Expires ${freePorts(table)}`;
  const entries = table.listed().map((entry) => {
    const { at, before, after } = entry.resizes.at(-1) ?? { at: 0, before: 0, after: 0 };
    return [
      protocolName(entry.protocol),
      endHex(entry.insideAddress, entry.insidePort),
      endHex(entry.remoteAddress, remotePortWord(entry)),
      hex(entry.outsidePort, 4),
      hex(at, 8),
      right(after, 6),
      right(before, 6),
      right(ticks(entry, now), 7),
    ].join(' ');
  });
  return wide(127, [heading, ...entries]);
}

/** ip_masq_user.c, ip_masq_user_info, which the kernel loads when one of these files is read (ip_masq.c). */
function userText(protocol: number, table: MasqueradeTable, now: number): string {
  const columns =
    'Prot SrcIP    SPrt DstIP    DPrt MAddr    MPrt State        Flgs Ref Ctl Expires HRow HCol';
  const places = new Map<number, number>();
  const entries = table.listed().flatMap((entry) => {
    const row = kernelBucket(entry);
    const column = (places.get(row) ?? 0) + 1;
    places.set(row, column);
    if (entry.protocol !== protocol) return [];
    const controls = entry.controls === 0 && entry.control ? -1 : entry.controls;
    const text = [
      protocolName(protocol).padEnd(4),
      endHex(entry.insideAddress, entry.insidePort),
      endHex(entry.remoteAddress, remotePortWord(entry)),
      endHex(entry.outsideAddress, entry.outsidePort),
      entry.state.padEnd(12),
      hex(entryFlags(entry), 1).padStart(3),
      right(REFERENCES, 4),
      right(controls, 3),
      right(Math.floor(ticks(entry, now) / HZ), 7),
      right(row, 4),
      right(column, 4),
    ];
    return [text.join(' ')];
  });
  return wide(127, [`${columns} ${freePorts(table)}`, ...entries]);
}

function entryFlags(entry: Entry): number {
  return sumOf([
    entry.anyRemoteAddress && ENTRY_FLAGS.noRemoteAddress,
    entry.anyRemotePort && ENTRY_FLAGS.noRemotePort,
    entry.anyInsidePort && ENTRY_FLAGS.noInsidePort,
    entry.anyRemote && ENTRY_FLAGS.loose,
    !entry.answered && ENTRY_FLAGS.noReply,
    ENTRY_FLAGS.hashed,
    entry.resizes.length > 0 && ENTRY_FLAGS.shifted,
    entry.givenPort && ENTRY_FLAGS.givenPort,
  ]);
}

/** What one port, or mark, of ip_masq_ftp's is bound to. */
interface App {
  /** as the kernel packs it, without its flags: protocol and port, or a mark */
  readonly type: number;
  readonly attached: number;
}

/** ip_masq_app.c, ip_masq_app_getinfo: by its buckets, the last that was registered in one first. */
function appText(options: FtpOptions | null, table: MasqueradeTable): string {
  const apps = options ? appsOf(options, [...table.entries()]) : [];
  const bucket = ({ type }: App): number => ((type >> 16) ^ type) & (APP_BUCKETS - 1);
  const rows = apps
    .reverse()
    .sort((one, other) => bucket(one) - bucket(other))
    .map(({ type, attached }) => {
      const protocol = (type >> 16) & 0xff;
      const port = String(type & 0xffff).padEnd(7);
      return `${protocolName(protocol).padEnd(3)}  ${port} ${String(attached).padEnd(7)}  ${'ftp'.padEnd(17)}`;
    });
  return lines(['prot port    n_attach name'.padEnd(39), ...rows]);
}

function appsOf({ ports, inPorts, mark, inMark }: FtpOptions, entries: readonly Entry[]): App[] {
  const count = (role: Entry['ftp'], isOne: (entry: Entry) => boolean): number =>
    entries.filter((entry) => entry.ftp === role && isOne(entry)).length;
  const byMark = (role: Entry['ftp'], type: number): App[] => {
    const isOther = (entry: Entry): boolean =>
      role === 'client' ? !ports.includes(entry.remotePort) : !inPorts.includes(entry.outsidePort);
    return type === 0 ? [] : [{ type, attached: count(role, isOther) }];
  };
  return [
    ...ports.map((port) => ({
      type: (TCP << 16) | port,
      attached: count('client', ({ remotePort }) => remotePort === port),
    })),
    ...inPorts.map((port) => ({
      type: (TCP << 16) | port,
      attached: count('server', ({ outsidePort }) => outsidePort === port),
    })),
    ...byMark('client', mark),
    ...byMark('server', inMark),
  ];
}

/** ip_masq_portfw.c, portfw_procinfo. */
function portfwText(forwards: PortForwards): string {
  const line = (one: PortForward): string =>
    [
      `${protocolName(one.protocol)} `,
      hex(one.localAddress, 8),
      right(one.localPort, 5),
      '>',
      hex(one.remoteAddress, 8),
      right(one.remotePort, 5),
      right(one.countdown, 5),
      right(one.preference, 5),
    ].join(' ');
  const heading = 'Prot LAddr    LPort > RAddr    RPort PrCnt  Pref';
  return wide(63, [heading, ...forwards.all().map(line)]);
}
