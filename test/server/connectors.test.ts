import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { TransferCommand } from '../../src/agent/messages';
import { eventually } from '../support';
import { bundle, CLIENT, freePorts, LOOPBACK, moved, occupy, pair, SERVER } from '../client/agents';

// In one session a data connection may be arranged now this way, now that.

const bundles = { client: bundle(CLIENT), server: bundle(SERVER) };
const FILE = { name: 'a.bin', seed: 'a', size: 10_000, lasting: 0 };

type Way = TransferCommand['command'];

test('every way of arranging a data connection may follow every other', async () => {
  const ways: Way[] = ['PORT', 'PASV', 'EPRT', 'EPSV'];
  const order = ways.flatMap((before) => ways.flatMap((after) => [before, after]));
  const { client, server, port } = await pair(bundles, { files: [FILE] });
  await client.connect();
  for (const way of order) {
    for (const direction of ['download', 'upload'] as const) {
      expect({ way, ...(await client.transfer(way, direction, FILE)) }).toMatchObject({ way, error: null });
    }
  }
  await server.sync();
  const files = moved(client, server);
  expect(files).toHaveLength(64);
  expect(files.filter(({ same }) => !same)).toEqual([]);
  // Whoever was to dial dialled, and from the data port.
  const dialled = server.all('data').filter(({ change }) => change === 'dialling');
  expect(dialled.map(({ local }) => local)).toEqual(new Array(32).fill(`${LOOPBACK}:${port - 1}`));
});

test.each(['PORT', 'PASV', 'EPRT', 'EPSV'] as const)('%s holds for one transfer', async (way) => {
  const controlPort = await freePorts(1);
  const { client, server } = await pair(bundles, { client: { controlPort }, files: [FILE] });
  await client.connect();
  for (const command of [way, 'none', way] as const) {
    expect(await client.transfer(command, 'upload', FILE)).toMatchObject({ error: null });
  }
  await server.sync();
  expect(moved(client, server)).toMatchObject([{ same: true }, { same: true }, { same: true }]);
  const own = `${LOOPBACK}:${controlPort}`;
  expect(
    server.all('data').filter(({ change, remote }) => change === 'connected' && remote === own),
  ).toHaveLength(1);
});

/** A session by hand, for what the client never sends. */
async function session(
  port: number,
): Promise<{ ask: (line: string) => Promise<string>; reply: () => Promise<string>; socket: Socket }> {
  const socket = connect(port, LOOPBACK);
  opened.push(socket);
  let heard = '';
  socket.setEncoding('utf8').on('data', (text: string) => (heard += text));
  await once(socket, 'connect');
  const reply = (): Promise<string> =>
    eventually(() => {
      const found = /^\d{3} .*\r\n/m.exec(heard);
      if (found) heard = heard.slice(found.index + found[0].length);
      return found?.[0].trim();
    }, 'a reply');
  const ask = (line: string): Promise<string> => {
    socket.write(`${line}\r\n`);
    return reply();
  };
  await reply();
  await ask('USER anonymous');
  await ask('PASS guest');
  return { ask, reply, socket };
}
const opened: Socket[] = [];
afterEach(() => {
  for (const socket of opened.splice(0)) socket.destroy();
});

test('ABOR with nothing to abort is answered 225, and dials nobody', async () => {
  const { server, port } = await pair(bundles, { files: [FILE] });
  const { ask } = await session(port);
  expect(await ask('ABOR')).toMatch(/^225 /);
  expect(await ask('PORT 127,0,0,1,200,0')).toMatch(/^200 /);
  expect(await ask('ABOR')).toMatch(/^225 /);
  await server.sync();
  expect(server.all('data')).toEqual([]);
});

test('the end of a passive transfer leaves a PORT read meanwhile in force', async () => {
  const { server, port } = await pair(bundles, { files: [FILE] });
  const { ask, reply } = await session(port);
  const [, high, low] = /(\d+),(\d+)\)/.exec(await ask('PASV')) ?? [];
  const passive = connect(Number(high) * 256 + Number(low), LOOPBACK).resume();
  opened.push(passive);
  await once(passive, 'connect');
  const listenPort = await freePorts(1);
  await occupy(listenPort);
  // At once, so that the PORT is obeyed while the passive data connection is still closing.
  const next = `PORT 127,0,0,1,${listenPort >> 8},${listenPort & 255}`;
  const replies = [await ask(`RETR a.bin\r\n${next}\r\nRETR a.bin`)];
  while (replies.length < 5) replies.push(await reply());
  expect(replies.map((line) => line.slice(0, 3))).toEqual(['150', '226', '200', '150', '226']);
  await server.sync();
  expect(server.all('data')).toContainEqual(
    expect.objectContaining({ change: 'connected', remote: `${LOOPBACK}:${listenPort}` }),
  );
});

test('nobody listens on the default data port: 425, and the server tells why', async () => {
  const { server, port } = await pair(bundles, { files: [FILE] });
  const { ask, socket } = await session(port);
  const own = `${LOOPBACK}:${socket.localPort ?? 0}`;
  for (const before of ['NOOP', 'PORT 203,0,113,7,200,0']) {
    await ask(before);
    expect(await ask('RETR a.bin')).toMatch(/^425 /);
  }
  await server.sync();
  expect(server.all('data').map(({ change, remote }) => [change, remote])).toEqual([
    ['dialling', own],
    ['failed', own],
    ['dialling', own],
    ['failed', own],
  ]);
  expect(server.all('data')[1]?.error).toMatch(/ECONNREFUSED/);
});
