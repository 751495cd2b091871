import { isIPv4 } from 'node:net';
import {
  AUTHORITATIVE_ANSWER,
  decode,
  encode,
  RECURSION_AVAILABLE,
  RECURSION_DESIRED,
  TRUNCATED_RESPONSE,
  type Answer,
  type DecodedPacket,
  type Packet,
  type Question,
} from 'dns-packet';

// Response codes (RFC 1035 §4.1.1).
const NOERROR = 0;
const NXDOMAIN = 3;
const NOTIMP = 4;
const REFUSED = 5;

/** A UDP answer's size unless the query says more (RFC 1035 §4.2.1, RFC 6891 §6.2.3). */
const UDP_BYTES = 512;
/** What we say we take over UDP ourselves: fits every path's packets. */
const OUR_UDP_BYTES = 1232;
/** Not to be kept: each look-up is to cross the firewall (RFC 1035 §3.2.1). */
const TTL_SECONDS = 0;
const HEADER = 12;

/** What a resolver knows. */
export interface Zone {
  /** IPv4 address by host name, in lower case and without a dot at the end */
  readonly addresses: ReadonlyMap<string, string>;
  /** every answer over UDP is cut short */
  readonly truncate: boolean;
}

/** A query's name, and the answer to it; or why there is none. */
export type Answered = { readonly name: string; readonly reply: Buffer } | { readonly problem: string };

/**
 * The names a resolver answers for.
 *
 * @throws an Error that names the host whose address is not IPv4
 */
export function zoneOf(names: Readonly<Record<string, string>>, truncate: boolean): Zone {
  const addresses = new Map<string, string>();
  for (const [name, address] of Object.entries(names)) {
    if (!isIPv4(address)) {
      throw new Error(
        `the address of ${name} is "${address}"; allowed: an IPv4 address such as 203.0.113.20`,
      );
    }
    addresses.set(canonical(name), address);
  }
  return { addresses, truncate };
}

/**
 * Answers one DNS message, pure: bytes in, bytes out. A name of the zone has its A record and none of any
 * other type; other names do not exist. Over UDP an answer that is too long, or that the zone cuts short,
 * carries the TC bit and no records, which sends the client to TCP (RFC 1035 §4.2, RFC 7766 §5).
 *
 * What is no query, or cannot be read, gets no answer: it may be anything, from anybody.
 */
export function answer(message: Buffer, zone: Zone, transport: 'udp' | 'tcp'): Answered {
  try {
    const query = decode(message);
    if (query.type !== 'query') return { problem: 'a response, where queries are answered' };
    const [question, ...others] = query.questions ?? [];
    if (!question || others.length > 0) {
      return { problem: `${query.questions?.length ?? 0} questions, where one is answered` };
    }
    if (!canBeRepeated(question, message)) return { problem: 'a name or class no host name has' };
    return { name: question.name, reply: replyTo(query, question, zone, transport) };
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) };
  }
}

function replyTo(query: DecodedPacket, question: Question, zone: Zone, transport: 'udp' | 'tcp'): Buffer {
  const { code, answers } = look(query, question, zone);
  const limits = (query.additionals ?? []).flatMap((record) =>
    record.type === 'OPT' ? [record.udpPayloadSize] : [],
  );
  const packet: Packet = {
    type: 'response',
    id: query.id,
    flags:
      ((query.flags ?? 0) & (OPCODE_BITS | RECURSION_DESIRED)) |
      (AUTHORITATIVE_ANSWER | RECURSION_AVAILABLE | code),
    questions: [question],
    answers,
    // A client that speaks EDNS is answered in it (RFC 6891 §7).
    additionals: limits.length > 0 ? [OUR_OPT] : [],
  };
  const whole = encode(packet);
  const room = Math.max(UDP_BYTES, ...limits);
  if (transport === 'tcp' || (!zone.truncate && whole.length <= room)) return whole;
  return encode({ ...packet, flags: (packet.flags ?? 0) | TRUNCATED_RESPONSE, answers: [] });
}

const OPCODE_BITS = 0x7800;
const OUR_OPT: Answer = {
  ...{ type: 'OPT', name: '.', udpPayloadSize: OUR_UDP_BYTES },
  ...{ extendedRcode: 0, ednsVersion: 0, flags: 0, flag_do: false, options: [] },
};

/** The response code and records for a question. */
function look(query: DecodedPacket, question: Question, zone: Zone): { code: number; answers: Answer[] } {
  if (((query.flags ?? 0) & OPCODE_BITS) !== 0) return { code: NOTIMP, answers: [] };
  if (question.class !== 'IN' && question.class !== 'ANY') return { code: REFUSED, answers: [] };
  const address = zone.addresses.get(canonical(question.name));
  if (address === undefined) return { code: NXDOMAIN, answers: [] };
  const types: readonly string[] = ['A', 'ANY'];
  if (!types.includes(question.type)) return { code: NOERROR, answers: [] };
  const record: Answer = { type: 'A', name: question.name, class: 'IN', ttl: TTL_SECONDS, data: address };
  return { code: NOERROR, answers: [record] };
}

/** Names are compared without regard to case (RFC 4343). */
function canonical(name: string): string {
  return name.replace(/\.$/, '').toLowerCase();
}

/**
 * Whether the question survives being read as text and written again. Labels may hold any bytes, dots
 * among them (RFC 2181 §11); an answer to another question than was asked would help nobody.
 */
function canBeRepeated(question: Question, message: Buffer): boolean {
  const written = encode({ type: 'query', questions: [question] }).subarray(HEADER);
  return written.equals(message.subarray(HEADER, HEADER + written.length));
}
