import {
  PROTOCOLS,
  type Endpoint,
  type IpchainsAction,
  type IpchainsRule,
  type Match,
  type Target,
} from './rule';
import type { Network } from '../quantities';
import type { PortRange } from '../kinds';

/** Commands as text, one a line, that reads as the same commands. */
export function printIpchains(commands: readonly IpchainsAction[]): string {
  return commands.map((command) => `${printCommand(command)}\n`).join('');
}

/** One command as an owner would type it, without line end. */
export function printCommand(command: IpchainsAction): string {
  return ['ipchains', ...commandWords(command)].join(' ');
}

function commandWords(command: IpchainsAction): string[] {
  switch (command.kind) {
    case 'append':
      return ['-A', command.chain, ...ruleWords(command.rule)];
    case 'insert':
      return ['-I', command.chain, String(command.at), ...ruleWords(command.rule)];
    case 'replace':
      return ['-R', command.chain, String(command.at), ...ruleWords(command.rule)];
    case 'delete':
      return ['-D', command.chain, ...ruleWords(command.rule)];
    case 'delete-number':
      return ['-D', command.chain, String(command.at)];
    case 'policy':
      return ['-P', command.chain, command.target];
    case 'flush':
      return onChain('-F', command.chain);
    case 'zero':
      return onChain('-Z', command.chain);
    case 'new-chain':
      return ['-N', command.chain];
    case 'delete-chain':
      return onChain('-X', command.chain);
    case 'list':
      return onChain('-L', command.chain);
    case 'list-masquerade':
      return ['-M', '-L'];
    case 'timeouts':
      return ['-M', '-S', ...[command.tcp, command.tcpFin, command.udp].map(String)];
  }
}

function onChain(flag: string, chain: string | null): string[] {
  return chain === null ? [flag] : [flag, chain];
}

function ruleWords(rule: IpchainsRule): string[] {
  const { interface: via, protocol, mark, tos } = rule;
  return [
    ...(via ? ['-i', ...not(via), `${via.value.name}${via.value.prefix ? '+' : ''}`] : []),
    ...(protocol.value === PROTOCOLS.all ? [] : ['-p', ...not(protocol), protocolName(protocol.value)]),
    ...endpointWords('-s', rule.source),
    ...endpointWords('-d', rule.destination),
    ...(rule.syn ? [...not(rule.syn), '-y'] : []),
    ...(rule.fragment ? [...not(rule.fragment), '-f'] : []),
    ...(rule.bidirectional ? ['-b'] : []),
    ...(rule.log ? ['-l'] : []),
    ...(rule.outputSize === null ? [] : ['-o', String(rule.outputSize)]),
    ...(mark ? ['-m', `${mark.absolute ? '' : '+'}${mark.value}`] : []),
    ...(tos ? ['-t', hexByte(tos.and), hexByte(tos.xor)] : []),
    ...(rule.target ? ['-j', ...targetWords(rule.target)] : []),
  ];
}

/** The word that turns a match round. */
export function not(match: { readonly not: boolean }): string[] {
  return match.not ? ['!'] : [];
}

/** A protocol by its name, where ipchains knows it by one. */
export function protocolName(number: number): string {
  return Object.entries(PROTOCOLS).find(([, known]) => known === number)?.[0] ?? String(number);
}

function endpointWords(flag: string, { network, ports }: Endpoint): string[] {
  if (isAny(network) && ports === null) return [];
  return [
    flag,
    ...not(network),
    printNetwork(network.value),
    ...(ports ? [...not(ports), printPorts(ports.value)] : []),
  ];
}

function isAny(network: Match<Network>): boolean {
  return !network.not && network.value.prefix === 0;
}

function printNetwork({ address, prefix }: Network): string {
  if (prefix === 0) return '0/0';
  return prefix === 32 ? address : `${address}/${prefix}`;
}

function printPorts([low, high]: PortRange): string {
  if (low === high) return String(low);
  // A 0 is an end that was left out (port 0 itself is refused); for ICMP both spellings mean type or code 0.
  return `${low === 0 ? '' : low}:${high}`;
}

export function hexByte(byte: number): string {
  return `0x${byte.toString(16).padStart(2, '0')}`;
}

function targetWords(target: Target): string[] {
  switch (target.kind) {
    case 'special':
      return [target.name];
    case 'redirect':
      return target.port === 0 ? ['REDIRECT'] : ['REDIRECT', String(target.port)];
    case 'chain':
      return [target.chain];
  }
}
