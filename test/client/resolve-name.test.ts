import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { decode, encode, AUTHORITATIVE_ANSWER, type Answer, type Packet } from 'dns-packet';
import { bundle, CLIENT, freePorts, LOOPBACK, pair, SERVER } from './agents';

// The server's name is asked of one resolver only: here a real one of two lines, over UDP.

const bundles = { client: bundle(CLIENT), server: bundle(SERVER) };
const NAME = 'ftp.example.test';
/** Nobody serves FTP there, so a session proves that the resolver's answer was dialled. */
const NOWHERE = '127.0.0.99';

const sockets: Socket[] = [];
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.close();
});

/** @param answer what it says to a question; null: nothing */
async function dnsServer(
  answer: (question: { name: string; type: string }) => Partial<Packet> | null,
): Promise<{ resolver: string; questions: string[] }> {
  const socket = createSocket('udp4');
  sockets.push(socket);
  const questions: string[] = [];
  socket.on('message', (message, from) => {
    const { id, questions: asked } = decode(message);
    const [question] = asked ?? [];
    if (!question) return;
    questions.push(`${question.type} ${question.name}`);
    const said = answer({ name: question.name, type: question.type });
    if (said === null) return;
    const reply = encode({
      type: 'response',
      flags: AUTHORITATIVE_ANSWER,
      ...(id === undefined ? {} : { id }),
      questions: [question],
      ...said,
    });
    socket.send(reply, from.port, from.address);
  });
  socket.bind(0, LOOPBACK);
  await once(socket, 'listening');
  return { resolver: `${LOOPBACK}:${socket.address().port}`, questions };
}

function a(name: string, data: string): Answer {
  return { type: 'A', name, ttl: 60, data };
}

async function clientOf(resolver: string, patience = 5): Promise<Awaited<ReturnType<typeof pair>>> {
  // The server's port is not known before there is one, so the first pair only lends it.
  const { port } = await pair(bundles, { files: [] });
  return pair(bundles, {
    client: { server: { address: NOWHERE, port, name: NAME }, resolver, patience },
    files: [],
  });
}

test('a name is resolved first, and the answer is dialled', async () => {
  const { resolver, questions } = await dnsServer(({ name }) => ({ answers: [a(name, LOOPBACK)] }));
  const { client } = await clientOf(resolver);
  expect(await client.connect()).toMatchObject({ error: null, closed: false });
  expect(questions).toEqual([`A ${NAME}`]);
  expect(client.all('resolved')).toMatchObject([{ name: NAME, address: LOOPBACK, error: null }]);
  // Every session asks anew: an answer is not kept.
  await client.close();
  expect(await client.connect()).toMatchObject({ error: null });
  expect(questions).toHaveLength(2);
});

test('nobody answers: the log-in fails when patience ends, and nothing was dialled', async () => {
  const { resolver, questions } = await dnsServer(() => null);
  const { client } = await clientOf(resolver, 0.5);
  const { error, closed } = await client.connect();
  expect(error).toBe(`can't resolve ${NAME}: no answer from ${resolver} within 0.5 s`);
  expect(client.all('resolved')).toMatchObject([{ name: NAME, address: null, error }]);
  expect(closed).toBe(true);
  expect(client.all('control')).toEqual([]);
  // Asked once, not over and over.
  expect(questions).toEqual([`A ${NAME}`]);
});

test.each([
  ['knows no such name', { flags: AUTHORITATIVE_ANSWER | 3 }, 'knows no such name'],
  ['has another kind of record only', { answers: [] }, 'has no A record for it'],
] as const)('a resolver that %s', async (_what, said, why) => {
  const { resolver } = await dnsServer(() => ({ ...said }) as Partial<Packet>);
  const { client } = await clientOf(resolver);
  expect((await client.connect()).error).toBe(`can't resolve ${NAME}: ${resolver} ${why}`);
});

test('a host that is no resolver', async () => {
  const resolver = `${LOOPBACK}:${await freePorts(1)}`;
  const { client } = await clientOf(resolver);
  expect((await client.connect()).error).toBe(`can't resolve ${NAME}: nothing answers DNS at ${resolver}`);
});

test('a name and nobody to ask', async () => {
  const { client } = await pair(bundles, {
    client: { server: { address: NOWHERE, port: 21, name: NAME }, resolver: null },
    files: [],
  });
  expect((await client.connect()).error).toBe(`can't resolve ${NAME}: no resolver is given to ask`);
});
