import {
  describeErrno,
  MSG_DONTWAIT,
  nativeInt,
  remedyFor,
  reserve,
  setOption,
  SOCK_CLOEXEC,
  type SystemCalls,
} from '../agent/system-calls';

// From Linux' socket.h, if_packet.h, if_ether.h and packet(7).
const AF_PACKET = 17;
const SOCK_DGRAM = 2;
const ETH_P_IP = 0x0800;
const SOL_PACKET = 263;
const PACKET_STATISTICS = 6;
const PACKET_IGNORE_OUTGOING = 23;
/** struct sockaddr_ll: family, protocol, interface, hardware type, packet type, address length, address */
const SOCKADDR_LL = 20;
const PACKET_TYPE = 10;
const PACKET_HOST = 0;

/** What the kernel holds back of a burst while the router is kept waiting; it counts as twice that. */
const RECEIVE_BUFFER = 16 * 2 ** 20;

/**
 * The IPv4 packets that come in on one interface, as they come, without the link's header: packet(7). Only
 * those addressed to this host's own link-layer address, whatever else a capture has the interface show.
 */
export class PacketSocket {
  readonly descriptor: number;
  private readonly from = Buffer.alloc(SOCKADDR_LL);
  private readonly fromSize = nativeInt(SOCKADDR_LL);
  private dropped = 0;

  /** @throws an Error; without CAP_NET_RAW in this network namespace it says so */
  constructor(
    private readonly calls: SystemCalls,
    interfaceName: string,
  ) {
    // Protocol 0: nothing comes in before it is bound to its interface.
    this.descriptor = calls.socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const failed = (what: string): Error => {
      const { name, text } = describeErrno(calls.errno());
      return new Error(`Can't ${what}: ${text}${remedyFor(name)}`);
    };
    if (this.descriptor < 0) throw failed('open a packet socket');
    const index = calls.if_nametoindex(interfaceName);
    if (index === 0) throw new Error(`There is no interface ${interfaceName} here`);
    reserve(calls, this.descriptor, 'receive', RECEIVE_BUFFER);
    // Since Linux 4.20; what an older kernel shows of packets going out is told by their type.
    setOption(calls, this.descriptor, SOL_PACKET, PACKET_IGNORE_OUTGOING, 1);
    const address = Buffer.alloc(SOCKADDR_LL);
    address.writeUInt16LE(AF_PACKET, 0);
    address.writeUInt16BE(ETH_P_IP, 2);
    address.writeInt32LE(index, 4);
    if (calls.bind(this.descriptor, address, SOCKADDR_LL) < 0) throw failed(`listen on ${interfaceName}`);
  }

  /**
   * Reads the next packet that is there. Does not wait.
   *
   * @returns its bytes in the buffer; 0: it is not for this host; −1: there is none
   */
  receive(buffer: Buffer): number {
    const { calls, descriptor, from, fromSize } = this;
    const size = calls.recvfrom(descriptor, buffer, buffer.length, MSG_DONTWAIT, from, fromSize);
    if (size < 0) return -1;
    return from[PACKET_TYPE] === PACKET_HOST ? size : 0;
  }

  /** How many packets found no room since it was opened. */
  lost(): number {
    // struct tpacket_stats: packets, drops; asking sets both to zero.
    const statistics = Buffer.alloc(8);
    if (this.calls.getsockopt(this.descriptor, SOL_PACKET, PACKET_STATISTICS, statistics, nativeInt(8)) >= 0)
      this.dropped += statistics.readUInt32LE(4);
    return this.dropped;
  }
}
