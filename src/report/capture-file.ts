import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Leg, PacketEvent } from '../observe/event';
import { decodePacket } from '../observe/packet';
import { PcapReader, type CapturedPacket } from '../observe/pcap';
import { cut } from './escape';
import type { ReportRun } from './for-report';
import { packetComments } from './packet-comments';
import { enhancedPacket, interfaceDescription, interfaceStatistics, sectionHeader } from './pcapng';

/** Both legs in one file, with comments. */
export const CAPTURE_FILE = 'capture.pcapng';

const LEGS = ['inside', 'outside'] as const;
const READ_BYTES = 256 * 1024;
const WRITE_BYTES = 1024 * 1024;
/** Seconds by which packets of one capture may be out of order; seen are some 20 µs. */
const MOST_DISORDER = 0.005;
const APPLICATION = 'FTP firewall lab';

/**
 * Writes one pcapng of both legs, from inside.pcap and outside.pcap in the same folder, in the order of
 * time. Packets that matter carry a comment, and each leg is an interface of its own. Streamed: a long
 * capture takes no more memory than a short one.
 *
 * @returns the file's name; null when the run has no captures
 *
 * @throws the system's error, or an Error when a capture is damaged
 */
export function writeCaptureFile(directory: string, run: ReportRun, snapLength: number): string | null {
  const legs = LEGS.filter((leg) => run.artifacts.captures.some((file) => file === `${leg}.pcap`));
  if (legs.length === 0) return null;
  const comments = new Commentator(run);
  const out = new Output(join(directory, CAPTURE_FILE));
  try {
    out.write(sectionHeader(APPLICATION, about(run)));
    for (const leg of legs) out.write(interfaceDescription(leg, describeLeg(run, leg), snapLength));
    let last = 0;
    const sources = legs.map((leg) => settled(packetsOf(join(directory, `${leg}.pcap`))));
    for (const [number, packet] of inOrder(sources)) {
      const leg = legs[number] ?? 'inside';
      out.write(enhancedPacket(number, packet, comments.commentOn(leg, packet)));
      last = packet.at;
    }
    for (const [number, leg] of legs.entries()) {
      const record = run.captures.find((capture) => capture.leg === leg);
      if (!record) continue;
      const counts = { received: record.packets + record.lost, dropped: record.lost };
      out.write(interfaceStatistics(number, last, counts));
    }
  } finally {
    out.close();
  }
  return CAPTURE_FILE;
}

function about({ scenario, title, claim, engine, kernel }: ReportRun): string {
  return [`${scenario}: ${title}`, claim, `engine ${engine}, Linux ${kernel}`]
    .map((line) => cut(line, 1000))
    .join('\n');
}

function describeLeg({ topology }: ReportRun, leg: Leg): string {
  const address = topology.hosts.firewall.interfaces[leg === 'inside' ? 0 : 1]?.address ?? 'unknown';
  const near = leg === 'inside' ? topology.behind : topology.behind === 'client' ? 'server' : 'client';
  return `the firewall's ${leg} leg, ${address}, towards the ${near}`;
}

/** The packets of a pcap file, one after another. */
function* packetsOf(file: string): Generator<CapturedPacket> {
  const descriptor = openSync(file, 'r');
  try {
    const reader = new PcapReader();
    for (;;) {
      // The packets point into it, so that each piece needs a buffer of its own.
      const chunk = Buffer.allocUnsafeSlow(READ_BYTES);
      const length = readSync(descriptor, chunk);
      if (length === 0) return;
      const packets: CapturedPacket[] = [];
      reader.push(chunk.subarray(0, length), (packet) => packets.push(packet));
      yield* packets;
    }
  } finally {
    closeSync(descriptor);
  }
}

/**
 * A capture by time. The kernel takes a packet's time before its place in the capture's ring (tpacket_rcv in
 * net/packet/af_packet.c), so where two processors handle packets at once, one may stand behind a later one.
 */
function* settled(packets: Iterable<CapturedPacket>): Generator<CapturedPacket> {
  const held: CapturedPacket[] = [];
  let latest = 0;
  for (const packet of packets) {
    latest = Math.max(latest, packet.at);
    const after = held.findLastIndex(({ at }) => at <= packet.at);
    held.splice(after + 1, 0, packet);
    const ripe = held.findIndex(({ at }) => at >= latest - MOST_DISORDER);
    yield* held.splice(0, ripe);
  }
  yield* held;
}

/** Merges captures by time; each packet comes with the number of its source. */
function* inOrder(sources: readonly Iterator<CapturedPacket>[]): Generator<[number, CapturedPacket]> {
  const heads = sources.map((source) => source.next());
  for (;;) {
    let first = -1;
    let at = Number.POSITIVE_INFINITY;
    for (const [number, head] of heads.entries()) {
      if (head.done === true || head.value.at >= at) continue;
      first = number;
      at = head.value.at;
    }
    const head = heads[first];
    const source = sources[first];
    if (!head || head.done === true || !source) return;
    yield [first, head.value];
    heads[first] = source.next();
  }
}

/**
 * Finds the event of a packet, and so what is to be said of it. Events and packets of a leg are in the
 * same order, so of packets that look alike the first is the first event's.
 */
class Commentator {
  private readonly comments: ReadonlyMap<string, string>;
  private readonly waiting = new Map<string, { readonly ids: string[]; next: number }>();

  constructor(run: ReportRun) {
    this.comments = packetComments(run);
    for (const event of run.events) {
      if (event.kind !== 'packet') continue;
      const look = appearance(event.leg, event);
      const alike = this.waiting.get(look);
      if (alike) alike.ids.push(event.id);
      else this.waiting.set(look, { ids: [event.id], next: 0 });
    }
  }

  commentOn(leg: Leg, packet: CapturedPacket): string | null {
    const headers = decodePacket(packet.data);
    const alike = headers && this.waiting.get(appearance(leg, headers));
    if (!alike) return null;
    const id = alike.ids[alike.next];
    alike.next += 1;
    return id === undefined ? null : (this.comments.get(id) ?? null);
  }
}

type Headers = Omit<PacketEvent, 'payload' | 'kind' | 'id' | 'at' | 'vantage' | 'text' | 'leg'>;

function appearance(leg: Leg, of: Headers): string {
  return `${leg} ${of.protocol} ${of.source}:${of.sourcePort} ${of.destination}:${of.destinationPort} ${of.flags} ${of.sequence} ${of.length}`;
}

/** A file written in large pieces, from one buffer: a long capture leaves no garbage behind here. */
class Output {
  private readonly descriptor: number;
  private readonly buffer = Buffer.allocUnsafeSlow(WRITE_BYTES);
  private filled = 0;

  constructor(file: string) {
    this.descriptor = openSync(file, 'w');
  }

  write(piece: Buffer): void {
    if (this.filled + piece.length > this.buffer.length) this.flush();
    if (piece.length > this.buffer.length) this.writeAll(piece);
    else this.filled += piece.copy(this.buffer, this.filled);
  }

  close(): void {
    try {
      this.flush();
    } finally {
      closeSync(this.descriptor);
    }
  }

  private flush(): void {
    this.writeAll(this.buffer.subarray(0, this.filled));
    this.filled = 0;
  }

  private writeAll(bytes: Buffer): void {
    for (let offset = 0; offset < bytes.length;) offset += writeSync(this.descriptor, bytes, offset);
  }
}
