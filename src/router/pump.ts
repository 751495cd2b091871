import type { RawSocket } from '../agent/raw-socket';
import { describeErrno, type SystemCalls } from '../agent/system-calls';
import type { Sent, Side } from '../linux22';
import type { PacketSocket } from './packet-socket';

/** struct pollfd: descriptor, events, returned events. */
const POLLFD = 8;
const POLLIN = 1;
/** The largest packet there is. */
const LARGEST = 65_535;
/** Packets read of one side before the other has its turn. */
const TURN = 64;
/** Turns before commands that have come in have theirs. */
const TURNS = 16;
/** The longest wait for packets, in milliseconds: the clock may have been set meanwhile. */
const LONGEST_WAIT = 60_000;

/** What is done with packets, and when something is to be done without any. */
export interface Pumped {
  receive(from: Side, packet: Buffer): readonly Sent[];
  /** Lets happen what is due. @returns milliseconds until something else will be; null: nothing */
  tick(): number | null;
  /** A packet could not be sent. */
  unsent(reason: string): void;
}

/**
 * Moves packets: from the interfaces to the firewall, and from there out. Waits in poll(2), on another thread,
 * and reads all there is without waiting once that returns.
 */
export class Pump {
  readonly #buffer = Buffer.alloc(LARGEST);
  readonly #descriptors: Buffer;
  readonly #calls: SystemCalls;
  readonly #sockets: Readonly<Record<Side, PacketSocket>>;
  readonly #output: RawSocket;
  readonly #pumped: Pumped;

  constructor(
    calls: SystemCalls,
    sockets: Readonly<Record<Side, PacketSocket>>,
    output: RawSocket,
    pumped: Pumped,
  ) {
    this.#calls = calls;
    this.#sockets = sockets;
    this.#output = output;
    this.#pumped = pumped;
    const all = [sockets.inside, sockets.outside];
    this.#descriptors = Buffer.alloc(all.length * POLLFD);
    for (const [index, { descriptor }] of all.entries()) {
      this.#descriptors.writeInt32LE(descriptor, index * POLLFD);
      this.#descriptors.writeInt16LE(POLLIN, index * POLLFD + 4);
    }
  }

  /** Packets that came and found no room. */
  lost(): number {
    return this.#sockets.inside.lost() + this.#sockets.outside.lost();
  }

  /** Moves what there is, then waits for more, for ever. */
  run(): void {
    if (this.settle()) this.#wait();
    else
      setImmediate(() => {
        this.run();
      });
  }

  /** Moves what there is, and what that brings about. @returns whether nothing was left */
  settle(): boolean {
    for (let turn = 0; turn < TURNS; turn += 1) {
      const inside = this.#drain('inside');
      const outside = this.#drain('outside');
      if (inside && outside) return true;
    }
    return false;
  }

  #wait(): void {
    const due = this.#pumped.tick();
    const milliseconds = due === null ? LONGEST_WAIT : Math.min(LONGEST_WAIT, Math.max(0, Math.ceil(due)));
    this.#calls.poll(this.#descriptors, 2, milliseconds, () => {
      this.run();
    });
  }

  /** @returns whether nothing was left */
  #drain(side: Side): boolean {
    const socket = this.#sockets[side];
    for (let count = 0; count < TURN; count += 1) {
      const size = socket.receive(this.#buffer);
      if (size < 0) return true;
      if (size === 0) continue;
      for (const { to, packet } of this.#pumped.receive(side, this.#buffer.subarray(0, size))) {
        if (to !== 'local') this.#send(packet);
      }
    }
    return false;
  }

  #send(packet: Buffer): void {
    const errno = this.#output.attempt(packet);
    if (errno !== 0) this.#pumped.unsent(describeErrno(errno).text);
  }
}
