import type { Condition } from '../firewall/effect';
import { parseNetwork, toNumber } from '../firewall/quantities';
import type { Plan } from '../plan/plan';

/** Addresses from … to, as numbers. */
type Range = readonly [number, number];

/** Addresses that a packet may have in any network: loopback, multicast, broadcast to all (RFC 6890 §2.2.2, RFC 5771). */
const EVERYWHERE = ['127.0.0.0/8', '224.0.0.0/4', '255.255.255.255'];

/** Says why no packet of a lab can meet a rule's conditions; null where one may. */
export function unmatchable(conditions: readonly Condition[], plan: Plan): string | null {
  for (const { on, any } of conditions) {
    const isInterface = on === 'in' || on === 'out';
    // The kernel has sets in an order of its own.
    const names = any.filter((text) => !(isInterface ? mayBeInterface : mayBeAddress)(text, plan)).sort();
    if (names.length < any.length || any.length === 0) continue;
    return isInterface
      ? `the firewall has no interface ${names.join(' or ')} here, only ${interfaces(plan).join(', ')}`
      : `nobody here is in ${names.join(' or ')}; there are ${networks(plan).join(' and ')}`;
  }
  return null;
}

function interfaces({ hosts, bridges }: Plan): string[] {
  const { firewall } = hosts;
  const ports = bridges.flatMap((bridge) => bridge.ports);
  return [...new Set([...firewall.interfaces.map(({ name }) => name), ...ports, 'lo'])];
}

function mayBeInterface(name: string, plan: Plan): boolean {
  return interfaces(plan).some((here) => isNamed(name, here));
}

/** Whether a rule's name of an interface is of one here. It may stand for several: `eth+`, and in nft `eth*`. */
export function isNamed(name: string, here: string): boolean {
  const several = /^(.*)[+*]$/.exec(name)?.[1];
  return several === undefined ? here === name : here.startsWith(several);
}

function networks({ hosts }: Plan): string[] {
  const own = hosts.firewall.interfaces.map(({ address }) => address.replace(/\d+$/, '0/24'));
  return [...new Set(own)];
}

/** What is no address of IPv4 is not judged. */
function mayBeAddress(text: string, plan: Plan): boolean {
  return [...networks(plan), ...EVERYWHERE].some((network) => rangesOverlap(text, network));
}

/** Whether two addresses, networks or ranges have an address in common; what is none of IPv4 is not judged. */
export function rangesOverlap(one: string, other: string): boolean {
  const [first, second] = [rangeOf(one), rangeOf(other)];
  return first === null || second === null || (first[0] <= second[1] && second[0] <= first[1]);
}

/** An address, a network, or `from-to`; null where it is none of IPv4. */
function rangeOf(text: string): Range | null {
  const [from = '', to] = text.split('-');
  if (to !== undefined) {
    const [low, high] = [toNumber(from), toNumber(to)];
    return low === null || high === null ? null : [low, high];
  }
  try {
    const { address, prefix } = parseNetwork(text);
    const size = 2 ** (32 - prefix);
    const low = Math.floor((toNumber(address) ?? 0) / size) * size;
    return [low, low + size - 1];
  } catch {
    return null;
  }
}
