import {
  describeErrno,
  MSG_DONTWAIT,
  nativeInt,
  remedyFor,
  reserve,
  setOption,
  SOCK_CLOEXEC,
  type SystemCalls,
} from './system-calls';

// From Linux' socket.h, in.h and ip(7).
const AF_INET = 2;
const SOCK_RAW = 3;
const IPPROTO_RAW = 255;
const SOL_IP = 0;
const IP_RECVERR = 11;
const SOCKADDR_IN = 16;
/** Where the destination stands in an IPv4 header (RFC 791 §3.1), and in a struct sockaddr_in. */
const DESTINATION = 16;
const SIN_ADDR = 4;

/** A raw IPv4 socket, to send with only: raw(7). */
export class RawSocket {
  private readonly descriptor: number;
  /** a struct sockaddr_in: family in the machine's order, port (raw sockets have none), address, padding */
  private readonly to = Buffer.alloc(SOCKADDR_IN);

  /**
   * Opens it. IPPROTO_RAW implies IP_HDRINCL: packets come with their IP header, and nothing is received.
   *
   * @param room bytes that may wait in it, for a neighbour's link-layer address above all; left out: the system's
   *   default, some hundred packets
   * @throws an Error; without CAP_NET_RAW in this network namespace it says so
   */
  constructor(
    private readonly calls: SystemCalls,
    room?: number,
  ) {
    this.descriptor = calls.socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
    if (this.descriptor < 0) {
      const { name, text } = describeErrno(calls.errno());
      throw new Error(`Can't open a raw socket: ${text}${remedyFor(name)}`);
    }
    // Without it the kernel keeps quiet about a packet that a full queue swallowed (raw_send_hdrinc).
    if (!setOption(calls, this.descriptor, SOL_IP, IP_RECVERR, 1)) {
      throw new Error(`Can't have a raw socket report full queues: ${describeErrno(calls.errno()).text}`);
    }
    if (room !== undefined) reserve(calls, this.descriptor, 'send', room);
    this.to.set(nativeInt(AF_INET).subarray(0, 2), 0);
  }

  /**
   * Sends one packet where its header says. Does not wait.
   *
   * @param packet an IPv4 packet with its header
   * @returns false when the socket or the interface has no room for it just now
   * @throws an Error that says where it was going and what the kernel had against it
   */
  send(packet: Buffer): boolean {
    const errno = this.attempt(packet);
    if (errno === 0) return true;
    const { name, text } = describeErrno(errno);
    if (name === 'EAGAIN' || name === 'ENOBUFS') return false;
    const cause = name === 'EPERM' ? ': a rule of the sending host itself drops it' : '';
    const destination = packet.subarray(DESTINATION, DESTINATION + 4).join('.');
    throw new Error(`Can't send a packet to ${destination}: ${text}${cause}`);
  }

  /** Sends one packet where its header says. Does not wait. @returns the errno; 0: it has left */
  attempt(packet: Buffer): number {
    const { calls, to } = this;
    packet.copy(to, SIN_ADDR, DESTINATION, DESTINATION + 4);
    const sent = calls.sendto(this.descriptor, packet, packet.length, MSG_DONTWAIT, to, SOCKADDR_IN);
    return sent >= 0 ? 0 : calls.errno();
  }
}
