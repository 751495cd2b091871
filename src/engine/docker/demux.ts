import type Dockerode from 'dockerode';
import type { Writable } from 'node:stream';

/** Takes apart the engine's one stream of a program's output and error output. */
export function demux(
  container: Dockerode.Container,
  stream: NodeJS.ReadableStream,
  stdout: Writable,
  stderr: Writable,
): void {
  // Its type is missing from dockerode's types.
  const modem = container.modem as {
    demuxStream(from: NodeJS.ReadableStream, stdout: Writable, stderr: Writable): void;
  };
  modem.demuxStream(stream, stdout, stderr);
}
