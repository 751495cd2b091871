import { Entry, type FtpRole } from './entry';
import type { KernelLog } from './kernel-log';
import { ICMP, TCP, UDP } from './packet';
import { defaultTimeouts, nextTcpState, STATES, type State } from './states';
import { TimerQueue } from './timer-queue';

/** Ports handed out, both included (net/ip_masq.h, PORT_MASQ_BEGIN and PORT_MASQ_END, which is one more). */
export const FIRST_PORT = 61_000;
export const LAST_PORT = 65_095;
const PORTS = LAST_PORT - FIRST_PORT + 1;
/** Each port is handed out to so many at once, to different remote ends (ip_masq.c, PORT_MASQ_MUL). */
const MULTIPLE = 10;
/** Entries a protocol may have on ports that are handed out (ip_masq.c, ip_masq_free_ports). */
export const TABLE_LIMIT = PORTS * MULTIPLE;
/** Entries on ports that were asked for: the kernel has no limit but its memory. */
export const GIVEN_LIMIT = 65_536;
const BUCKETS = 32_768;
/** The part of a timer that must have run down for its next start to be told of: else every packet would be. */
const NOTABLE = 1 / 50;

/** What became of an entry. */
export type EntryChange =
  /** made by a packet or by the module */
  | 'new'
  /** its state is another */
  | 'update'
  /** a packet has set its timer anew, after a notable part of it had run down */
  | 'refreshed'
  /** its timer ran out while a data connection of its was still there: it lives two minutes more */
  | 'kept'
  /** its timer ran out */
  | 'expired';

/** What an entry is to be made of; ports that are not known yet are left 0. */
export interface NewEntry {
  readonly protocol: number;
  readonly outsideAddress: number;
  /** a certain port, as for forwarded ports; without it one is handed out */
  readonly outsidePort?: number;
  readonly insideAddress: number;
  readonly insidePort: number;
  readonly remoteAddress: number;
  readonly remotePort: number;
  readonly anyRemotePort?: boolean;
  readonly anyInsidePort?: boolean;
}

