import { bundle, CLIENT, LOOPBACK, moved, pair, SERVER } from '../client/agents';

// The address in 227, the reply to PASV (RFC 959 §4.1.2).

const bundles = { client: bundle(CLIENT), server: bundle(SERVER) };
const FILE = { name: 'a.bin', seed: 'a', size: 10_000, lasting: 0 };

function replies(code: string, lines: readonly string[]): string[] {
  return lines.filter((line) => line.startsWith(code));
}

test('227 carries the advertised address, and 229 has none to carry', async () => {
  const { client, server } = await pair(bundles, {
    client: { patience: 1 },
    server: { advertised: '192.0.2.77' },
    files: [FILE],
  });
  await client.connect();
  expect(await client.transfer('EPSV', 'download', FILE)).toMatchObject({ error: null });
  expect(await client.transfer('PASV', 'download', FILE)).not.toMatchObject({ error: null });
  await server.sync();
  expect(replies('229', server.lines('reply'))).toHaveLength(1);
  expect(replies('227', server.lines('reply'))).toEqual([expect.stringMatching(/\(192,0,2,77,\d+,\d+\)$/)]);
  // It listens where it lives, whatever it says.
  const listening = server.all('data').filter(({ change }) => change === 'listening');
  expect(listening.map(({ local }) => local?.split(':')[0])).toEqual([LOOPBACK, LOOPBACK]);
  expect(moved(client, server)).toEqual([{ name: 'a.bin', bytes: 10_000, same: true }]);
});

test('227 carries its own address when none is advertised', async () => {
  const { client, server } = await pair(bundles, { files: [FILE] });
  await client.connect();
  expect(await client.transfer('PASV', 'upload', FILE)).toMatchObject({ error: null });
  await server.sync();
  expect(replies('227', server.lines('reply'))).toEqual([expect.stringMatching(/\(127,0,0,1,\d+,\d+\)$/)]);
  expect(moved(client, server)).toEqual([{ name: 'a.bin', bytes: 10_000, same: true }]);
});
