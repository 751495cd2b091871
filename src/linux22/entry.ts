import { printAddress } from './addresses';
import { ICMP, TCP } from './packet';
import type { State } from './states';
import type { Timed } from './timer-queue';

/** Which of the module's two roles watches an entry: a client's control connection, or a forwarded server's. */
export type FtpRole = 'client' | 'server';

/** A packet of a connection whose length was changed, and by how much sequence numbers are shifted from there on. */
export interface Resize {
  /** its sequence number, as the inside counts */
  readonly at: number;
  /** bytes up to it, and after it */
  readonly before: number;
  readonly after: number;
}

/** One masqueraded connection (net/ip_masq.h, struct ip_masq); addresses and ports as numbers. */
export class Entry implements Timed {
  /** of the host behind the firewall; for ICMP the port is the identifier */
  readonly insideAddress: number;
  insidePort: number;
  /** of the firewall, as the world sees it */
  readonly outsideAddress: number;
  readonly outsidePort: number;
  /** of the host in the world; for ICMP the port is type and code */
  remoteAddress: number;
  remotePort: number;
  /** IP_MASQ_F_NO_DPORT: the first packet from the remote address brings its port */
  anyRemotePort: boolean;
  /** it began as one with any remote port */
  readonly openedOutside: boolean;
  /** IP_MASQ_F_NO_SPORT: the first packet from the inside brings its port */
  anyInsidePort: boolean;
  /** IP_MASQ_F_NO_DADDR: the first packet from the remote port brings its address */
  anyRemoteAddress: boolean;
  /** IP_MASQ_F_DLOOSE: whoever answers, answers */
  readonly anyRemote: boolean;
  /** IP_MASQ_F_MPORT: the outside port was asked for, not handed out; so it is with forwarded ports */
  readonly givenPort: boolean;

  /** a packet has come from the world for it: IP_MASQ_F_NO_REPLY is off */
  answered = false;
  /** whether anybody has been told of it */
  announced = false;
  /** when anybody was last told of its timer; and its last start since then, if that was not told */
  toldAt = 0;
  untoldAt: number | null = null;
  state: State = 'NONE';
  /** seconds: what its timer was last set to */
  timeout = 0;
  expires = Infinity;
  queueIndex = -1;
  queueKey = 0;

  /** the control connection this data connection belongs to (ip_masq_control_add) */
  control: Entry | null = null;
  /** how many entries have this one as their control connection */
  controls = 0;
  /** bound when the entry is made, and for its life (ip_masq_bind_app) */
  ftp: FtpRole | null = null;
  /** PASV has gone out and no 227 has come yet */
  awaitsPassive = false;

  /** packets whose length was changed, the latest last (ip_masq_app.c, struct ip_masq_seq) */
  readonly resizes: Resize[] = [];
  /** the sequence number, as the inside counts, that comes next; null until something has been seen */
  nextSequence: number | null = null;

  /** grows with each time that an entry comes into a bucket */
  linked = 0;
  /** next in the bucket of the table's two directions */
  inboundNext: Entry | null = null;
  outboundNext: Entry | null = null;

  constructor(
    readonly id: number,
    readonly protocol: number,
    fields: {
      readonly insideAddress: number;
      readonly insidePort: number;
      readonly outsideAddress: number;
      readonly outsidePort: number;
      readonly remoteAddress: number;
      readonly remotePort: number;
      readonly anyRemotePort: boolean;
      readonly anyInsidePort: boolean;
      readonly anyRemoteAddress: boolean;
      readonly anyRemote: boolean;
      readonly givenPort: boolean;
    },
  ) {
    this.insideAddress = fields.insideAddress;
    this.insidePort = fields.insidePort;
    this.outsideAddress = fields.outsideAddress;
    this.outsidePort = fields.outsidePort;
    this.remoteAddress = fields.remoteAddress;
    this.remotePort = fields.remotePort;
    this.anyRemotePort = fields.anyRemotePort;
    this.openedOutside = fields.anyRemotePort;
    this.anyInsidePort = fields.anyInsidePort;
    this.anyRemoteAddress = fields.anyRemoteAddress;
    this.anyRemote = fields.anyRemote;
    this.givenPort = fields.givenPort;
  }
}

/** An address and a port; port 0: not known yet. */
export interface End {
  readonly address: string;
  readonly port: number;
}

/** An entry as it was at one moment. Times in seconds of the clock that is given from outside. */
export interface EntryView {
  /** the same through the life of an entry, never used again */
  readonly id: number;
  readonly protocol: 'tcp' | 'udp' | 'icmp';
  /** the host behind the firewall; its port is 0 until known (after a 227); for ICMP the identifier */
  readonly inside: End;
  /** the firewall's end */
  readonly outside: End;
  /** the host in the world; its port is 0 until known (after a PORT); for ICMP type × 256 + code */
  readonly remote: End;
  readonly state: State;
  /** what its timer was last set to */
  readonly timeout: number;
  readonly expires: number;
  /** the id of its control connection's entry */
  readonly control: number | null;
  /** made by a forwarded port */
  readonly forwarded: boolean;
  /** made for a connection that the world opens, as a PORT foretold */
  readonly awaitsRemote: boolean;
  /** whether ip_masq_ftp reads it */
  readonly ftp: boolean;
}

export function viewOf(entry: Entry): EntryView {
  const end = (address: number, port: number): End => ({ address: printAddress(address), port });
  return {
    id: entry.id,
    protocol: entry.protocol === TCP ? 'tcp' : entry.protocol === ICMP ? 'icmp' : 'udp',
    inside: end(entry.insideAddress, entry.insidePort),
    outside: end(entry.outsideAddress, entry.outsidePort),
    remote: end(entry.remoteAddress, entry.remotePort),
    state: entry.state,
    timeout: entry.timeout,
    expires: entry.expires,
    control: entry.control?.id ?? null,
    forwarded: entry.givenPort,
    awaitsRemote: entry.openedOutside,
    ftp: entry.ftp !== null,
  };
}
