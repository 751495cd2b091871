import { distance } from 'fastest-levenshtein';
import {
  BUILT_IN_CHAINS,
  MAX_CHAIN_NAME,
  POLICY_TARGETS,
  PROTOCOLS,
  TARGETS,
  type InterfaceMatch,
  type IpchainsRule,
  type PolicyTarget,
  type Target,
} from './rule';
import { servicePort } from './services';
import type { PortRange } from '../kinds';
import { parseNetwork, parsePorts, toNumber, type Network } from '../quantities';

/** Linux interface names have up to 15 characters (IFNAMSIZ, with the NUL). */
const MAX_INTERFACE_NAME = 15;
/** In seconds: the kernel counts jiffies, 100 a second on a PC, in an int (ipchains.c: HZ * parse_timeout). */
const MAX_TIMEOUT = 21_474_836;
const IPTABLES_TARGETS: Readonly<Record<string, string>> = {
  DROP: 'the word here is DENY',
  LOG: 'here -l logs, beside any target',
  MASQUERADE: 'the word here is MASQ',
  SNAT: 'translation here is -j MASQ in the chain forward',
  DNAT: 'port forwarding here is not a rule',
  QUEUE: 'here -o copies packets to netlink',
};

/**
 * Reads ports as ipchains takes them: one, or a range with ":", an end of which may be left out.
 *
 * @param services whether names of /etc/services are read as well
 * @throws an Error that says what is allowed
 */
export function parseRulePorts(text: string, services = false): PortRange {
  if (text.includes(',')) {
    throw new Error(
      `"${text}" is a list; a rule of ipchains takes one port or one range, so write one rule each`,
    );
  }
  const named = text.split(':').filter((part) => /[a-z]/i.test(part) && !/^\d+-/.test(part));
  const unknown = named.filter((name) => servicePort(name) === null);
  if (named.length > 0 && (!services || unknown.length > 0)) {
    const known = (services ? unknown : named).map((name) => {
      const port = servicePort(name);
      return port === null ? `"${name}" needs its number` : `${name} is port ${port}`;
    });
    throw new Error(
      `${services ? 'no such service' : 'service names are not read here'}; ${known.join(', ')}`,
    );
  }
  if (named.length > 0) {
    const numbers = text.split(':').map((part) => String(servicePort(part) ?? part));
    return parsePorts(numbers.join(':'), ':', [0, 65535]);
  }
  const dash = /^(\d+)-(\d+)$/.exec(text);
  if (dash) throw new Error(`ipchains writes a range with ":"; did you mean ${dash[1]}:${dash[2]}?`);
  return parsePorts(text, ':', [0, 65535]);
}

/**
 * Reads an address with mask; "any/0" too, for ipchains ignores the name before /0 (parse_hostnetworkmask).
 *
 * @throws an Error that says what is allowed
 */
export function parseRuleNetwork(text: string): Network {
  const [name = '', mask] = text.split('/');
  if ((mask === '0' || mask === '0.0.0.0') && /^[a-z]\w*$/i.test(name))
    return { address: '0.0.0.0', prefix: 0 };
  const { address, prefix } = parseNetwork(text);
  const number = toNumber(address) ?? 0;
  const kept = prefix === 0 ? 0 : (number & (0xffffffff << (32 - prefix))) >>> 0;
  return { address: [24, 16, 8, 0].map((shift) => (kept >>> shift) & 255).join('.'), prefix };
}

/**
 * Reads a protocol: tcp, udp, icmp, all, or an IP protocol number; 0 is all.
 *
 * @throws an Error that says what is allowed
 */
export function parseProtocol(text: string): number {
  const allowed = `allowed: ${Object.keys(PROTOCOLS).join(', ')} or a number from 0 to 255`;
  if (/^\d+$/.test(text) && Number(text) <= 255) return Number(text);
  const known = Object.entries(PROTOCOLS).find(([name]) => name === text.toLowerCase());
  if (!known) throw new Error(`"${text}" is no protocol; ${allowed}`);
  return known[1];
}

/**
 * Reads an interface; a trailing "+" stands for any ending, and alone for any interface.
 *
 * @throws an Error that says what is allowed
 */
export function parseInterface(text: string): InterfaceMatch {
  const prefix = text.endsWith('+');
  const name = prefix ? text.slice(0, -1) : text;
  const wild = prefix || name === '';
  if (name.length > MAX_INTERFACE_NAME || /[\s/!+]/.test(name)) {
    throw new Error(
      `"${text}" is no interface; allowed: a name of up to ${MAX_INTERFACE_NAME} characters, or its beginning and "+"`,
    );
  }
  return { name, prefix: wild };
}

/**
 * Reads a mark: decimal, 0x… or, as strtoul does, octal after a 0; "+" and "-" change the present mark.
 *
 * @throws an Error that says what is allowed
 */
export function parseMark(text: string): NonNullable<IpchainsRule['mark']> {
  if (text === 'state' || text === 'multiport') {
    throw new Error(`-m ${text} is not in ipchains, it came with iptables; here -m marks packets`);
  }
  const [, sign = '', digits = ''] = /^([+-]?)(0x[\da-f]+|0[0-7]*|[1-9]\d*)$/i.exec(text) ?? [];
  const number = /^0\d/.test(digits) ? parseInt(digits, 8) : Number(digits);
  if (digits === '' || number > 0xffffffff) {
    throw new Error(
      `"${text}" is no mark; allowed: 0 to 4294967295, with "+" or "-" to change the present one`,
    );
  }
  return { absolute: sign === '', value: (sign === '-' ? -number : number) >>> 0 };
}

