// A control connection's stream through PORT rewriting, over a network that loses, repeats and reorders.
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Firewall22, KERNELS } from '../../src/linux22';
import { Bench, FIREWALL, MASQUERADING, SERVER, only, seen } from './bench-firewall';
import { tcp } from './packets';

const ISN = 1000;

interface Line {
  readonly text: string;
  /** where it is cut into segments */
  readonly cuts: readonly number[];
  /** which of all segments so far arrive at the firewall, and whether they get on to the server */
  readonly arrivals: readonly { readonly pick: number; readonly lost: boolean }[];
}

const command = fc.oneof(
  fc
    .record({ high: fc.integer({ min: 4, max: 255 }), low: fc.nat(255) })
    .map(({ high, low }) => ({ high, low })),
  fc.constantFrom('NOOP\r\n', 'RETR a\r\n', 'CWD /a/rather/long/name\r\n', 'X\r\n'),
);
const line = (host: string): fc.Arbitrary<Line> =>
  fc.record({
    text: command.map((one) =>
      typeof one === 'string' ? one : `PORT ${host.replaceAll('.', ',')},${one.high},${one.low}\r\n`,
    ),
    cuts: fc.oneof(
      { weight: 4, arbitrary: fc.constant([]) },
      { weight: 1, arbitrary: fc.array(fc.integer({ min: 1, max: 20 }), { maxLength: 3 }) },
    ),
    arrivals: fc.array(fc.record({ pick: fc.nat(1000), lost: fc.boolean() }), { maxLength: 8 }),
  });

/** A client, the firewall, and a server that puts the stream together. */
class Session {
  readonly #firewall: Firewall22;
  readonly #segments: { readonly sequence: number; readonly payload: string }[] = [];
  readonly #arrived = new Map<number, string>();
  #sequence = ISN + 1;
  #port: number;
  /** what the server should have in the end */
  expected = '';
  /** what the module made of a PORT, each time it came by */
  #rewritten: string[] = [];

