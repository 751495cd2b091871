import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { getSystemErrorMap } from 'node:util';
import type * as Koffi from 'koffi';

/**
 * koffi's native part for each C library, beside the bundle. Its JavaScript part only looks for these
 * files, in places a bundle does not have, and takes six times as long to load.
 */
const NATIVE_FILES = ['koffi-glibc.node', 'koffi-musl.node'];

/** The C library's functions that are needed. Each returns −1 on an error, then `errno` says which. */
export interface SystemCalls {
  readonly socket: (domain: number, type: number, protocol: number) => number;
  readonly bind: (socket: number, address: Buffer, size: number) => number;
  readonly setsockopt: (
    ...args: [socket: number, level: number, option: number, value: Buffer, length: number]
  ) => number;
  readonly getsockopt: (
    ...args: [socket: number, level: number, option: number, value: Buffer, length: Buffer]
  ) => number;
  readonly sendto: (
    ...args: [socket: number, data: Buffer, size: number, flags: number, to: Buffer, toSize: number]
  ) => number;
  readonly recvfrom: (
    ...args: [socket: number, data: Buffer, size: number, flags: number, from: Buffer, fromSize: Buffer]
  ) => number;
  /** 0 for an interface that is not there */
  readonly if_nametoindex: (name: string) => number;
  readonly mkfifo: (path: string, mode: number) => number;
  /** Waits in a thread of its own; `then` gets what poll(2) returned. */
  readonly poll: (descriptors: Buffer, count: number, milliseconds: number, then: () => void) => void;
  readonly errno: () => number;
}

/** This machine's C library cannot be called: koffi is not there, or not for this platform. */
export class NotLoadable extends Error {
  readonly remedy =
    'npm run build copies it there from the packages npm run setup installs; it has parts for Linux with glibc or musl';
}

/**
 * Finds the C library's socket functions through koffi.
 *
 * @param directory where koffi's native files are
 * @throws NotLoadable, which says what became of each file
 */
export function loadSystemCalls(directory: string): SystemCalls {
  const koffi = loadKoffi(directory);
  // The C library is part of this very process.
  const library = koffi.load(null);
  const option = ['int', 'int', 'int'];
  const poll = library.func('poll', 'int', ['void *', 'unsigned long', 'int']);
  return {
    socket: library.func('socket', 'int', ['int', 'int', 'int']) as SystemCalls['socket'],
    bind: library.func('bind', 'int', ['int', 'const void *', 'uint32_t']) as SystemCalls['bind'],
    setsockopt: library.func('setsockopt', 'int', [
      ...option,
      ...['const void *', 'uint32_t'],
    ]) as SystemCalls['setsockopt'],
    getsockopt: library.func('getsockopt', 'int', [
      ...option,
      ...['void *', 'void *'],
    ]) as SystemCalls['getsockopt'],
    sendto: library.func('sendto', 'long', [
      ...['int', 'const void *', 'size_t', 'int', 'const void *', 'uint32_t'],
    ]) as SystemCalls['sendto'],
    recvfrom: library.func('recvfrom', 'long', [
      ...['int', 'void *', 'size_t', 'int', 'void *', 'void *'],
    ]) as SystemCalls['recvfrom'],
    if_nametoindex: library.func('if_nametoindex', 'uint32_t', ['str']) as SystemCalls['if_nametoindex'],
    mkfifo: library.func('mkfifo', 'int', ['str', 'uint32_t']) as SystemCalls['mkfifo'],
    poll: (descriptors, count, milliseconds, then) => {
      poll.async(descriptors, count, milliseconds, then);
    },
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
  throw new NotLoadable(
    `Can't load koffi, which raw sockets are opened with, from ${directory} (${failures.join('; ')})`,
  );
}

/** A C int. koffi knows little-endian machines only, so the low bytes come first. */
export function nativeInt(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return bytes;
}

// From Linux' socket.h, for sockets of every kind.
export const SOCK_CLOEXEC = 0o2000000;
export const MSG_DONTWAIT = 0x40;
const SOL_SOCKET = 1;
/** A buffer's size within the system's limit, and beyond it: SO_SNDBUF, SO_SNDBUFFORCE and their like. */
const BUFFERS = { send: { within: 7, beyond: 32 }, receive: { within: 8, beyond: 33 } } as const;

/** Sets a socket's option of type int. @returns whether that was allowed */
export function setOption(
  calls: SystemCalls,
  socket: number,
  level: number,
  option: number,
  value: number,
): boolean {
  return calls.setsockopt(socket, level, option, nativeInt(value), 4) >= 0;
}

/** Gives a socket's buffer some room: beyond the system's limit where that is allowed, else as much as is. */
export function reserve(
  calls: SystemCalls,
  socket: number,
  buffer: keyof typeof BUFFERS,
  bytes: number,
): void {
  const { within, beyond } = BUFFERS[buffer];
  if (!setOption(calls, socket, SOL_SOCKET, beyond, bytes))
    setOption(calls, socket, SOL_SOCKET, within, bytes);
}

/** What an errno is called, and what it means: "EPERM", "operation not permitted (EPERM)". */
export function describeErrno(errno: number): { name: string; text: string } {
  const [name, text] = getSystemErrorMap().get(-errno) ?? [`errno ${errno}`, 'an error without a name'];
  return { name, text: `${text} (${name})` };
}

/** What to do about a socket that may not be opened; empty when that is not what is wrong. */
export function remedyFor(name: string): string {
  return name === 'EPERM' ? '. Raw sockets need CAP_NET_RAW, in the network namespace too' : '';
}
