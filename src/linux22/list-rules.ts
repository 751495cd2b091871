import type { Chain, Chains } from './chains';
import type { KernelRule } from './kernel-rule';
import { icmpNameOf } from '../firewall/ipchains/icmp';
import { protocolName } from '../firewall/ipchains/print';
import { serviceName } from '../firewall/ipchains/services';
import { PROTOCOLS, type Endpoint, type IpchainsRule } from '../firewall/ipchains/rule';

/** How `ipchains -L` was asked to print. */
export interface ListFormat {
  /** -v: counters, TOS, interface, mark and size for netlink */
  readonly verbose: boolean;
  /** -n: no names */
  readonly numeric: boolean;
  /** -x: counters in full */
  readonly exact: boolean;
  readonly lineNumbers: boolean;
}

/** What `ipchains -L` prints, for one chain or all (ipchains 1.3.9, list_entries). */
export function listChains(chains: Chains, only: string | null, format: ListFormat): string {
  return chains
    .all()
    .filter(({ name }) => only === null || name === only)
    .map((chain) => listChain(chain, chains, format))
    .join('');
}

function listChain(chain: Chain, chains: Chains, format: ListFormat): string {
  const counters = format.verbose ? `: ${chain.packets} packets, ${chain.bytes} bytes` : '';
  const about =
    chain.policy === null
      ? `(${chains.references(chain.name)} references):`
      : `(policy ${chain.policy}${counters}):`;
  const lines = [`Chain ${chain.name} ${about}`];
  // A chain without rules has no heading.
  if (chain.rules.length > 0) lines.push(heading(format));
  chain.rules.forEach((rule, index) => lines.push(ruleLine(rule, index + 1, format)));
  return lines.map((line) => `${line}\n`).join('');
}

/** ipchains 1.3.9, print_firewall; so is what follows. */
function heading(format: ListFormat): string {
  return [
    format.lineNumbers ? 'num  ' : '',
    format.verbose ? counterColumns('pkts', 'bytes', format) : '',
    'target     prot opt    ',
    format.verbose ? 'tosa tosx  ifname     mark       outsize ' : '',
    ` ${'source'.padEnd(20)}  ${'destination'.padEnd(20)}  ports`,
  ].join('');
}

function counterColumns(packets: string, bytes: string, { exact }: ListFormat): string {
  return `${packets.padStart(exact ? 8 : 5)} ${bytes.padStart(exact ? 10 : 5)} `;
}

function ruleLine({ rule, packets, bytes }: KernelRule, number: number, format: ListFormat): string {
  return [
    format.lineNumbers ? `${String(number).padEnd(4)} ` : '',
    format.verbose ? counterColumns(printCount(packets, format), printCount(bytes, format), format) : '',
    `${targetName(rule.target).padEnd(9)} `,
    rule.protocol.not ? '!' : ' ',
    protocolName(rule.protocol.value).padEnd(5),
    options(rule),
    format.verbose ? verboseColumns(rule, format) : '',
    address(rule.source, format, ' '),
    ' ',
    address(rule.destination, format, ''),
    ports(rule, format),
  ].join('');
}

/** Up to 99999 as it is, then in thousands: K, M, G. */
function printCount(count: number, { exact }: ListFormat): string {
  if (exact || count <= 99_999) return String(count);
  const kilo = Math.floor((count + 500) / 1000);
  if (kilo <= 9999) return `${kilo}K`;
  const mega = Math.floor((count + 500_000) / 1_000_000);
  return mega <= 9999 ? `${mega}M` : `${Math.floor((mega + 500) / 1000)}G`;
}

/** What a rule's target is called; "-" where it has none (ip_fw.c, branchname). */
export function targetName(target: IpchainsRule['target']): string {
  switch (target?.kind) {
    case undefined:
      return '-';
    case 'special':
      return target.name;
    case 'redirect':
      return 'REDIRECT';
    case 'chain':
      return target.chain;
  }
}

function options({ syn, fragment, log, outputSize }: IpchainsRule): string {
  const flag = (on: boolean, letter: string): string => (on ? letter : '-');
  return [
    flag(syn?.not === true, '!'),
    flag(syn !== null, 'y'),
    flag(fragment?.not === true, '!'),
    flag(fragment !== null, 'f'),
    flag(log, 'l'),
    flag(outputSize !== null, 'o'),
    ' ',
  ].join('');
}

function verboseColumns(rule: IpchainsRule, { numeric }: ListFormat): string {
  const { tos, interface: via, mark, outputSize } = rule;
  const byte = (value: number): string => `0x${value.toString(16).toUpperCase().padStart(2, '0')}`;
  const any = numeric ? '*' : 'any';
  const name = via ? `${via.value.name}${via.value.prefix ? '+' : ''}` : any;
  return [
    `${byte(tos?.and ?? 0xff)} ${byte(tos?.xor ?? 0)} `,
    `${via?.not === true ? '!' : ' '}${name.padEnd(10)} `,
    !mark || (!mark.absolute && mark.value === 0)
      ? ' '.repeat(11)
      : `0x${mark.value.toString(16).padEnd(10)} `,
    `${outputSize === null || outputSize === 0xffff ? '' : outputSize}`.padEnd(7),
    ' ',
  ].join('');
}

function address({ network }: Endpoint, { numeric }: ListFormat, blank: string): string {
  const { address: text, prefix } = network.value;
  const not = network.not ? '!' : blank;
  if (prefix === 0 && !numeric) return `${not}${'anywhere'.padEnd(20)}`;
  return `${not}${`${text}${prefix === 32 ? '' : `/${prefix}`}`.padEnd(20)}`;
}

function ports(rule: IpchainsRule, format: ListFormat): string {
  const { value: protocol } = rule.protocol;
  const known: readonly number[] = [PROTOCOLS.tcp, PROTOCOLS.udp, PROTOCOLS.icmp];
  if (!known.includes(protocol)) return '  n/a';
  const isNamed = protocol === PROTOCOLS.icmp && !format.numeric;
  const name = isNamed ? icmpNameOf(rule.source.ports, rule.destination.ports) : null;
  if (name !== null) return `  ${name}`;
  const printed = (port: number): string =>
    format.numeric || protocol === PROTOCOLS.icmp
      ? String(port)
      : serviceName(port, protocol === PROTOCOLS.tcp ? 'tcp' : 'udp');
  const range = ({ ports: match }: Endpoint): string => {
    if (!match) return `  ${format.numeric ? '*' : 'any'}`;
    const [low, high] = match.value;
    return `${match.not ? ' !' : '  '}${low === high ? printed(low) : `${printed(low)}:${printed(high)}`}`;
  };
  const redirect = rule.target?.kind === 'redirect' ? ` => ${redirectPort(rule.target.port, format)}` : '';
  return `${range(rule.source)} -> ${range(rule.destination)}${redirect}`;
}

function redirectPort(port: number, { numeric }: ListFormat): string {
  return port === 0 ? (numeric ? ' *' : ' any') : String(port);
}
