import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LabEvent } from '../../src/observe/event';
import { ADDED_HOSTS } from '../../src/scenario';
import type { RunResult } from '../../src/verdict/run-result';
import { Box } from '../box';
import { documentIn, eventually, LAB, ordinaryUser } from '../support';

// Three hosts beside the three: a second one inside, a prober and a resolver outside. Both legs are
// switches then, and everything else must be as it is without them.

const INSIDE = '10.0.0';
const OUTSIDE = '203.0.113';
const NEIGHBOUR = `${INSIDE}.${ADDED_HOSTS.neighbour}`;
const PROBER = `${OUTSIDE}.${ADDED_HOSTS.prober}`;
const RESOLVER = `${OUTSIDE}.${ADDED_HOSTS.resolver}`;
const FIREWALL = `${OUTSIDE}.1`;
const PORTS = '21, 1025-1060';
const PORT_COUNT = 37;

const scenario = (lasting = ''): string => `title: All hosts there are
claim: A neighbour, a prober and a resolver change nothing for the client.
behind: client
firewall:
  kind: iptables
  nat: masquerade
  policy: drop
  rules: |
    iptables -A FORWARD -i inside -o outside -s $client -j ACCEPT
    iptables -A FORWARD -i inside -o outside -s ${NEIGHBOUR} -j ACCEPT
    iptables -A FORWARD -m state --state ESTABLISHED,RELATED -j ACCEPT
server: { program: ftp-srv, name: ftp.example.net }
client: basic-ftp
session:
  - probe: { name: out, from: neighbour, to: prober, source-ports: [1025, 50000], ports: '${PORTS}' }
  - probe: { name: in, from: prober, to: firewall, source-ports: [20], ports: '${PORTS}' }
  - download: { mode: passive, size: 1 MiB${lasting} }
  - upload: { mode: passive, size: 64 KiB }
expect:
  - out arrives everywhere
  - in arrives nowhere
  - the name is resolved
  - download is complete
  - upload is complete
  - the server sees only the firewall's address
  - row 1 counts packets
  - row 2 counts packets
  - row 3 counts packets
`;

function write(folder: string, lasting?: string): string {
  const file = join(folder, 'case.yaml');
  writeFileSync(file, scenario(lasting));
  return file;
}

let box: Box;
let before: ReturnType<Box['state']>;
let result: RunResult;
beforeAll(async () => {
  box = await Box.make();
  before = box.state();
  const folder = box.scratch();
  const { runs: all, stderr } = await box.runs([write(folder)], folder);
  const [first] = all;
  if (!first) throw new Error(stderr);
  result = first;
  await nothingLeft(folder);
});

/** Nothing but what a test itself put there. */
async function nothingLeft(folder: string): Promise<void> {
  await box.quiet();
  expect(box.state()).toEqual(before);
  expect(readdirSync(folder)).toEqual(['case.yaml']);
}

const events = <K extends LabEvent['kind']>(kind: K) =>
  result.events.filter((event): event is Extract<LabEvent, { kind: K }> => event.kind === kind);

test('every expectation holds', () => {
  expect({ outcome: result.outcome, reason: result.reason }).toEqual({ outcome: 'pass', reason: null });
});

test('the hosts have the addresses that the lab keeps for them, each on its own side', () => {
  const addresses = Object.fromEntries(
    Object.entries(result.topology.hosts).map(([host, { interfaces }]) => [
      host,
      interfaces.map(({ address }) => address),
    ]),
  );
  expect(addresses).toEqual({
    client: [`${INSIDE}.10`],
    firewall: [`${INSIDE}.1`, FIREWALL],
    server: [`${OUTSIDE}.20`],
    neighbour: [NEIGHBOUR],
    prober: [PROBER],
    resolver: [RESOLVER],
  });
  expect(result.topology.bridges.map(({ name, ports }) => [name, ports.length])).toEqual([
    ['inside', 2],
    ['outside', 3],
  ]);
});

test('they answer from those addresses: the prober’s own kernel refuses what it was sent', () => {
  const refused = events('probe-reply').filter(({ source, flags }) => source === PROBER && flags === 'RA');
  const on = (leg: string) => refused.filter((event) => event.leg === leg);
  // Outside they go to the firewall's address, inside to the neighbour's own.
  expect([...new Set(on('outside').map(({ destination }) => destination))]).toEqual([FIREWALL]);
  expect([...new Set(on('inside').map(({ destination }) => destination))]).toEqual([NEIGHBOUR]);
  for (const leg of ['inside', 'outside']) {
    expect(on(leg).map(({ ports, packets }) => ({ ports, packets }))).toEqual(
      Array.from({ length: 2 }, () => ({
        ports: [
          [21, 21],
          [1025, 1060],
        ],
        packets: PORT_COUNT,
      })),
    );
  }
});

