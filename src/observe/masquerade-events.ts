import type { EntryView, Event22 } from '../linux22';
import type { RouterEvent } from '../router/messages';
import type { ConntrackEvent, LogEvent, RawEvent, Tuple } from './event';

type MasqueradeEvent = Extract<Event22, { kind: 'masquerade' }>;

const HELPER = 'ip_masq_ftp';

/**
 * What a Linux 2.2 firewall tells of its masquerade table, in the words of connection tracking, so that
 * whatever reads one reads the other: an entry that ip_masq_ftp makes before there is a data connection is an
 * expectation until its first packet. Pure, but for what it remembers of the entries.
 */
export class MasqueradeEvents {
  /** entries whose first packet has not come, by their id: as they were foretold */
  readonly #foretold = new Map<number, ConntrackWithoutId>();
  /** control connections, by the id of their entry */
  readonly #controls = new Map<number, Tuple>();

  /** @param timeScale seconds of the firewall's clock per second of the run */
  constructor(private readonly timeScale: number) {}

  /** The events one report amounts to; times in epoch seconds. */
  take({ at, event }: RouterEvent): RawEvent[] {
    switch (event.kind) {
      case 'masquerade':
        return this.#changed(at, event);
      case 'data-expected':
        return [];
      case 'rewritten': {
        const { command, before, after, grown } = event;
        const ends = `${before.address}:${before.port} became ${after.address}:${after.port}`;
        return [log(at, 'conntrack', `${HELPER} rewrote ${command}: ${ends} (${signed(grown)} bytes)`)];
      }
      case 'port-refused':
        return [log(at, 'conntrack', `${HELPER} left PORT as it is: port ${event.asked.port} is guarded`)];
      case 'log':
        return [log(at, 'rules', event.line)];
      case 'refused':
        return [log(at, 'rules', `dropped by no rule: ${event.reason} (${event.count} so far)`)];
      case 'unsent':
        return [log(at, 'rules', `could not be sent: ${event.reason} (${event.count} so far)`)];
      case 'typed':
        return [log(at, 'rules', `typed: ${event.line}${event.code === 0 ? '' : ` (code ${event.code})`}`)];
    }
  }

  #changed(at: number, event: MasqueradeEvent): RawEvent[] {
    const { change, entry } = event;
    const tuples = { original: originalOf(entry), reply: replyOf(entry) };
    if (change === 'new' && entry.control !== null) {
      const master = this.#controls.get(entry.control) ?? null;
      const foretold = { ...this.#told(at, event, 'expect-new', { ...tuples, reply: null }), master };
      this.#foretold.set(entry.id, foretold);
      return [foretold];
    }
    if (entry.ftp && change === 'new') this.#controls.set(entry.id, tuples.original);
    if (change === 'expired') this.#controls.delete(entry.id);
    const foretold = this.#foretold.get(entry.id);
    if (!foretold) return [this.#told(at, event, WORDS[change].change, tuples)];
    // A PORT that comes again starts the timer anew.
    if (change === 'refreshed' || change === 'kept') return [];
    this.#foretold.delete(entry.id);
    const fulfilled: RawEvent = {
      ...foretold,
      at,
      change: 'expect-destroy',
      text: foretold.text.replace('NEW', change === 'expired' ? 'EXPIRED' : 'FULFILLED'),
    };
    return change === 'expired' ? [fulfilled] : [fulfilled, this.#told(at, event, 'new', tuples)];
  }

  #told(...args: Parameters<typeof told>): ConntrackWithoutId {
    const event = told(...args);
    const { timeout = null } = event;
    return { ...event, timeout: timeout === null ? null : timeout / this.timeScale };
  }
}

type ConntrackWithoutId = Omit<ConntrackEvent, 'id'>;

const WORDS: Readonly<
  Record<MasqueradeEvent['change'], { readonly change: ConntrackEvent['change']; readonly word: string }>
> = {
  new: { change: 'new', word: 'NEW' },
  update: { change: 'update', word: 'UPDATE' },
  refreshed: { change: 'refresh', word: 'REFRESH' },
  kept: { change: 'refresh', word: 'KEPT for its data connection' },
  expired: { change: 'destroy', word: 'EXPIRED' },
};

function told(
  at: number,
  { change: what, entry, left }: MasqueradeEvent,
  change: ConntrackEvent['change'],
  { original, reply }: { original: Tuple; reply: Tuple | null },
): ConntrackWithoutId {
  const { protocol, state, timeout } = entry;
  const helper = entry.ftp ? HELPER : null;
  const word = change === 'new' || change === 'expect-new' ? 'NEW' : WORDS[what].word;
  const timer =
    what === 'expired'
      ? ''
      : `${left === null ? '' : `${seconds(left)} s were left, `}${seconds(timeout)} s to live`;
  const parts = [
    `${change === 'expect-new' ? 'expectation ' : ''}${word} ${protocol} ${state}`,
    tupleText(original),
    reply ? tupleText(reply) : '',
    helper ? `helper=${helper}` : '',
    entry.forwarded ? 'forwarded' : '',
    timer === '' ? '' : `(${timer})`,
  ];
  return {
    kind: 'conntrack',
    at,
    vantage: 'conntrack',
    text: parts.filter((part) => part !== '').join(' '),
    change,
    ...{ protocol, state, original, reply, master: null, helper },
    timeout: what === 'expired' ? null : timeout,
  };
}

/** As the initiator sent it: the world, where a port is forwarded or the module opened one; else the inside. */
function originalOf(entry: EntryView): Tuple {
  const { inside, outside, remote } = entry;
  return isOpenedOutside(entry) ? tuple(remote, outside) : tuple(inside, remote);
}

function replyOf(entry: EntryView): Tuple {
  const { inside, outside, remote } = entry;
  return isOpenedOutside(entry) ? tuple(inside, remote) : tuple(remote, outside);
}

/**
 * Whether the world opened the connection, or is to. The entry for an active data connection (a PORT) knows its
 * inside port from the beginning, the one for a passive one (a 227) its remote port.
 */
function isOpenedOutside({ forwarded, awaitsRemote }: EntryView): boolean {
  return forwarded || awaitsRemote;
}

function tuple(from: EntryView['inside'], to: EntryView['inside']): Tuple {
  return {
    source: from.address,
    destination: to.address,
    sourcePort: from.port,
    destinationPort: to.port,
  };
}

function tupleText({ source, destination, sourcePort, destinationPort }: Tuple): string {
  return `src=${source} dst=${destination} sport=${sourcePort} dport=${destinationPort}`;
}

function log(at: number, vantage: LogEvent['vantage'], line: string): RawEvent {
  return { kind: 'log', at, vantage, text: line, line };
}

function signed(amount: number): string {
  return amount > 0 ? `+${amount}` : String(amount);
}

function seconds(amount: number): string {
  return String(Math.round(amount * 10) / 10);
}
