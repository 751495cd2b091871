import { bundle, CLIENT, freePorts, type Agent, LOOPBACK, moved, occupy, pair, SERVER } from './agents';

// What a client in active mode says of itself: the ports it listens on, and the address it names.

const bundles = { client: bundle(CLIENT), server: bundle(SERVER) };
const FILE = { name: 'a.bin', seed: 'a', size: 10_000, lasting: 0 };

/** The ports the client listened on, in order. */
function listened(client: Agent): number[] {
  return client
    .all('data')
    .flatMap(({ change, local }) => (change === 'listening' ? [Number(local?.split(':')[1])] : []));
}

test('the range is kept, taken in turn from transfer to transfer, and what is in use is left out', async () => {
  const first = await freePorts(4);
  const { client, server } = await pair(bundles, {
    client: { listenPorts: [first, first + 3] },
    files: [FILE],
  });
  await occupy(first + 1);
  await client.connect();
  for (const command of ['PORT', 'EPRT', 'PORT', 'PORT'] as const) {
    expect(await client.transfer(command, 'download', FILE)).toMatchObject({ error: null });
  }
  await server.sync();
  expect(listened(client)).toEqual([first, first + 2, first + 3, first]);
  expect(moved(client, server).map(({ same }) => same)).toEqual([true, true, true, true]);
  expect(client.lines('command')).toContain(`EPRT |1|127.0.0.1|${first + 2}|`);
});

test('a range with no free port is an error that names it, and the session lives on', async () => {
  const first = await freePorts(2);
  const { client } = await pair(bundles, { client: { listenPorts: [first, first + 1] }, files: [FILE] });
  await occupy(first);
  await occupy(first + 1);
  await client.connect();
  const { error } = await client.transfer('PORT', 'upload', FILE);
  expect(error).toBe(`Can't listen on 127.0.0.1:${first}-${first + 1}: every port of the range is in use`);
  expect(client.all('data')).toMatchObject([{ change: 'failed', error }]);
  expect(await client.transfer('PASV', 'upload', FILE)).toMatchObject({ error: null });
});

test.each([
  ['PORT', /^PORT 203,0,113,7,\d+,\d+$/],
  ['EPRT', /^EPRT \|1\|203\.0\.113\.7\|\d+\|$/],
] as const)(
  "%s names the advertised address, and a server refuses one that is not the peer's",
  async (command, line) => {
    const { client, server } = await pair(bundles, { client: { advertised: '203.0.113.7' }, files: [FILE] });
    await client.connect();
    const { error } = await client.transfer(command, 'download', FILE);
    await server.sync();
    expect(client.lines('command').filter((sent) => sent.startsWith(command))).toEqual([
      expect.stringMatching(line),
    ]);
    // It listens where it lives, whatever it says.
    const [listening, ...others] = client.all('data');
    expect(listening).toMatchObject({ change: 'listening' });
    expect(listening?.local?.split(':')[0]).toBe(LOOPBACK);
    expect(others).toEqual([]);
    expect(error).toBe('500 The given address is not yours');
    expect(server.all('data')).toEqual([]);
  },
);