  constructor(
    private readonly kernel: (typeof KERNELS)[number],
    private readonly host: string,
  ) {
    const inside = { address: host.replace(/\d+$/, '1'), prefix: 24 };
    this.#firewall = new Firewall22({
      kernel,
      interfaces: { inside, outside: { address: FIREWALL, prefix: 24 } },
      now: 0,
    });
    for (const one of [
      'echo 1 > /proc/sys/net/ipv4/ip_forward',
      'modprobe ip_masq_ftp',
      'ipchains -A forward -j MASQ',
    ])
      this.#firewall.run(one, 0);
    this.#firewall.onEvent((event) => {
      if (event.kind === 'rewritten')
        this.#rewritten.push(
          `${event.after.address}.${event.after.port >> 8}.${event.after.port & 255}`.replaceAll('.', ','),
        );
    });
    this.#port = only(this.#send('S', ISN, '')).sourcePort;
    this.#firewall.receive(
      'outside',
      tcp({ ...this.#back(), flags: 'SA', sequence: 5000, acknowledgement: ISN + 1 }),
      0,
    );
    this.#send('A', ISN + 1, '');
  }

  #back() {
    return { source: SERVER, destination: FIREWALL, sourcePort: 21, destinationPort: this.#port };
  }

  #send(flags: string, sequence: number, payload: string) {
    const ends = { source: this.host, destination: SERVER, sourcePort: 1025, destinationPort: 21 };
    return this.#firewall.receive('inside', tcp({ ...ends, flags, sequence, payload }), 0);
  }

  /** Sends one line and waits until the server has all of it, as an FTP client does. */
  play({ text, cuts, arrivals }: Line): void {
    const first = this.#segments.length;
    const ends = [...new Set(cuts.filter((cut) => cut < text.length)), text.length].toSorted((a, b) => a - b);
    let from = 0;
    for (const end of ends) {
      this.#segments.push({ sequence: this.#sequence + from, payload: text.slice(from, end) });
      from = end;
    }
    this.#rewritten = [];
    for (const { pick, lost } of arrivals) this.#arrive(pick % this.#segments.length, lost);
    // In the end everything is sent again, in order, and nothing is lost.
    for (let index = first; index < this.#segments.length; index += 1) this.#arrive(index, false);
    const whole = ends.length === 1 && text.startsWith('PORT ');
    if (whole) expect(new Set(this.#rewritten).size).toBe(1);
    this.expected += whole ? `PORT ${this.#rewritten[0] ?? ''}\r\n` : text;
    this.#sequence += text.length;
    expect(this.received()).toBe(this.expected);
    this.#acknowledge();
  }

  #arrive(index: number, lost: boolean): void {
    const segment = this.#segments[index];
    if (!segment) return;
    const before = this.#rewritten.length;
    const sent = seen(this.#send('PA', segment.sequence, segment.payload));
    // Earlier lines that come again say nothing of this one.
    if (segment.sequence < this.#sequence) this.#rewritten.length = before;
    for (const { sequence, payload } of sent) {
      if (lost) continue;
      // What the server has it keeps (RFC 9293 §3.10.7.4).
      for (let at = 0; at < payload.length; at += 1) {
        const place = sequence + at;
        if (!this.#arrived.has(place)) this.#arrived.set(place, payload.charAt(at));
      }
    }
  }

  received(): string {
    let text = '';
    for (let at = ISN + 1; this.#arrived.has(at); at += 1) text += this.#arrived.get(at) ?? '';
    return text;
  }

  /**
   * The server acknowledges all it has; the client must hear that it is all it sent. From 2.2.14 it may not: see
   * kernel-facts.test.ts.
   */
  #acknowledge(): void {
    const acknowledgement = ISN + 1 + this.received().length;
    const heard = only(
      this.#firewall.receive('outside', tcp({ ...this.#back(), sequence: 5001, acknowledgement }), 0),
    );
    if (this.kernel === '2.2.19') expect(heard.acknowledgement).toBe(this.#sequence);
  }
}

// Its text is longer than the firewall's, shorter, or as long.
test.each(
  KERNELS.flatMap((kernel) =>
    ['10.100.100.200', '10.0.0.2', '192.0.100.9'].map((host) => [kernel, host] as const),
  ),
)('%s, client %s: the server gets the stream with only the PORT lines changed', (kernel, host) => {
  fc.assert(
    fc.property(fc.array(line(host), { minLength: 1, maxLength: 12 }), (lines) => {
      const session = new Session(kernel, host);
      for (const one of lines) session.play(one);
      return session.received() === session.expected;
    }),
    { numRuns: 150, seed: 22 },
  );
});

test.each(['10.100.100.200', '10.0.0.2'])('a hundred transfers in a row from %s', (host) => {
  const session = new Session('2.2.19', host);
  const port = `PORT ${host.replaceAll('.', ',')},200,100\r\n`;
  for (let count = 0; count < 100; count += 1) {
    session.play({ text: port, cuts: [], arrivals: [{ pick: 0, lost: false }] });
    session.play({ text: 'RETR a\r\n', cuts: [], arrivals: [] });
  }
});

test('a segment that overtakes the PORT before it is dropped, and sent again it fits', () => {
  const bench = new Bench('2.2.14', [...MASQUERADING, 'modprobe ip_masq_ftp']);
  bench.open();
  const port = { flags: 'PA', sequence: 1001, payload: 'PORT 10,0,0,2,4,2\r\n' };
  const next = { flags: 'PA', sequence: 1001 + port.payload.length, payload: 'NOOP\r\n' };
  expect(bench.out(next)).toEqual([]);
  expect(bench.firewall.refusals()).toEqual({ 'ahead of a gap': 1 });
  const rewritten = only(bench.out(port)).payload;
  expect(only(bench.out(next))).toMatchObject({ sequence: 1001 + rewritten.length, payload: 'NOOP\r\n' });
});

test('a command cut in its last number is left alone', () => {
  const session = new Session('2.2.19', '10.0.0.2');
  session.play({ text: 'PORT 10,0,0,2,200,100\r\n', cuts: [20], arrivals: [] });
  expect(session.received()).toBe('PORT 10,0,0,2,200,100\r\n');
});
