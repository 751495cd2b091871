import { createHash } from 'node:crypto';
import { finished } from 'node:stream/promises';
import { receiveFile, sendFile, type FileDigest } from '../../src/agent/content';

async function pass(file: {
  size: number;
  lasting: number;
  seed?: string;
}): Promise<{ sent: FileDigest; received: FileDigest; bytes: Buffer; pieces: number[] }> {
  let sent: FileDigest | undefined;
  let received: FileDigest | undefined;
  const chunks: Buffer[] = [];
  const pieces: number[] = [];
  const began = performance.now();
  const source = sendFile({ name: 'f', seed: file.seed ?? 's', ...file }, (digest) => (sent = digest));
  const sink = receiveFile((digest) => (received = digest));
  source.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    pieces.push(performance.now() - began);
  });
  source.pipe(sink);
  await finished(sink);
  if (!sent || !received) throw new Error('no digest');
  return { sent, received, bytes: Buffer.concat(chunks), pieces };
}

test.each([0, 1, 65_535, 65_536, 65_540, 1_000_003])('%d bytes arrive as they were sent', async (size) => {
  const { sent, received, bytes } = await pass({ size, lasting: 0 });
  expect(bytes).toHaveLength(size);
  expect(sent).toEqual({
    bytes: size,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    whole: true,
  });
  expect(received).toEqual(sent);
});

test('the same seed gives the same file, another one another, and no two blocks are alike', async () => {
  const [a, b, c] = [
    await pass({ size: 200_000, lasting: 0 }),
    await pass({ size: 200_000, lasting: 0 }),
    await pass({ size: 200_000, lasting: 0, seed: 't' }),
  ];
  expect(a.sent.sha256).toBe(b.sent.sha256);
  expect(a.sent.sha256).not.toBe(c.sent.sha256);
  expect(a.bytes.subarray(0, 65_536).equals(a.bytes.subarray(65_536, 131_072))).toBe(false);
});

test('a paced file keeps its schedule: never early, and its last byte at the end', async () => {
  const size = 100_000;
  const { sent, bytes, pieces } = await pass({ size, lasting: 0.6 });
  expect(sent.whole).toBe(true);
  expect(bytes.equals((await pass({ size, lasting: 0 })).bytes)).toBe(true);
  expect(pieces.length).toBeGreaterThan(5);
  // Never early, whatever the machine does; how late it may be is the machine's affair.
  expect(pieces.at(-1)).toBeGreaterThanOrEqual(590);
});

test('a stream that breaks off says so', () => {
  const source = sendFile({ name: 'f', seed: 's', size: 1_000_000, lasting: 10 }, (digest) => {
    expect(digest.whole).toBe(false);
  });
  const sink = receiveFile((digest) => {
    expect(digest).toMatchObject({ bytes: 3, whole: false });
  });
  sink.write(Buffer.from('abc'));
  source.destroy();
  sink.destroy();
  expect.assertions(2);
});
