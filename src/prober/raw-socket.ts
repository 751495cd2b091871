import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { getSystemErrorMap } from 'node:util';
import type * as Koffi from 'koffi';
import { addressBytes } from './probe-packet';

/**
 * koffi's native part for each C library, beside the bundle. Its JavaScript part only looks for these
 * files, in places a bundle does not have, and takes six times as long to load.
 */
const NATIVE_FILES = ['koffi-glibc.node', 'koffi-musl.node'];

// From Linux' socket.h, in.h and ip(7).
const AF_INET = 2;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0o2000000;
const IPPROTO_RAW = 255;
const SOL_IP = 0;
const IP_RECVERR = 11;
const MSG_DONTWAIT = 0x40;
const SOCKADDR_IN = 16;

/** The C library's functions that are needed. Each returns −1 on an error, then `errno` says which. */
export interface SocketFunctions {
  readonly socket: (domain: number, type: number, protocol: number) => number;
  readonly setsockopt: (
    ...args: [socket: number, level: number, option: number, value: Buffer, length: number]
  ) => number;
  readonly sendto: (
    ...args: [socket: number, data: Buffer, size: number, flags: number, to: Buffer, toSize: number]
  ) => number;
  readonly errno: () => number;
}

/**
 * Finds the C library's socket functions through koffi.
 *
 * @param directory where koffi's native files are
 * @throws an Error that says what became of each file
 */
export function loadSocketFunctions(directory: string): SocketFunctions {
  const koffi = loadKoffi(directory);
  // The C library is part of this very process.
  const library = koffi.load(null);
  return {
    socket: library.func('socket', 'int', ['int', 'int', 'int']) as SocketFunctions['socket'],
    setsockopt: library.func('setsockopt', 'int', [
      ...['int', 'int', 'int', 'const void *', 'uint32_t'],
    ]) as SocketFunctions['setsockopt'],
    sendto: library.func('sendto', 'long', [
      ...['int', 'const void *', 'size_t', 'int', 'const void *', 'uint32_t'],
    ]) as SocketFunctions['sendto'],
    errno: () => koffi.errno(),
  };
}

function loadKoffi(directory: string): typeof Koffi {
  const failures: string[] = [];
  for (const name of NATIVE_FILES) {
    const file = join(directory, name);
    try {
      if (!existsSync(file)) throw new Error('not there');
      const native = { exports: {} as typeof Koffi };
      process.dlopen(native, file);
      return native.exports;
    } catch (error) {
      failures.push(`${name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  throw new Error(
    `Can't load koffi, which raw sockets are opened with, from ${directory} (${failures.join('; ')}). ` +
      'npm run build copies it there from the packages npm run setup installs.',
  );
}

/** A raw IPv4 socket, to send with only: raw(7). */
export class RawSocket {
  private readonly descriptor: number;

  /**
   * Opens it. IPPROTO_RAW implies IP_HDRINCL: packets come with their IP header, and nothing is received.
   *
   * @throws an Error; without CAP_NET_RAW in this network namespace it says so
   */
  constructor(private readonly functions: SocketFunctions) {
    this.descriptor = functions.socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
    if (this.descriptor < 0) {
      const { name, text } = describe(functions.errno());
      const remedy = name === 'EPERM' ? '. Raw sockets need CAP_NET_RAW, in the network namespace too' : '';
      throw new Error(`Can't open a raw socket: ${text}${remedy}`);
    }
    // Without it the kernel keeps quiet about a packet that a full queue swallowed (raw_send_hdrinc).
    if (functions.setsockopt(this.descriptor, SOL_IP, IP_RECVERR, nativeInt(1), 4) < 0) {
      throw new Error(`Can't have a raw socket report full queues: ${describe(functions.errno()).text}`);
    }
  }

  /**
   * Sends one packet. Does not wait.
   *
   * @param packet an IPv4 packet with its header
   * @returns false when the socket or the interface has no room for it just now
   * @throws an Error that says where it was going and what the kernel had against it
   */
  send(packet: Buffer, destination: string): boolean {
    const { sendto, errno } = this.functions;
    const to = socketAddress(destination);
    if (sendto(this.descriptor, packet, packet.length, MSG_DONTWAIT, to, to.length) >= 0) return true;
    const { name, text } = describe(errno());
    if (name === 'EAGAIN' || name === 'ENOBUFS') return false;
    const cause = name === 'EPERM' ? ': a rule of the sending host itself drops it' : '';
    throw new Error(`Can't send a packet to ${destination}: ${text}${cause}`);
  }
}

/** A struct sockaddr_in: family in the machine's order, port (raw sockets have none), address, padding. */
function socketAddress(address: string): Buffer {
  const bytes = Buffer.alloc(SOCKADDR_IN);
  bytes.set(nativeInt(AF_INET).subarray(0, 2), 0);
  bytes.set(addressBytes(address), 4);
  return bytes;
}

/** A C int. koffi knows little-endian machines only, so the low bytes come first. */
function nativeInt(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return bytes;
}

function describe(errno: number): { name: string; text: string } {
  const [name, text] = getSystemErrorMap().get(-errno) ?? [`errno ${errno}`, 'an error without a name'];
  return { name, text: `${text} (${name})` };
}
