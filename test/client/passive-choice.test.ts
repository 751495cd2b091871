import FtpServer from 'ftp-srv';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { scratch } from '../support';
import { bundle, CLIENT, freePorts, LOOPBACK, moved, pair, SERVER } from './agents';

// What the client does about 227 and 229 is what a user of basic-ftp 6 sees (its transfer.ts), by default or by option.

const bundles = { client: bundle(CLIENT), server: bundle(SERVER) };
const FILE = { name: 'a.bin', seed: 'a', size: 10_000, lasting: 0 };
/** no host of the test's own, and not private: nobody may dial it */
const ELSEWHERE = '192.0.2.77';

/** Takes what ftp-srv tells of itself, and keeps nothing. */
const QUIET: never = new Proxy({}, { get: () => () => QUIET }) as never;

/** What the client sent to arrange its data connections. */
function arranging(lines: readonly string[]): string[] {
  return lines.filter((line) => /^(?:EPSV|PASV)/.test(line));
}

test('a 227 that names another host is refused unless the option says otherwise, which is dialled then', async () => {
  const said = async (separateTransferHost: boolean): Promise<string | null> => {
    const { client, server } = await pair(bundles, {
      client: { patience: 1, separateTransferHost },
      server: { advertised: ELSEWHERE },
      files: [FILE],
    });
    await client.connect();
    const { error } = await client.transfer('PASV', 'download', FILE);
    expect(client.all('data').filter(({ change }) => change === 'failed')).toMatchObject([{ error }]);
    await server.sync();
    expect(server.lines('command').join(' ')).not.toContain('RETR');
    return error;
  };
  expect(await said(false)).toMatch(
    `PASV returned another host (${ELSEWHERE}) for data transfer that you have connected to (${LOOPBACK}).`,
  );
  expect(await said(true)).toContain(ELSEWHERE);
  expect(await said(true)).not.toContain('PASV returned another host');
});

test('left to choose, it sends EPSV, whatever 227 would name, and goes on with what worked', async () => {
  const { client, server } = await pair(bundles, { server: { advertised: ELSEWHERE }, files: [FILE] });
  await client.connect();
  for (const direction of ['download', 'upload'] as const)
    expect(await client.transfer('own', direction, FILE)).toMatchObject({ error: null });
  await server.sync();
  expect(arranging(client.lines('command'))).toEqual(['EPSV', 'EPSV']);
  expect(client.all('data').map(({ change }) => change)).toEqual([
    ...['dialling', 'connected', 'closed'],
    ...['dialling', 'connected', 'closed'],
  ]);
  expect(moved(client, server).map(({ same }) => same)).toEqual([true, true]);
});

test('where EPSV is refused it sends PASV, and from then on PASV alone', async () => {
  const root = scratch();
  writeFileSync(join(root, FILE.name), Buffer.alloc(FILE.size));
  const port = await freePorts(11);
  const server = new FtpServer({
    url: `ftp://${LOOPBACK}:${port}`,
    pasv_url: LOOPBACK,
    pasv_min: port + 1,
    pasv_max: port + 10,
    anonymous: true,
    blacklist: ['EPSV'],
    log: QUIET,
  });
  server.on('login', (_login, resolve) => {
    resolve({ root });
  });
  await server.listen();
  try {
    const { client } = await pair(bundles, {
      client: { server: { address: LOOPBACK, port, name: null } },
      files: [],
    });
    await client.connect();
    for (const time of [1, 2])
      expect([time, await client.transfer('own', 'download', FILE)]).toMatchObject([time, { error: null }]);
    expect(arranging(client.lines('command'))).toEqual(['EPSV', 'PASV', 'PASV']);
    expect(client.all('file').map(({ bytes, whole }) => ({ bytes, whole }))).toEqual(
      Array(2).fill({ bytes: FILE.size, whole: true }),
    );
  } finally {
    await server.close();
  }
});
