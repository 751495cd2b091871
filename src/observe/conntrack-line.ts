import type { ConntrackEvent, RawEvent, Tuple } from './event';

const CHANGES: Readonly<Record<string, 'new' | 'update' | 'destroy'>> = {
  NEW: 'new',
  UPDATE: 'update',
  DESTROY: 'destroy',
};

/**
 * Reads a line of `conntrack -E -o timestamp` (conntrack-tools 1.4), or of `conntrack -E expect`.
 * Null for a line that is no event.
 */
export function parseConntrackLine(line: string): RawEvent | null {
  // The microseconds are printed without leading zeros (%-6ld): ".64946 " means 0.064946 s.
  const head = /^\[(\d+)\s*\.(\d+)\s*\]\s+\[(NEW|UPDATE|DESTROY)\]\s+(.*)$/.exec(line);
  const [, seconds = '', microseconds = '', word = '', rest = ''] = head ?? [];
  const change = CHANGES[word];
  if (!change) return null;
  const fields = [...rest.matchAll(/(?:^|\s)([a-z-]+)=(\S*)/g)].map(
    ([, name = '', value = '']) => [name, value] as const,
  );
  const protocol = /(?:^|\s)(tcp|udp|icmp)\s/.exec(rest)?.[1] ?? protocolName(fields);
  const helper = fields.find(([name]) => name === 'helper')?.[1] ?? null;
  const original = tuple(fields, 0);
  if (!original) return null;
  const expected = fields.some(([name]) => name === 'master-src');
  const event: Omit<ConntrackEvent, 'id'> = {
    kind: 'conntrack',
    at: Number(seconds) + Number(microseconds) / 1e6,
    vantage: 'conntrack',
    text: `${expected ? 'expectation ' : ''}${word} ${rest.replace(/\s+/g, ' ').trim()}`,
    change: expected ? (change === 'new' ? 'expect-new' : 'expect-destroy') : change,
    protocol,
    timeout: timeoutOf(rest),
    state: /\s([A-Z][A-Z_0-9]+)\s+src=/.exec(rest)?.[1] ?? '',
    original,
    reply: expected ? null : tuple(fields, 1),
    master: expected ? tuple(fields, 0, 'master-') : null,
    helper,
  };
  return event;
}

/** The number that conntrack prints after the protocol's; it prints none of an entry that is gone. */
function timeoutOf(rest: string): number | null {
  const seconds = /^[a-z]+\s+\d+\s+(\d+)\s/.exec(rest)?.[1];
  return seconds === undefined ? null : Number(seconds);
}

function protocolName(fields: readonly (readonly [string, string])[]): string {
  const number = fields.find(([name]) => name === 'proto')?.[1];
  return number === '6' ? 'tcp' : (number ?? '');
}

/**
 * The n-th src/dst/sport/dport group. conntrack prints an expectation's master as
 * `master-src= master-dst= sport= dport=`: its ports have no prefix of their own.
 */
function tuple(fields: readonly (readonly [string, string])[], n: number, prefix = ''): Tuple | null {
  const at = fields.flatMap(([name], index) => (name === `${prefix}src` ? [index] : []))[n];
  if (at === undefined) return null;
  const after = (name: string): string =>
    fields.slice(at).find(([candidate]) => candidate === name)?.[1] ?? '';
  return {
    source: after(`${prefix}src`),
    destination: after(`${prefix}dst`),
    sourcePort: Number(after('sport') || 0),
    destinationPort: Number(after('dport') || 0),
  };
}
