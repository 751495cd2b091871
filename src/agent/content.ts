import { createCipheriv, createHash } from 'node:crypto';
import { Readable, Writable } from 'node:stream';
import type { FileSpec } from './messages';

const BLOCK = 64 * 1024;
/** Unpaced content is handed out in pieces of this size: few system calls, little memory. */
const PIECE = 4 * BLOCK;
/** Paced content is handed out in so many pieces or more. */
const PIECES = 100;
/** Seconds between two of them: no less than a timer is good for, no more than the file says, or this. */
const TICK = { longest: 1, shortest: 0.05 };

/** What one end saw of a file. */
export interface FileDigest {
  readonly bytes: number;
  readonly sha256: string;
  readonly whole: boolean;
}

/** Pseudo-random bytes for a seed; every 64 KiB block also carries its number, so none can stand in for another. */
class Generator {
  private readonly block: Buffer;

  constructor(seed: string) {
    const key = createHash('sha256').update(seed).digest();
    this.block = createCipheriv('aes-128-ctr', key.subarray(0, 16), key.subarray(16)).update(
      Buffer.alloc(BLOCK),
    );
  }

  /** `length` bytes from `offset`. */
  bytes(offset: number, length: number): Buffer {
    const out = Buffer.allocUnsafe(length);
    for (let done = 0; done < length;) {
      const position = offset + done;
      const within = position % BLOCK;
      const take = Math.min(BLOCK - within, length - done);
      this.block.copy(out, done, within, within + take);
      this.stampNumber(out, done, within, take, Math.floor(position / BLOCK));
      done += take;
    }
    return out;
  }

  private stampNumber(out: Buffer, at: number, within: number, take: number, number: number): void {
    for (let byte = within; byte < Math.min(4, within + take); byte += 1) {
      out[at + byte - within] = (number >>> (24 - 8 * byte)) & 0xff;
    }
  }
}

/**
 * The file's content as a stream, paced when `lasting` is set, and a digest of what was handed out.
 * The schedule is kept against the start, so pauses do not add up.
 */
export function sendFile(file: FileSpec, onEnd: (digest: FileDigest) => void): Readable {
  const generator = new Generator(file.seed);
  const hash = createHash('sha256');
  const startedAt = performance.now();
  let sent = 0;
  let ended = false;
  let timer: NodeJS.Timeout | undefined;
  const tick = Math.min(file.silence ?? TICK.longest, Math.max(TICK.shortest, file.lasting / PIECES));

  const finish = (): void => {
    if (ended) return;
    ended = true;
    clearTimeout(timer);
    onEnd({ bytes: sent, sha256: hash.digest('hex'), whole: sent === file.size });
  };
  const emit = (stream: Readable, length: number): void => {
    const piece = generator.bytes(sent, length);
    sent += length;
    hash.update(piece);
    stream.push(piece);
  };
  /** Bytes the schedule allows by now; the last byte leaves when `lasting` is over. */
  const allowed = (): number => {
    const elapsed = (performance.now() - startedAt) / 1000;
    return elapsed >= file.lasting ? file.size : Math.floor((file.size * elapsed) / file.lasting);
  };
  return new Readable({
    highWaterMark: PIECE,
    read() {
      if (sent >= file.size && (file.lasting === 0 || allowed() >= file.size)) {
        finish();
        this.push(null);
        return;
      }
      const next = Math.min(PIECE, (file.lasting === 0 ? file.size : allowed()) - sent);
      if (next > 0) emit(this, next);
      else
        timer = setTimeout(() => {
          this._read(PIECE);
        }, tick * 1000);
    },
    destroy(error, callback) {
      finish();
      callback(error);
    },
  });
}

/** A sink that measures and forgets. `onEnd` is called once, also when the stream breaks off. */
export function receiveFile(onEnd: (digest: FileDigest) => void): Writable {
  const hash = createHash('sha256');
  let bytes = 0;
  let ended = false;
  const finish = (whole: boolean): void => {
    if (ended) return;
    ended = true;
    onEnd({ bytes, sha256: hash.digest('hex'), whole });
  };
  return new Writable({
    highWaterMark: 4 * PIECE,
    write(chunk: Buffer, _encoding, callback) {
      bytes += chunk.length;
      hash.update(chunk);
      callback();
    },
    final(callback) {
      finish(true);
      callback();
    },
    destroy(error, callback) {
      finish(false);
      callback(error);
    },
  });
}
