import { readFileSync } from 'node:fs';
import type { AgentReport } from '../../src/agent/messages';
import { type Agent, bundle, CLIENT, freePorts, LOOPBACK, moved, occupy, pair, SERVER } from './agents';

// RFC 959 §3.2: a client that sends no PORT is dialled where its control connection comes from.

const bundles = { client: bundle(CLIENT), server: bundle(SERVER) };
const FILE = { name: 'a.bin', seed: 'a', size: 300_000, lasting: 0 };

type Data = Extract<AgentReport, { type: 'data' }>;

/** Where the server saw the client's control connection come from. */
function controlPeers(server: Agent): string[] {
  return server.all('control').flatMap(({ change, peer }) => (change === 'opened' ? [peer] : []));
}

function changes(agent: Agent, change: Data['change']): Data[] {
  return agent.all('data').filter((report) => report.change === change);
}

test.each(['download', 'upload'] as const)('an %s without PORT arrives whole', async (direction) => {
  const controlPort = await freePorts(1);
  const { client, server, port } = await pair(bundles, { client: { controlPort }, files: [FILE] });
  expect(await client.connect()).toMatchObject({ error: null });
  expect(await client.transfer('none', direction, FILE)).toMatchObject({ error: null });
  await server.sync();
  expect(moved(client, server)).toEqual([{ name: 'a.bin', bytes: 300_000, same: true }]);
  expect(client.lines('command').join(' ')).not.toMatch(/PORT|PASV|EPRT|EPSV/);

  const own = `${LOOPBACK}:${controlPort}`;
  const dataPort = `${LOOPBACK}:${port - 1}`;
  expect(controlPeers(server)).toEqual([own]);
  expect(changes(client, 'connected')).toMatchObject([{ local: own, remote: dataPort }]);
  // The server tells of it as of any other data connection it dials.
  for (const change of ['dialling', 'connected', 'closed'] as const) {
    expect(changes(server, change)).toMatchObject([{ local: dataPort, remote: own, error: null }]);
  }
  // The client listens before it asks.
  const request = client.reports.findIndex(
    (report) => report.type === 'line' && /^(?:RETR|STOR)/.test(report.line),
  );
  const listening = client.reports.findIndex(
    (report) => report.type === 'data' && report.change === 'listening' && report.local === own,
  );
  expect(listening).toBeGreaterThan(-1);
  expect(listening).toBeLessThan(request);
});

test('a second one meets the 4-tuple in TIME_WAIT, and both ends say what comes of it', async () => {
  const controlPort = await freePorts(1);
  const { client, server } = await pair(bundles, { client: { controlPort }, files: [FILE] });
  await client.connect();
  expect(await client.transfer('none', 'download', FILE)).toMatchObject({ error: null });
  const second = await client.transfer('none', 'download', FILE);
  await server.sync();
  // Where segments carry timestamps Linux gives the 4-tuple away at once (tcp_twsk_unique), else it refuses.
  const timestamps = readFileSync('/proc/sys/net/ipv4/tcp_timestamps', 'utf8').trim() !== '0';
  expect(changes(server, 'dialling')).toHaveLength(2);
  expect(changes(server, 'connected')).toHaveLength(timestamps ? 2 : 1);
  expect(changes(server, 'failed').map(({ error }) => error)).toEqual(
    timestamps ? [] : [expect.stringContaining('EADDRNOTAVAIL')],
  );
  expect(second.error).toBe(timestamps ? null : '425 No connection established');
  // PORT is the way out (RFC 1123 §4.1.2.5).
  expect(await client.transfer('PORT', 'download', FILE)).toMatchObject({ error: null, closed: false });
});

test('a further session takes the next control port', async () => {
  const controlPort = await freePorts(2);
  const { client, server } = await pair(bundles, { client: { controlPort }, files: [FILE] });
  await client.connect();
  await client.close();
  expect(await client.connect()).toMatchObject({ error: null });
  expect(await client.transfer('none', 'upload', FILE)).toMatchObject({ error: null });
  await server.sync();
  expect(controlPeers(server)).toEqual([`${LOOPBACK}:${controlPort}`, `${LOOPBACK}:${controlPort + 1}`]);
});

test("a control port of the system's choice cannot be listened on, and the client says so", async () => {
  const { client, server } = await pair(bundles, { files: [FILE] });
  await client.connect();
  const { error, closed } = await client.transfer('none', 'download', FILE);
  await server.sync();
  const [own = ''] = controlPeers(server);
  expect(error).toMatch(/^Can't listen on 127\.0\.0\.1:\d+: listen EADDRINUSE/);
  expect(error).toContain(own);
  expect(changes(client, 'failed')).toMatchObject([{ local: own, error }]);
  expect(closed).toBe(false);
  expect(server.lines('command').join(' ')).not.toContain('RETR');
});

test('a control port in use is an error of the log-in', async () => {
  const controlPort = await freePorts(1);
  await occupy(controlPort);
  const { client } = await pair(bundles, { client: { controlPort }, files: [FILE] });
  const { error, closed } = await client.connect();
  expect(error).toMatch(/EADDRINUSE/);
  expect(closed).toBe(true);
});