test('the resolver is asked and answers at its address, through the same firewall', () => {
  const udp = events('packet').filter(({ protocol }) => protocol === 'udp');
  const ways = udp.map(({ leg, source, destination }) => `${leg} ${source} → ${destination}`);
  expect([...new Set(ways)]).toEqual([
    `inside ${INSIDE}.10 → ${RESOLVER}`,
    `outside ${FIREWALL} → ${RESOLVER}`,
    `outside ${RESOLVER} → ${FIREWALL}`,
    `inside ${RESOLVER} → ${INSIDE}.10`,
  ]);
});

test('neighbour and client see the same firewall: one masquerade, one set of rules and counters', () => {
  // Both leave with the firewall's address.
  const outside = events('probe').filter(({ leg, probe }) => leg === 'outside' && probe === 'out');
  expect(outside.map(({ text }) => /S (\S+):/.exec(text)?.[1])).toEqual([FIREWALL, FIREWALL]);
  const inside = events('probe').filter(({ leg, probe }) => leg === 'inside' && probe === 'out');
  expect(inside.map(({ text }) => /S (\S+):/.exec(text)?.[1])).toEqual([NEIGHBOUR, NEIGHBOUR]);
  const syns = events('packet').filter(({ leg, flags }) => leg === 'outside' && flags === 'S');
  expect([...new Set(syns.map(({ source }) => source))]).toEqual([FIREWALL]);
  // The neighbour's row counts its probes and nothing of the client's.
  expect(result.rules[1]).toMatchObject({ row: 2, packets: 2 * PORT_COUNT });
});

test('what is sent to the firewall comes back from it and reaches neither inside host', () => {
  const sent = events('probe').filter(({ probe, leg }) => probe === 'in' && leg === 'outside');
  expect(sent).toMatchObject([{ packets: PORT_COUNT }]);
  const refused = events('probe-reply').filter(
    ({ source, destination }) => source === FIREWALL && destination === PROBER,
  );
  expect(refused).toMatchObject([{ leg: 'outside', flags: 'RA', packets: PORT_COUNT }]);
  expect(events('probe').filter(({ probe, leg }) => probe === 'in' && leg === 'inside')).toEqual([]);
});

test('captures on switches lose nothing, run after run', async () => {
  const folder = box.scratch();
  const file = write(folder);
  const { code, runs: all } = await box.runs(
    ['--jobs', '2', ...Array.from({ length: 6 }, () => file)],
    folder,
  );
  expect(code).toBe(0);
  for (const { captures, outcome, probes } of [result, ...all]) {
    expect(outcome).toBe('pass');
    expect(captures.map(({ leg, lost }) => ({ leg, lost }))).toEqual([
      { leg: 'inside', lost: 0 },
      { leg: 'outside', lost: 0 },
    ]);
    // Three switched packets and more for each probe, and a MiB.
    expect(Math.min(...captures.map(({ packets }) => packets))).toBeGreaterThan(4 * PORT_COUNT);
    expect(probes).toEqual(result.probes);
  }
  await nothingLeft(folder);
});

test('an ordinary user has all six hosts, too', async () => {
  const ordinary = ordinaryUser(box.share);
  const file = write(ordinary.cwd);
  const argv = [...ordinary.prefix, process.execPath, ordinary.labCopy, '--json', file];
  const { code, stdout, stderr } = await box.run(argv, ordinary.cwd);
  const [mine] = documentIn({ code, stdout, stderr });
  expect({ code, outcome: mine?.outcome, probes: mine?.probes }).toEqual({
    ...{ code: 0, outcome: 'pass', probes: result.probes },
  });
  await nothingLeft(ordinary.cwd);
});

test('killed while all six are up, the lab leaves nothing', async () => {
  const folder = box.scratch();
  write(folder, ', lasting: 1000 s');
  const { pid, ended, said } = box.start([process.execPath, LAB, './case.yaml'], folder);
  const lab = await pid;
  await eventually(() => said().includes('passive download'), 'the download has begun');
  process.kill(lab, 'SIGKILL');
  expect((await ended).signal).toBe('SIGKILL');
  await nothingLeft(folder);
});
