import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { Resolver } from 'node:dns/promises';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { decode, streamDecode, streamEncode } from 'dns-packet';
import fc from 'fast-check';
import { bundle, HostProgram } from '../prober/host-program';
import { eventually } from '../support';

const ADDRESS = '127.0.0.1';
const NAMES = { 'ftp.example': '203.0.113.20' };
const opened: (() => void)[] = [];
afterEach(() => {
  for (const close of opened.splice(0)) close();
});

/** A port that neither TCP nor UDP listens on. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, ADDRESS, resolve));
  const { port } = server.address() as AddressInfo;
  const udp = createSocket('udp4');
  await new Promise<void>((resolve, reject) => udp.once('error', reject).bind(port, ADDRESS, resolve));
  await Promise.all([
    new Promise((resolve) => server.close(resolve)),
    new Promise<void>((resolve) => udp.close(resolve)),
  ]);
  return port;
}

async function started(truncate: boolean): Promise<{ program: HostProgram; client: Resolver; port: number }> {
  const port = await freePort();
  const program = new HostProgram([process.execPath, bundle('resolver')]);
  program.tell({ program: 'resolver', address: ADDRESS, port, names: NAMES, truncate });
  await program.heard('ready');
  const client = new Resolver({ timeout: 2000, tries: 2 });
  client.setServers([`${ADDRESS}:${port}`]);
  return { program, client, port };
}

/** Every query reported, and every question's transport. */
async function queries(program: HostProgram): Promise<string[]> {
  await program.obeys({ id: 1, do: 'sync' });
  for (const { peer } of program.of('query')) expect(peer).toMatch(/^127\.0\.0\.1:\d+$/);
  return program.of('query').map(({ name, transport }) => `${name} ${transport}`);
}

function udpSocket(): UdpSocket {
  const socket = createSocket('udp4');
  opened.push(() => socket.close());
  return socket;
}

async function dial(
  port: number,
): Promise<{ socket: Socket; received: () => Buffer; closed: Promise<void> }> {
  const socket = connect(port, ADDRESS);
  opened.push(() => socket.destroy());
  let bytes = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => (bytes = Buffer.concat([bytes, chunk])));
  const closed = new Promise<void>((resolve) =>
    socket.once('close', () => {
      resolve();
    }),
  );
  await new Promise((resolve) => socket.once('connect', resolve));
  return { socket, received: () => bytes, closed };
}

test('a name is answered over UDP; others do not exist; there is no IPv6 address', async () => {
  const { program, client } = await started(false);
  expect(await client.resolve4('ftp.example')).toEqual(['203.0.113.20']);
  await expect(client.resolve6('ftp.example')).rejects.toMatchObject({ code: 'ENODATA' });
  await expect(client.resolve4('www.example')).rejects.toMatchObject({ code: 'ENOTFOUND' });
  expect(await queries(program)).toEqual(['ftp.example udp', 'ftp.example udp', 'www.example udp']);
  expect(await program.leave()).toBe(0);
});

test('answers cut short send a client to TCP', async () => {
  const { program, client } = await started(true);
  expect(await client.resolve4('ftp.example')).toEqual(['203.0.113.20']);
  expect(await queries(program)).toEqual(['ftp.example udp', 'ftp.example tcp']);
  await expect(client.resolve4('www.example')).rejects.toMatchObject({ code: 'ENOTFOUND' });
  await program.leave();
});

test('over TCP, queries may come in any pieces, and several at once', async () => {
  const { program, port } = await started(false);
  const { socket, received } = await dial(port);
  socket.setNoDelay(true);
  const ask = (id: number): Buffer =>
    streamEncode({ type: 'query', id, questions: [{ name: 'ftp.example', type: 'A' }] });
  for (const byte of ask(1)) {
    await new Promise((resolve) => socket.write(Buffer.of(byte), resolve));
  }
  const length = await eventually(() => {
    const bytes = received();
    return bytes.length > 2 && bytes.length === 2 + bytes.readUInt16BE(0) && bytes.length;
  }, 'an answer over TCP');
  expect(streamDecode(received())).toMatchObject({ id: 1, answers: [{ data: '203.0.113.20' }] });
  socket.write(Buffer.concat([ask(2), ask(3)]));
  await eventually(() => received().length === 3 * length, 'two more answers');
  expect(streamDecode(received().subarray(2 * length))).toMatchObject({ id: 3 });
  expect(await queries(program)).toEqual(['ftp.example tcp', 'ftp.example tcp', 'ftp.example tcp']);
  await program.leave();
});

test('hostile bytes do it no harm: they are logged, within bounds, and the next client is answered', async () => {
  const { program, client, port } = await started(false);
  const udp = udpSocket();
  const { socket } = await dial(port);
  const junk = fc.sample(fc.uint8Array({ minLength: 1, maxLength: 500 }), { numRuns: 500, seed: 1 });
  for (const bytes of junk) {
    await new Promise<void>((resolve) => {
      udp.send(bytes, port, ADDRESS, () => {
        resolve();
      });
    });
    socket.write(bytes);
  }
  await new Promise<void>((resolve) => {
    socket.end(() => {
      resolve();
    });
  });
  // Frames that hold nothing, tens of thousands.
  const flood = await dial(port);
  flood.socket.end(Buffer.alloc(100_000));
  await flood.closed;

  expect(await client.resolve4('ftp.example')).toEqual(['203.0.113.20']);
  expect(await queries(program)).toContain('ftp.example udp');
  const log = program.of('log').map(({ line }) => line);
  expect(log.some((line) => /^\d+ bytes from 127\.0\.0\.1:\d+ over UDP: ./.test(line))).toBe(true);
  expect(log).toHaveLength(201);
  expect(log.at(-1)).toBe("the resolver's record of what went wrong stops after 200");
  expect(program.stderr).toBe('');
  await program.leave();
});

test('a query that is answered is answered to who asked, and to nobody else', async () => {
  const { program, port } = await started(false);
  const ask = async (id: number): Promise<Buffer> => {
    const udp = udpSocket();
    const answered = new Promise<Buffer>((resolve) => udp.once('message', resolve));
    const question = { name: 'ftp.example', type: 'A' } as const;
    udp.send(streamEncode({ type: 'query', id, questions: [question] }).subarray(2), port, ADDRESS);
    return answered;
  };
  const replies = await Promise.all([ask(10), ask(20), ask(30)]);
  expect(replies.map((reply) => decode(reply).id)).toEqual([10, 20, 30]);
  expect(new Set(program.of('query').map(({ peer }) => peer)).size).toBe(3);
  await program.leave();
});

test('a connection that sends nothing is closed', async () => {
  const { program, port } = await started(false);
  const { closed, received } = await dial(port);
  await closed;
  expect(received()).toHaveLength(0);
  expect(program.of('log')).toEqual([]);
  await program.leave();
});

test('it says why it can’t start', async () => {
  const { program, port } = await started(false);
  const second = new HostProgram([process.execPath, bundle('resolver')]);
  second.tell({ program: 'resolver', address: ADDRESS, port, names: NAMES, truncate: false });
  expect(await second.ended).toBe(1);
  expect(second.stderr).toContain(`bind EADDRINUSE ${ADDRESS}:${port}`);
  const third = new HostProgram([process.execPath, bundle('resolver')]);
  third.tell({ program: 'resolver', address: ADDRESS, port, names: { a: 'b' }, truncate: false });
  expect(await third.ended).toBe(1);
  expect(third.stderr).toContain('the address of a is "b"; allowed: an IPv4 address such as 203.0.113.20');
  await program.leave();
});
