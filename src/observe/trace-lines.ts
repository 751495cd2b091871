import { CUT } from '../agent/lines';
import type { TracedHeaders } from './event';

/** What a line of a trace says of a packet, in one chain. */
export interface TraceLine {
  /** the kernel's name of the packet's buffer: it tells packets apart that are under way at once, and is used again */
  readonly id: string;
  readonly family: string;
  readonly table: string;
  readonly chain: string;
  readonly said:
    | { readonly kind: 'packet'; readonly packet: TracedHeaders }
    | { readonly kind: 'rule'; readonly handle: number; readonly verdict: string }
    /** the policy of a base chain, or the end of another one */
    | { readonly kind: 'end'; readonly verdict: string };
}

/** nft says so when the kernel could not deliver: the socket was full. */
const LOST = '# ERROR: We lost some netlink events!';
const HEAD = /^trace id ([0-9a-f]{8}) (ip|ip6|inet|arp|bridge|netdev) (\S+) (\S+) (.*)$/s;
/**
 * How a rule's line ends. What comes before is the rule's text, with comments and log prefixes that may look the
 * same, so only the last counts; behind it stands nothing anybody could have written but the name of a chain, and
 * that has no blank.
 */
const RULE = /^rule .* # handle (\d+) \(verdict ([a-z]+(?: \S+)?)\)\s*$/s;
const WHOLE = / # handle \d+ \(verdict [a-z]+(?: \S+)?\)\s*$/;
/** A rule that was loaded after nft had looked at the ruleset. */
const UNKNOWN_RULE = /^unknown rule handle (\d+) \(verdict ([a-z]+(?: \S+)?)\)\s*$/;
const END = /^(?:policy|verdict) ([a-z]+)(?: meta mark 0x[0-9a-f]+)?\s*$/;
/** A text in a rule may hold a few newlines; what goes on longer is something else. */
const MAX_CONTINUED = 16;

/**
 * Reads `nft -a monitor trace` (nftables 1.0), line by line. A rule's comment or log prefix may contain newlines,
 * which nft prints as they are: what comes after one is part of the rule, whatever it looks like.
 */
export class TraceLines {
  /** lines of no known form */
  unread = 0;
  private begun: string[] = [];

  push(line: string): TraceLine | 'lost' | null {
    if (this.begun.length > 0) return this.goOn(line);
    if (line === LOST) return 'lost';
    const [, id = '', family = '', table = '', chain = '', rest = ''] = HEAD.exec(line) ?? [];
    if (rest.startsWith('rule ') && !isWhole(line) && !line.endsWith(CUT)) {
      this.begun = [line];
      return null;
    }
    const said = read(rest);
    if (said) return { id, family, table, chain, said };
    if (line.trim() !== '') this.unread += 1;
    return null;
  }

  private goOn(line: string): TraceLine | null {
    this.begun.push(line);
    const text = this.begun.join('\n');
    if (!isWhole(text)) {
      if (this.begun.length <= MAX_CONTINUED) return null;
      this.unread += this.begun.length;
      this.begun = [];
      return null;
    }
    this.begun = [];
    const [, id = '', family = '', table = '', chain = '', rest = ''] = HEAD.exec(text) ?? [];
    const said = read(rest);
    return said ? { id, family, table, chain, said } : null;
  }
}

/** Whether a rule's text is all there: its ending is, and every text in it is closed. */
function isWhole(text: string): boolean {
  return WHOLE.test(text) && !endsInText(text);
}

/**
 * Whether a rule's text ends within quotes. nft escapes nothing: a log prefix that iptables has loaded may hold
 * quotes. Behind a real one there is never a letter.
 */
function endsInText(text: string): boolean {
  if (!text.includes('"')) return false;
  let within = false;
  for (let at = text.indexOf('"'); at >= 0; at = text.indexOf('"', at + 1)) {
    if (within) within = !/[\s,:})]|^$/.test(text.charAt(at + 1));
    else within = /[\s{(,]/.test(text.charAt(at - 1));
  }
  return within;
}