/** The table of masqueraded connections (ip_masq.c). Times in seconds, given from outside. */
export class MasqueradeTable {
  readonly timeouts = defaultTimeouts();
  readonly #udpLoose: (insidePort: number) => boolean;
  readonly #log: Pick<KernelLog, 'complain' | 'forgive'>;
  readonly #inbound: (Entry | null)[] = new Array<Entry | null>(BUCKETS).fill(null);
  readonly #outbound: (Entry | null)[] = new Array<Entry | null>(BUCKETS).fill(null);
  readonly #timers = new TimerQueue<Entry>();
  readonly #entries = new Set<Entry>();
  /** entries on ports handed out, by protocol; and on ports asked for */
  readonly #used = new Map<number, number>([
    [TCP, 0],
    [UDP, 0],
    [ICMP, 0],
  ]);
  #usedGiven = 0;
  #nextPort = FIRST_PORT;
  #nextId = 1;
  #links = 0;
  #ftpEntries = 0;
  readonly #changed: (change: EntryChange, entry: Entry, at: number, left: number | null) => void;
  readonly #bind: (entry: Entry) => FtpRole | null;

  /**
   * @param changed is told of all that becomes of entries
   * @param bind says whether ip_masq_ftp reads a new entry (ip_masq_app.c, ip_masq_bind_app)
   * @param udpLoose whether whoever answers may answer to UDP from an inside port
   */
  constructor(
    changed: (change: EntryChange, entry: Entry, at: number, left: number | null) => void,
    bind: (entry: Entry) => FtpRole | null,
    udpLoose: (insidePort: number) => boolean,
    log: Pick<KernelLog, 'complain' | 'forgive'>,
  ) {
    this.#log = log;
    this.#udpLoose = udpLoose;
    this.#changed = changed;
    this.#bind = bind;
  }

  /**
   * Makes every timeout at least so many seconds, but for TIME_WAIT's: that one is given to control connections as
   * well, which is told of, and no packet of a connection that is used waits for it.
   */
  raiseTimeouts(least: number): void {
    for (const state of STATES) {
      if (state !== 'TIME_WAIT') this.timeouts[state] = Math.max(this.timeouts[state], least);
    }
  }

  /** How many entries ip_masq_ftp is bound to. */
  get ftpEntries(): number {
    return this.#ftpEntries;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** All entries, the oldest first. */
  entries(): Iterable<Entry> {
    return this.#entries;
  }

  /** All entries as /proc/net/ip_masquerade has them: by the kernel's buckets, the last that came into one first. */
  listed(): Entry[] {
    return [...this.#entries].sort(
      (one, other) => kernelBucket(one) - kernelBucket(other) || other.linked - one.linked,
    );
  }

  /**
   * The entry a packet from the world belongs to (ip_masq.c, __ip_masq_in_get): an exact one first, then one
   * that does not know its remote end yet.
   */
  findInbound(
    protocol: number,
    remoteAddress: number,
    remotePort: number,
    outsideAddress: number,
    outsidePort: number,
  ): Entry | null {
    const exact = hash(protocol, outsidePort, remoteAddress, remotePort);
    for (let entry = this.#inbound[exact] ?? null; entry; entry = entry.inboundNext) {
      if (
        entry.remotePort === remotePort &&
        entry.remoteAddress === remoteAddress &&
        entry.outsidePort === outsidePort &&
        entry.outsideAddress === outsideAddress &&
        entry.protocol === protocol &&
        !entry.anyRemotePort &&
        !entry.anyRemoteAddress &&
        !entry.anyRemote
      )
        return entry;
    }
    for (
      let entry = this.#inbound[hash(protocol, outsidePort, 0, 0)] ?? null;
      entry;
      entry = entry.inboundNext
    ) {
      if (
        entry.outsidePort === outsidePort &&
        entry.outsideAddress === outsideAddress &&
        entry.protocol === protocol &&
        (entry.remoteAddress === remoteAddress || entry.anyRemoteAddress || entry.anyRemote) &&
        (entry.remotePort === remotePort || entry.anyRemotePort || entry.anyRemote)
      )
        return entry;
    }
    return null;
  }

  /**
   * The entry a packet from the inside belongs to (ip_masq.c, __ip_masq_out_get): by both its ends first,
   * then by an entry that does not know its inside port yet.
   */
  findOutbound(
    protocol: number,
    insideAddress: number,
    insidePort: number,
    remoteAddress: number,
    remotePort: number,
  ): Entry | null {
    const exact = hash(protocol ^ insideAddress, insidePort, remoteAddress, remotePort);
    for (let entry = this.#outbound[exact] ?? null; entry; entry = entry.outboundNext) {
      if (
        entry.remotePort === remotePort &&
        entry.remoteAddress === remoteAddress &&
        entry.insidePort === insidePort &&
        entry.insideAddress === insideAddress &&
        entry.protocol === protocol &&
        isExactOutbound(entry)
      )
        return entry;
    }
    return (
      this.#findVagueOutbound(protocol, insideAddress, insidePort, remoteAddress, remotePort, false) ??
      this.#findVagueOutbound(protocol, insideAddress, 0, remoteAddress, remotePort, true)
    );
  }

  #findVagueOutbound(
    protocol: number,
    insideAddress: number,
    insidePort: number,
    remoteAddress: number,
    remotePort: number,
    anyInsidePort: boolean,
  ): Entry | null {
    const bucket = hash(protocol ^ insideAddress, insidePort, 0, 0);
    for (let entry = this.#outbound[bucket] ?? null; entry; entry = entry.outboundNext) {
      if (
        entry.protocol === protocol &&
        entry.insideAddress === insideAddress &&
        (anyInsidePort ? entry.anyInsidePort : entry.insidePort === insidePort) &&
        (entry.remoteAddress === remoteAddress || entry.anyRemoteAddress || entry.anyRemote) &&
        (entry.remotePort === remotePort || entry.anyRemotePort || entry.anyRemote)
      )
        return entry;
    }
    return null;
  }

  /**
   * Makes an entry in state NONE (ip_masq.c, ip_masq_new). Its outside port is the next one that no entry
   * for the same remote end has; the inside host's own port is never kept.
   *
   * @returns null: the table is full, no port is free, or the port asked for is taken
   */
  create(fields: NewEntry, now: number): Entry | null {
    const { protocol, outsideAddress, remoteAddress, remotePort } = fields;
    const given = fields.outsidePort !== undefined;
    const used = this.#used.get(protocol);
    if (used === undefined) return null;
    if (given && this.#usedGiven >= GIVEN_LIMIT) return this.#complain(protocol, 'no memory available.');
    if (!given && used >= TABLE_LIMIT) return this.#complain(protocol, 'no free ports.');
    const isFree = (port: number): boolean =>
      !this.findInbound(protocol, remoteAddress, remotePort, outsideAddress, port);
    const outsidePort = fields.outsidePort ?? this.#freePort(isFree);
    if (outsidePort === null)
      return this.#complain(protocol, `could not get free masq entry (free=${TABLE_LIMIT - used}).`);
    if (given && !isFree(outsidePort)) return null;
    if (given) this.#usedGiven += 1;
    else {
      this.#used.set(protocol, used + 1);
      this.#log.forgive();
    }
    const loose = this.#udpLoose(fields.insidePort);
    const entry = new Entry(this.#nextId, protocol, {
      ...fields,
      outsidePort,
      anyRemotePort: fields.anyRemotePort ?? false,
      anyInsidePort: fields.anyInsidePort ?? false,
      anyRemoteAddress: protocol === UDP && !given && !loose,
      anyRemote: protocol === UDP && !given && loose,
      givenPort: given,
    });
    this.#nextId += 1;
    this.bind(entry, this.#bind(entry));
    this.#entries.add(entry);
    this.#link(entry);
    entry.timeout = this.timeouts.NONE;
    entry.expires = now + entry.timeout;
    this.#timers.add(entry);
    return entry;
  }

  #complain(protocol: number, what: string): null {
    this.#log.complain(`IP_MASQ:ip_masq_new(proto=${protocolName(protocol)}): ${what}`);
    return null;
  }

  /** How many more entries a protocol can have on ports that are handed out (ip_masq.c, ip_masq_free_ports). */
  free(protocol: number): number {
    return TABLE_LIMIT - (this.#used.get(protocol) ?? 0);
  }

  /** Has ip_masq_ftp read an entry, for good; null: it does not. */
  bind(entry: Entry, role: FtpRole | null): void {
    entry.ftp = role;
    if (role) this.#ftpEntries += 1;
  }

  #freePort(isFree: (port: number) => boolean): number | null {
    for (let tried = 0; tried < PORTS; tried += 1) {
      const port = this.#nextPort;
      this.#nextPort = port === LAST_PORT ? FIRST_PORT : port + 1;
      if (isFree(port)) return port;
    }
    return null;
  }

  /** Fills in the inside port that the first packet from there has. */
  learnInsidePort(entry: Entry, port: number): void {
    this.#unlink(entry);
    entry.anyInsidePort = false;
    entry.insidePort = port;
    this.#link(entry);
  }

  /** Fills in what is not known yet of the remote end (ip_masq.c, ip_fw_demasquerade); where any answers, the last one that did. */
  learnRemote(entry: Entry, address: number, port: number): void {
    if (entry.anyRemote) {
      // Its buckets do not depend on the remote end.
      entry.remoteAddress = address;
      entry.remotePort = port;
      return;
    }
    if (!entry.anyRemotePort && !entry.anyRemoteAddress) return;
    this.#unlink(entry);
    if (entry.anyRemotePort) entry.remotePort = port;
    if (entry.anyRemoteAddress) entry.remoteAddress = address;
    entry.anyRemotePort = false;
    entry.anyRemoteAddress = false;
    this.#link(entry);
  }

  /**
   * What every packet of an entry does, whatever its direction: the state follows, and the timer is set to
   * the state's timeout as it is now (ip_masq.c, masq_set_state and ip_masq_put).
   */
  touch(entry: Entry, direction: 'input' | 'output', flags: number, now: number): void {
    if (direction === 'input') entry.answered = true;
    const state =
      entry.protocol === TCP
        ? nextTcpState(entry.state, direction, flags)
        : entry.protocol === UDP
          ? 'UDP'
          : 'ICMP';
    this.arm(entry, state, now);
  }

  /** Sets state and timer (ip_masq.c, masq_set_state_timeout), and tells of a new entry or a new state. */
  arm(entry: Entry, state: State, now: number): void {
    const change = !entry.announced
      ? 'new'
      : entry.state !== state
        ? 'update'
        : now - entry.toldAt >= entry.timeout * NOTABLE
          ? 'refreshed'
          : null;
    if (change !== null) this.#tellUntold(entry);
    const left = change === 'new' ? null : entry.expires - now;
    entry.state = state;
    entry.timeout = this.timeouts[state];
    entry.expires = now + entry.timeout;
    this.#timers.moved(entry);
    entry.announced = true;
    if (change === null) entry.untoldAt = now;
    else this.#tell(change, entry, now, left);
  }

  #tell(change: EntryChange, entry: Entry, at: number, left: number | null): void {
    entry.toldAt = at;
    entry.untoldAt = null;
    this.#changed(change, entry, at, left);
  }

  /** The last start of its timer that was too soon after another to be told of: what comes next is counted from it. */
  #tellUntold(entry: Entry): void {
    const { untoldAt, toldAt, timeout } = entry;
    if (untoldAt !== null && untoldAt > toldAt)
      this.#tell('refreshed', entry, untoldAt, timeout - (untoldAt - toldAt));
  }

  /** Sets the timer anew without a packet (ip_masq.c, ip_masq_put). */
  rearm(entry: Entry, now: number): void {
    entry.expires = now + entry.timeout;
    this.#timers.moved(entry);
  }

  /** Makes one connection the control connection of another (ip_masq.c, ip_masq_control_add). */
  attach(entry: Entry, control: Entry): void {
    if (entry.control) entry.control.controls -= 1;
    entry.control = control;
    control.controls += 1;
  }

  /** When the next timer runs out; null: there is none. */
  deadline(): number | null {
    return this.#timers.next()?.expires ?? null;
  }

  /**
   * Lets all timers run out that are due, in their order (ip_masq.c, masq_expire): a control connection with
   * a data connection left gets the TIME_WAIT timeout, again and again; the others go.
   */
  expire(now: number): void {
    for (let entry = this.#timers.next(); entry && entry.expires <= now; entry = this.#timers.next()) {
      const at = entry.expires;
      this.#tellUntold(entry);
      if (entry.controls > 0) {
        entry.timeout = this.timeouts.TIME_WAIT;
        entry.expires = at + entry.timeout;
        this.#tell('kept', entry, at, 0);
        continue;
      }
      // Nobody has heard of one whose first packet was dropped.
      if (entry.announced) this.#tell('expired', entry, at, 0);
      this.#remove(entry);
    }
  }

  #remove(entry: Entry): void {
    this.#timers.remove(entry);
    this.#unlink(entry);
    this.#entries.delete(entry);
    if (entry.ftp) this.#ftpEntries -= 1;
    if (entry.control) entry.control.controls -= 1;
    entry.control = null;
    if (entry.givenPort) this.#usedGiven -= 1;
    else this.#used.set(entry.protocol, (this.#used.get(entry.protocol) ?? 1) - 1);
  }

  #link(entry: Entry): void {
    this.#links += 1;
    entry.linked = this.#links;
    const inbound = inboundBucket(entry);
    entry.inboundNext = this.#inbound[inbound] ?? null;
    this.#inbound[inbound] = entry;
    const outbound = outboundBucket(entry);
    entry.outboundNext = this.#outbound[outbound] ?? null;
    this.#outbound[outbound] = entry;
  }

  #unlink(entry: Entry): void {
    const inbound = inboundBucket(entry);
    if (this.#inbound[inbound] === entry) this.#inbound[inbound] = entry.inboundNext;
    else {
      let before = this.#inbound[inbound] ?? null;
      while (before && before.inboundNext !== entry) before = before.inboundNext;
      if (before) before.inboundNext = entry.inboundNext;
    }
    const outbound = outboundBucket(entry);
    if (this.#outbound[outbound] === entry) this.#outbound[outbound] = entry.outboundNext;
    else {
      let before = this.#outbound[outbound] ?? null;
      while (before && before.outboundNext !== entry) before = before.outboundNext;
      if (before) before.outboundNext = entry.outboundNext;
    }
  }
}