/**
 * Reads the two masks of `-t`. RFC 1349: bit 0 stays as it is, and no more than one bit is set
 * (ipchains.c, check_tos).
 *
 * @throws an Error that says what is allowed
 */
export function parseTos(and: string, xor: string): NonNullable<IpchainsRule['tos']> {
  const [first, second] = [and, xor].map((text) => {
    if (!/^(?:0x)?[\da-f]{1,2}$/i.test(text)) {
      throw new Error(`"${text}" is no byte; allowed after -t: two bytes in hex, e.g. 0x01 0x10`);
    }
    return parseInt(text, 16);
  });
  const tos = { and: first ?? 0, xor: second ?? 0 };
  if ((tos.and & 1) === 0 || (tos.xor & 1) === 1) {
    throw new Error(`TOS ${and} ${xor} touches bit 0, which must stay (RFC 1349); allowed: e.g. 0x01 0x10`);
  }
  const set = ~tos.and & tos.xor & 0x0e;
  if ((set & (set - 1)) !== 0)
    throw new Error(`TOS ${and} ${xor} sets more than one bit of the TOS (RFC 1349)`);
  return tos;
}

/** @throws an Error that says what is allowed */
export function parseOutputSize(text: string): number {
  if (/^\d+$/.test(text) && Number(text) <= 65535) return Number(text);
  throw new Error(
    `"${text}" is no size; allowed: 0 to 65535 bytes, for -o copies packets to netlink; the interface is -i`,
  );
}

/** @throws an Error that says what is allowed */
export function parseRuleNumber(text: string): number {
  if (/^\d+$/.test(text) && Number(text) >= 1 && Number(text) <= 0x7fffffff) return Number(text);
  throw new Error(`"${text}" is no rule number; allowed: 1 for the first rule, and up`);
}

/** Seconds. @throws an Error that says what is allowed */
export function parseTimeout(text: string): number {
  if (/^\d+$/.test(text) && Number(text) <= MAX_TIMEOUT) return Number(text);
  throw new Error(
    `"${text}" is no timeout; allowed: 0 to ${MAX_TIMEOUT} seconds, where 0 keeps the present value`,
  );
}

/** Port for REDIRECT; 0 is the port a packet was sent to. @throws an Error that says what is allowed */
export function parseRedirectPort(text: string, services = false): number {
  if (text === '0') return 0;
  const [low, high] = parseRulePorts(text, services);
  if (low !== high) throw new Error(`"${text}" is a range; REDIRECT takes one port`);
  return low;
}

/**
 * Reads a target; the port of REDIRECT is the next word's business.
 *
 * @throws an Error that says what is allowed
 */
export function parseTarget(text: string, chains: ReadonlySet<string>): Target {
  const special = TARGETS.find((name) => name === text);
  if (special === 'REDIRECT') return { kind: 'redirect', port: 0 };
  if (special) return { kind: 'special', name: special };
  if (BUILT_IN_CHAINS.some((name) => name === text)) {
    throw new Error(`"${text}" is a built-in chain; rules jump to user chains only`);
  }
  if (chains.has(text)) return { kind: 'chain', chain: text };
  const users = [...chains].filter((name) => !BUILT_IN_CHAINS.some((known) => known === name));
  throw new Error(unknownTarget(text, [...TARGETS, ...users]));
}

/** @throws an Error that says what is allowed */
export function parsePolicyTarget(text: string): PolicyTarget {
  const target = POLICY_TARGETS.find((name) => name === text);
  if (target) return target;
  throw new Error(unknownTarget(text, POLICY_TARGETS).replace('target', 'policy'));
}

function unknownTarget(text: string, known: readonly string[]): string {
  const hint = IPTABLES_TARGETS[text];
  if (hint !== undefined) return `target ${text} is not in ipchains, it came with iptables; ${hint}`;
  const near = [...known].find(
    (name) => distance(name, text.toUpperCase()) <= 2 || distance(name, text) <= 1,
  );
  const meant = near === undefined ? '' : `did you mean ${near}? `;
  return `unknown target "${text}"; ${meant}known: ${known.join(', ')}`;
}

/**
 * Checks a name a chain can have.
 *
 * @throws an Error that says what is allowed
 */
export function parseChainName(text: string): string {
  if (text.length > MAX_CHAIN_NAME) {
    throw new Error(`chain name "${text}" has ${text.length} characters; allowed: up to ${MAX_CHAIN_NAME}`);
  }
  if (/\s/.test(text) || text === '') throw new Error(`"${text}" is no chain name; allowed: no blanks`);
  return text;
}

/**
 * Reads the name of a chain there is.
 *
 * @throws an Error that says which there are
 */
export function parseChain(text: string, chains: ReadonlySet<string>): string {
  if (chains.has(text)) return text;
  const lower = text.toLowerCase();
  if (BUILT_IN_CHAINS.some((name) => name === lower)) {
    throw new Error(`chain ${text} came with iptables; ipchains writes it ${lower}`);
  }
  parseChainName(text);
  throw new Error(`unknown chain "${text}"; known: ${[...chains].join(', ')}; -N ${text} makes it`);
}
