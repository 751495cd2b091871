import type { ValueKind } from './vocabulary';
import { CTSTATES, SERVICES, STATES, TCP_FLAGS } from './vocabulary';
import { parseNetwork, parsePorts, toNumber } from '../quantities';

/** What is wrong with a value, and where in it: offset from 0. */
export interface Flaw {
  readonly offset: number;
  readonly message: string;
}

/** xt_multiport: XT_MULTI_PORTS; a range takes two places. */
export const MULTIPORT_PLACES = 15;
/** xt_comment: XT_MAX_COMMENT_LEN, with its closing NUL. */
const COMMENT_BYTES = 255;

/**
 * Checks a value by itself, as far as we read values of its kind.
 *
 * @param flag the flag it belongs to, for the message
 */
export function flaws(kind: ValueKind, value: string, flag: string): Flaw[] {
  return CHECKS[kind]?.(value, flag) ?? [];
}

const CHECKS: Partial<Record<ValueKind, (value: string, flag: string) => Flaw[]>> = {
  addresses: (value) => each(value, parseNetwork),
  address: (value) => attempt(0, () => parseNetwork(value)),
  addressRange: checkAddressRange,
  ports: checkPorts,
  portList: checkPortList,
  natAddress: checkNatAddress,
  natPorts: (value) => checkNatPorts(value, 0),
  state: (value, flag) => oneOf(STATES, value, flag),
  ctstate: (value, flag) => oneOf(CTSTATES, value, flag),
  tcpFlags: (value, flag) => oneOf(TCP_FLAGS, value, flag),
  comment: checkComment,
};

function attempt(offset: number, read: () => unknown): Flaw[] {
  try {
    read();
    return [];
  } catch (cause) {
    return [{ offset, message: cause instanceof Error ? cause.message : String(cause) }];
  }
}

/** The items of a comma list, each with its offset. */
function items(value: string): { text: string; offset: number }[] {
  let offset = 0;
  return value.split(',').map((text) => {
    const item = { text, offset };
    offset += text.length + 1;
    return item;
  });
}

function each(value: string, read: (item: string) => unknown): Flaw[] {
  return items(value).flatMap(({ text, offset }) => attempt(offset, () => read(text)));
}

function oneOf(allowed: readonly string[], value: string, flag: string): Flaw[] {
  return items(value).flatMap(({ text, offset }) =>
    allowed.includes(text.toUpperCase())
      ? []
      : [{ offset, message: `"${text}" is nothing ${flag} knows; allowed: ${allowed.join(', ')}` }],
  );
}

/** A service name is refused: what it stands for differs from machine to machine (/etc/services). */
function service(ports: string, separator: ':' | '-'): string | null {
  // Some names have a dash themselves.
  const parts = Object.hasOwn(SERVICES, ports) ? [ports] : ports.split(separator);
  const names = parts.filter((part) => /^[a-z]/i.test(part));
  const [name] = names;
  if (name === undefined) return null;
  const number = Object.hasOwn(SERVICES, name.toLowerCase()) ? SERVICES[name.toLowerCase()] : undefined;
  return number === undefined ? null : `"${name}" is a service name; write its number, ${number}`;
}

function checkPorts(value: string, flag: string): Flaw[] {
  if (value.includes(',')) {
    const message = `"${value}" is a list, and ${flag} takes one port or range; write -m multiport ${flag}s ${value}`;
    return [{ offset: 0, message }];
  }
  const name = service(value, ':');
  if (name !== null) return [{ offset: 0, message: name }];
  return attempt(0, () => parsePorts(value, ':', [0, 65535]));
}

function checkPortList(value: string, flag: string): Flaw[] {
  const list = items(value);
  const places = list.reduce((sum, { text }) => sum + (text.includes(':') ? 2 : 1), 0);
  const tooMany = `${places} places in ${flag}, where a range takes two; allowed: up to ${MULTIPORT_PLACES}`;
  const each = list.flatMap(({ text, offset }) => {
    const name = service(text, ':');
    return name === null ? attempt(offset, () => parsePorts(text, ':')) : [{ offset, message: name }];
  });
  return places > MULTIPORT_PLACES ? [{ offset: 0, message: tooMany }, ...each] : each;
}

/** The ports NAT picks from. A shifted range ends in "/" and its base port (DNAT, Linux 4.19). */
function checkNatPorts(value: string, offset: number): Flaw[] {
  const [ports = '', ...bases] = value.split('/');
  const name = service(ports, '-');
  if (name !== null) return [{ offset, message: name }];
  return [ports, ...bases].flatMap((part) => attempt(offset, () => parsePorts(part, '-')));
}

function checkNatAddress(value: string, flag: string): Flaw[] {
  const [addresses = '', ports, ...more] = value.split(':');
  if (more.length > 0) {
    // Two colons are a range as matches write it, or IPv6.
    const message = /^[\d.]+$/.test(addresses)
      ? `"${value}" has two ":"; allowed: e.g. ${flag} 10.0.0.1:50000-50009`
      : `"${value}" is IPv6; allowed: IPv4 addresses`;
    return [{ offset: 0, message }];
  }
  const found = addresses === '' && ports !== undefined ? [] : checkAddressEnds(addresses);
  return ports === undefined ? found : [...found, ...checkNatPorts(ports, addresses.length + 1)];
}

function checkAddressRange(value: string, flag: string): Flaw[] {
  if (value.includes(':')) return [{ offset: 0, message: `"${value}" is IPv6; allowed: IPv4 addresses` }];
  if (!value.includes('-')) {
    return [{ offset: 0, message: `"${value}" is no range; allowed: e.g. ${flag} 10.0.0.1-10.0.0.9` }];
  }
  return checkAddressEnds(value);
}

/** An address, or two with a "-" between, neither with a mask. */
function checkAddressEnds(value: string): Flaw[] {
  const [first = '', last = first, ...more] = value.split('-');
  const [low, high] = [toNumber(first), toNumber(last)];
  if (more.length > 0 || low === null || high === null) {
    const wrong = low === null ? first : last;
    const message = `"${wrong}" is no IPv4 address; allowed: e.g. 10.0.0.1 or 10.0.0.1-10.0.0.9`;
    return [{ offset: low === null ? 0 : value.indexOf('-') + 1, message }];
  }
  if (low <= high) return [];
  const message = `address range ${value} is upside down; did you mean ${last}-${first}?`;
  return [{ offset: 0, message }];
}

function checkComment(value: string): Flaw[] {
  const bytes = new TextEncoder().encode(value).length;
  const message = `the comment is ${bytes} bytes long; allowed: up to ${COMMENT_BYTES}`;
  return bytes > COMMENT_BYTES ? [{ offset: 0, message }] : [];
}