function read(rest: string): TraceLine['said'] | null {
  if (rest.startsWith('packet: ')) {
    const packet = readHeaders(rest.slice('packet: '.length));
    return packet && { kind: 'packet', packet };
  }
  const rule = RULE.exec(rest) ?? UNKNOWN_RULE.exec(rest);
  if (rule) return { kind: 'rule', handle: Number(rule[1]), verdict: rule[2] ?? '' };
  const end = END.exec(rest);
  return end ? { kind: 'end', verdict: end[1] ?? '' } : null;
}

/** An interface that came after nft had listed them has only its number. */
const INTERFACES = /^(?:iif (?:"(\S*)"|(\d+)) )?(?:oif (?:"(\S*)"|(\d+)) )?/;

function readHeaders(text: string): TracedHeaders | null {
  const interfaces = INTERFACES.exec(text) ?? [];
  const rest = ` ${text.slice((interfaces[0] ?? '').length)}`;
  const field = (name: string): string | undefined => new RegExp(` ${name} (\\S+)`).exec(rest)?.[1];
  const ip = rest.includes(' ip6 saddr ') ? 'ip6' : 'ip';
  const [source, destination] = [field(`${ip} saddr`), field(`${ip} daddr`)];
  if (source === undefined || destination === undefined) return null;
  return {
    source,
    destination,
    ...transport(field),
    flags: flagsIn(/ tcp flags (?:== )?(.+?) tcp window /.exec(rest)?.[1] ?? ''),
    in: interfaces[1] ?? interfaces[2] ?? null,
    out: interfaces[3] ?? interfaces[4] ?? null,
    identification: Number(field('ip id') ?? 0),
    totalLength: Number(field(`${ip} length`) ?? 0),
  };
}

function transport(
  field: (name: string) => string | undefined,
): Pick<TracedHeaders, 'protocol' | 'sourcePort' | 'destinationPort'> {
  for (const protocol of ['tcp', 'udp'] as const) {
    const [from, to] = [field(`${protocol} sport`), field(`${protocol} dport`)];
    if (from !== undefined && to !== undefined)
      return { protocol, sourcePort: Number(from), destinationPort: Number(to) };
  }
  const type = field('icmp type');
  if (type === undefined) return { protocol: 'other', sourcePort: 0, destinationPort: 0 };
  const code = field('icmp code') ?? '0';
  return {
    protocol: 'icmp',
    sourcePort: ICMP_TYPES[type] ?? Number(type),
    destinationPort: ICMP_CODES[code] ?? Number(code),
  };
}

const FLAGS = [
  ['S', 'syn', 0x02],
  ['F', 'fin', 0x01],
  ['R', 'rst', 0x04],
  ['P', 'psh', 0x08],
  ['A', 'ack', 0x10],
  ['U', 'urg', 0x20],
] as const;

/** nft names one flag and gives several as a number; later versions name them all. */
function flagsIn(text: string): string {
  const number = Number(text);
  const named = text.split(/[\s,|]+/);
  return FLAGS.map(([letter, name, bit]) => (number & bit || named.includes(name) ? letter : '')).join('');
}

/** As nft names them (src/datatype.c and src/proto.c of nftables; RFC 792, RFC 1812 §5.2.7.1). */
const ICMP_TYPES: Readonly<Record<string, number>> = {
  'echo-reply': 0,
  'destination-unreachable': 3,
  'source-quench': 4,
  redirect: 5,
  'echo-request': 8,
  'router-advertisement': 9,
  'router-solicitation': 10,
  'time-exceeded': 11,
  'parameter-problem': 12,
  'timestamp-request': 13,
  'timestamp-reply': 14,
  'info-request': 15,
  'info-reply': 16,
  'address-mask-request': 17,
  'address-mask-reply': 18,
};
/** Of whatever type: nft gives a code the name that it has among those of unreachable destinations. */
const ICMP_CODES: Readonly<Record<string, number>> = {
  'net-unreachable': 0,
  'host-unreachable': 1,
  'prot-unreachable': 2,
  'port-unreachable': 3,
  'frag-needed': 4,
  'net-prohibited': 9,
  'host-prohibited': 10,
  'admin-prohibited': 13,
};
