import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { scenarioNames } from '../../src/scenario/catalogue';
import type { Expectation } from '../../src/scenario';
import { loadScenario } from '../../src/scenario/load';
import type { Scenario } from '../../src/scenario/scenario';
import { ROOT, scratch } from '../support';

// A block proves something only beside a twin that passes by one change, and silence only beside
// something that arrived.

const DIRECTORY = join(ROOT, 'scenarios');

const BLOCKED: readonly Expectation['check'][] = [
  'blocked',
  'blocked-as',
  'blocked-by-row',
  'blocked-by-policy',
];
const SILENT: readonly Expectation['check'][] = ['probe-nowhere', 'probe-from-nowhere'];

/** What a twin may change, as a scenario's author thinks of it. */
const GROUPS: Readonly<Record<string, (scenario: Scenario) => unknown>> = {
  behind: ({ behind }) => behind,
  // By itself the inside network follows from NAT, and is then no change of its own.
  inside: ({ networks, firewall }) => {
    const byItself = firewall.nat === 'none' ? '198.51.100' : '10.0.0';
    return networks.inside === byItself ? 'by itself' : networks.inside;
  },
  'firewall.kind': ({ firewall }) => firewall.kind,
  'firewall.nat': ({ firewall }) => firewall.nat,
  rules: ({ firewall: { script, rows, commands, policy, input, translates } }) => [
    script,
    rows.map(({ text }) => text),
    commands.filter(({ row }) => row === null),
    policy,
    input,
    translates,
  ],
  helper: ({ firewall: { product, helper } }) => [product, helper],
  'firewall.forward': ({ firewall }) => firewall.forward,
  'firewall.timeouts': ({ firewall }) => firewall.timeouts,
  'firewall.loose': ({ firewall }) => [firewall.loose, firewall.liberal],
  'firewall.second-address': ({ firewall }) => firewall.secondAddress,
  server: ({ server }) => ({ ...server, address: lastOctet(server.address) }),
  client: ({ client }) => ({ ...client, address: lastOctet(client.address) }),
  // A twin may do more afterwards; what its first transfer is called by itself depends on that.
  session: ({ session }) => ({
    ...(session.find(({ kind }) => kind === 'transfer') ?? session[0]),
    name: '',
    idle: session.flatMap((step) => (step.kind === 'idle' ? [step.seconds] : [])),
  }),
};

function lastOctet(address: string): string {
  return address.split('.').at(-1) ?? '';
}

/** The groups in which two scenarios differ; addresses that follow from NAT differ by their name only. */
function changes(one: Scenario, other: Scenario): string[] {
  const text = (scenario: Scenario, group: (of: Scenario) => unknown): string =>
    JSON.stringify(group(scenario)).replaceAll(`${scenario.networks.inside}.`, 'inside.');
  return Object.entries(GROUPS).flatMap(([name, group]) =>
    text(one, group) === text(other, group) ? [] : [name],
  );
}

/** Names of the transfers that a scenario expects to be blocked. */
function blockedTransfers({ expect: sentences }: Scenario): string[] {
  const names = sentences.flatMap(({ check, transfer }) => (BLOCKED.includes(check) ? (transfer ?? []) : []));
  return [...new Set(names)];
}

/** Whether a scenario expects a transfer to be complete: of the same name, or at the same place. */
function frees(twin: Scenario, scenario: Scenario, name: string): boolean {
  const place = scenario.session.findIndex((step) => step.name === name);
  const same = [name, twin.session[place]?.name];
  return twin.expect.some(({ check, transfer }) => check === 'complete' && same.includes(transfer ?? ''));
}

/** Whether a sentence says that some packet of a probe, or a whole file, gets through. */
function saysArrived({ check, probe, ports, number }: Expectation, { session }: Scenario): boolean {
  if (check === 'complete') return true;
  if (['probe-somewhere', 'probe-everywhere', 'probe-from-everywhere'].includes(check)) return true;
  if (check !== 'probe-only-at' && check !== 'probe-from-only-at') return false;
  // "Only at" a port that nothing was sent to is as silent as "nowhere".
  return session.some(
    (step) =>
      step.kind === 'probe' &&
      step.name === probe &&
      (number === null || step.sourcePorts.includes(number)) &&
      ports.some(([low, high]) => step.ports.some(([first, last]) => low <= last && first <= high)),
  );
}

/** What is wrong with the proof a scenario offers; nothing for most. */
function unproven(scenario: Scenario, find: (name: string) => Scenario): string[] {
  const { name, twin: twinName, expect: sentences } = scenario;
  const blocked = blockedTransfers(scenario);
  const silent = sentences.some(({ check }) => SILENT.includes(check));
  const silentAlone = silent && !sentences.some((sentence) => saysArrived(sentence, scenario));
  if (blocked.length === 0 && !silentAlone) return [];
  if (twinName === null) {
    return [`${name} expects ${blocked.length > 0 ? 'a block' : 'silence alone'} and names no twin`];
  }
  const twin = find(twinName);
  const changed = changes(scenario, twin);
  const stillBlocked = blockedTransfers(twin);
  const arrives = twin.expect.some((sentence) => saysArrived(sentence, twin));
  return [
    ...blocked
      .filter((transfer) => !frees(twin, scenario, transfer))
      .map((transfer) => `${twinName} does not expect what is "${transfer}" in ${name} to be complete`),
    ...stillBlocked.map((transfer) => `${twinName} itself expects "${transfer}" to be blocked`),
    ...(silentAlone && !arrives ? [`nothing arrives in ${name}, nor in ${twinName}`] : []),
    ...(changed.length === 1
      ? []
      : [`${name} and ${twinName} differ in ${changed.join(' and ') || 'nothing'}; allowed: in one thing`]),
  ];
}