/** ip_masq.c, masq_proto_name. */
export function protocolName(protocol: number): string {
  return protocol === TCP ? 'TCP' : protocol === UDP ? 'UDP' : protocol === ICMP ? 'ICMP' : '???';
}

/** Whether both its ends are known, so that the bucket depends on both (ip_masq.c, ip_masq_hash). */
function isExactOutbound(entry: Entry): boolean {
  return !isVague(entry) && !entry.anyInsidePort;
}

/** Whether its remote end is not, or never, known (ip_masq.h, MASQ_DADDR_PASS and MASQ_DPORT_PASS). */
function isVague(entry: Entry): boolean {
  return entry.anyRemotePort || entry.anyRemoteAddress || entry.anyRemote;
}

function inboundBucket(entry: Entry): number {
  return isVague(entry)
    ? hash(entry.protocol, entry.outsidePort, 0, 0)
    : hash(entry.protocol, entry.outsidePort, entry.remoteAddress, entry.remotePort);
}

function outboundBucket(entry: Entry): number {
  const one = entry.protocol ^ entry.insideAddress;
  return isExactOutbound(entry)
    ? hash(one, entry.insidePort, entry.remoteAddress, entry.remotePort)
    : hash(one, entry.insidePort, 0, 0);
}

/**
 * The remote port as the kernel takes it out of its memory: for ICMP type and code stand there the wrong way round, on
 * a PC (ip_masq.c, icmp_hv_req), so that a ping has 8.
 */
export function remotePortWord({ protocol, remotePort }: Entry): number {
  return protocol === ICMP ? ((remotePort & 0xff) << 8) | (remotePort >> 8) : remotePort;
}

/** ip_masq.c, ip_masq_hash and ip_masq_hash_key: the bucket of ip_masq_m_table, of IP_MASQ_TAB_SIZE. */
export function kernelBucket(entry: Entry): number {
  const { protocol, outsideAddress, outsidePort, remoteAddress } = entry;
  const remote = isVague(entry) ? 0 : remoteAddress ^ remotePortWord(entry);
  return (protocol ^ outsideAddress ^ outsidePort ^ remote) & 0xff;
}

function hash(one: number, port: number, address: number, otherPort: number): number {
  let mixed = Math.imul(one ^ address, 0x9e3779b1) ^ Math.imul(port ^ (otherPort << 16), 0x85ebca6b);
  mixed ^= mixed >>> 15;
  return mixed & (BUCKETS - 1);
}
