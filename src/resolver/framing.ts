const LENGTH = 2;

/** A message as TCP carries it: after its length in two bytes (RFC 1035 §4.2.2). */
export function frame(message: Buffer): Buffer {
  const length = Buffer.alloc(LENGTH);
  length.writeUInt16BE(message.length);
  return Buffer.concat([length, message]);
}

/**
 * Splits what a TCP connection brings into DNS messages, pure: bytes in, messages out. Pieces are put
 * together once, when a message is whole, however small they come.
 */
export class FrameSplitter {
  private pieces: Buffer[] = [];
  private size = 0;
  /** bytes without which there is nothing new to see */
  private wanted = LENGTH;

  /** The messages that are whole now, in order. At most 65,537 bytes are kept for later. */
  push(piece: Buffer): Buffer[] {
    this.pieces.push(piece);
    this.size += piece.length;
    if (this.size < this.wanted) return [];

    const messages: Buffer[] = [];
    let rest = Buffer.concat(this.pieces);
    this.wanted = frameLength(rest);
    while (rest.length >= this.wanted) {
      messages.push(rest.subarray(LENGTH, this.wanted));
      rest = rest.subarray(this.wanted);
      this.wanted = frameLength(rest);
    }
    this.pieces = [rest];
    this.size = rest.length;
    return messages;
  }
}

/** Bytes of the frame that begins here, its length included; of its length alone while that is not whole. */
function frameLength(bytes: Buffer): number {
  return bytes.length < LENGTH ? LENGTH : LENGTH + bytes.readUInt16BE(0);
}