const names = scenarioNames(DIRECTORY);
const load = (name: string): Scenario => loadScenario(join(DIRECTORY, `${name}.yaml`));

test.each(names)('%s proves what it says of blocks and silence', (name) => {
  expect(unproven(load(name), load)).toEqual([]);
});

test('there are blocks and silence to prove', () => {
  const all = names.map(load);
  expect(all.filter((scenario) => blockedTransfers(scenario).length > 0).length).toBeGreaterThan(15);
  const silent = all.filter(({ expect: sentences }) => sentences.some(({ check }) => SILENT.includes(check)));
  expect(silent.length).toBeGreaterThan(5);
});

// The judge itself must find what is wrong: scenarios of the catalogue, spoilt one by one.
describe('a scenario that proves nothing is found out', () => {
  const folder = scratch();
  const find = (name: string): Scenario => loadScenario(join(folder, `${name}.yaml`));
  /** Copies scenarios, and changes the first. */
  function spoil(files: readonly string[], ...edits: readonly (readonly [string, string])[]): string[] {
    for (const name of files) copyFileSync(join(DIRECTORY, `${name}.yaml`), join(folder, `${name}.yaml`));
    const [name = ''] = files;
    const file = join(folder, `${name}.yaml`);
    let text = readFileSync(file, 'utf8');
    for (const [from, to] of edits) {
      if (!text.includes(from)) throw new Error(`${name} has no ${from}`);
      text = text.replaceAll(from, to);
    }
    writeFileSync(file, text);
    // What is spoilt may be the twin, so each is judged.
    return files.flatMap((one) => unproven(find(one), find));
  }
  const ACTIVE = ['active-nat', 'active-nat-helper'] as const;

  test('not while it is as it was', () => {
    expect(spoil(ACTIVE)).toEqual([]);
    expect(spoil(['t2-exposure'])).toEqual([]);
  });

  test('one without a twin', () => {
    expect(spoil(ACTIVE, ['twin: active-nat-helper\n', ''])).toEqual([
      'active-nat expects a block and names no twin',
    ]);
  });

  test.each(['is blocked', 'is blocked as data-dropped', 'is blocked by the policy', 'is blocked by row 1'])(
    'whichever sentence says that it %s',
    (sentence) => {
      expect(
        spoil(
          ACTIVE,
          ['twin: active-nat-helper\n', ''],
          ['- download is blocked\n', `- download ${sentence}\n`],
        ),
      ).toEqual(['active-nat expects a block and names no twin']);
    },
  );

  test.each<[string, readonly [string, string], string]>([
    ['network', ['behind: client', 'behind: client\ninside: 10.9.9.0/24'], 'inside and helper'],
    ['NAT', ['nat: masquerade', 'nat: none'], 'firewall.nat and helper'],
    ['rules', ['ct state established,related accept', 'tcp dport 21 accept'], 'rules and helper'],
    ['policy', ['policy: drop', 'policy: accept'], 'rules and helper'],
    ['INPUT', ['policy: drop', 'policy: drop\n  input: drop'], 'rules and helper'],
    ['forwarding', ['policy: drop', 'policy: drop\n  forward: [50000]'], 'helper and firewall.forward'],
    [
      'timeouts',
      ['policy: drop', 'policy: drop\n  timeouts: { established: 15m }'],
      'helper and firewall.timeouts',
    ],
    ['server', ['server: ftp-srv', 'server: { program: ftp-srv, port: 2121 }'], 'helper and server'],
    [
      'client',
      ['client: basic-ftp', "client: { program: basic-ftp, ports: '6000-6009' }"],
      'helper and client',
    ],
    ['session', ['size: 1 MiB', 'size: 2 MiB'], 'helper and session'],
  ])('one that changes its %s beside the module', (_what, edit, groups) => {
    expect(spoil(ACTIVE, edit)).toEqual([
      `active-nat and active-nat-helper differ in ${groups}; allowed: in one thing`,
    ]);
  });

  test('one that changes the kind of firewall beside its table', () => {
    expect(spoil(['t2-passive', 't2-corrected-passive'], ['kind: iptables', 'kind: ipchains'])).toEqual([
      't2-passive and t2-corrected-passive differ in firewall.kind and rules; allowed: in one thing',
    ]);
  });

  test('one that changes nothing, patience apart', () => {
    expect(
      spoil(ACTIVE, ['policy: drop', 'policy: drop\n  modules: [ip_conntrack_ftp, ip_nat_ftp]']),
    ).toEqual(['active-nat and active-nat-helper differ in nothing; allowed: in one thing']);
  });

  test('one whose twin is blocked too, or does not say that it is complete', () => {
    expect(
      spoil(['active-nat-helper', 'active-nat'], ['download is complete', 'download is blocked']),
    ).toEqual([
      'active-nat-helper expects a block and names no twin',
      'active-nat-helper does not expect what is "download" in active-nat to be complete',
      'active-nat-helper itself expects "download" to be blocked',
    ]);
    expect(spoil(['active-nat-helper', 'active-nat'], ['  - download is complete\n', ''])).toEqual([
      'active-nat-helper does not expect what is "download" in active-nat to be complete',
    ]);
  });

  test('one in which nothing that was sent arrives', () => {
    const silence = ['t2-exposure expects silence alone and names no twin'];
    expect(spoil(['t2-exposure'], ['  - syn-fin arrives everywhere\n', ''])).toEqual(silence);
    expect(spoil(['t2-exposure'], ['syn-fin arrives everywhere', 'syn-fin arrives only at 80'])).toEqual(
      silence,
    );
    expect(spoil(['t2-exposure'], ['syn-fin arrives everywhere', 'syn-fin arrives only at 1025'])).toEqual(
      [],
    );
  });
});
