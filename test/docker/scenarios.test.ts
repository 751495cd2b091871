import Dockerode from 'dockerode';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RunResult } from '../../src/verdict/run-result';
import { eventually, lab, runs, scenarioWith, scratch } from '../support';
import { describeDocker } from './engine';

/** What an engine can do differently, once each. All of the catalogue would take minutes. */
const SAMPLE = {
  routed: 'routes alone',
  'passive-nat': 'nft rules with NAT',
  'active-nat': 'a failure that NAT causes',
  'active-nat-helper': 'nft rules with a helper',
  'nft-tables': 'a whole nft ruleset',
  'nat-helper-active': 'iptables with NAT and a helper',
  'masq-module-active': 'a Linux 2.2 firewall, its module and its tools',
  'script-filter': 'a start script in a root of its own',
  't1-syn-probes-ipchains': 'probes through that firewall',
  't1-port-in-x-range': 'a table on iptables, and the row of it that blocks',
  't1-one-client': 'a second inside host, and probes from outside',
  'time-change-in-time': 'scaled time, and timeouts changed in mid-session',
  'dns-tcp': 'a resolver, over UDP and TCP',
};

/** What of a run the engine must not matter for: all but ports, times and the engine's own name. */
function comparable(run: RunResult) {
  return {
    outcome: run.outcome,
    reason: run.reason,
    expectations: run.expectations.map(({ text, held }) => ({ text, held })),
    claims: run.claims.map(({ id, verdict }) => ({ id, verdict })),
    transfers: run.transfers.map(({ data, error, finalReply, ...rest }) => ({
      ...rest,
      seconds: null,
      // Client and server wait equally long for a data connection: either may be the first to give up.
      finalReply: finalReply === 425 ? null : finalReply,
      error:
        error?.replace(/^(?:425 .*|Timeout .*)$/, 'given up').replace(/\d{4,5}|\d+,\d+(?=\))/g, 'N') ?? null,
      data: data && { dialledBy: data.dialledBy, reached: data.reached },
    })),
    control: run.control.survived,
    probes: run.probes,
    rules: run.rules.map(({ row, text, packets }) => ({ row, text, hit: packets > 0 })),
    diagnosis: run.diagnosis.map(({ code, transfer }) => ({ code, transfer })),
    lost: run.captures,
    // What kinds of things were seen, and from where. Whether ftp-srv logs that it could not answer a
    // client that has left depends on which of both is faster.
    seen: [
      ...new Set(
        run.events.filter(({ kind }) => kind !== 'log').map(({ vantage, kind }) => `${vantage}: ${kind}`),
      ),
    ].sort(),
  };
}

describeDocker('the same scenarios on both engines', () => {
  test.each(Object.entries(SAMPLE))(
    '%s (%s): equal expectations, claims, transfers, probes, causes and kinds of events',
    async (name) => {
      const folder = scratch();
      const on = async (engine: string): Promise<RunResult> => {
        const [run] = (await runs(['--engine', engine, '--keep', name], folder)).runs;
        if (!run) throw new Error(`no run on ${engine}`);
        return run;
      };
      const [other, run] = [await on('netns'), await on('docker')];
      expect(run).toMatchObject({ outcome: 'pass', engine: 'docker', engineWhy: null });
      const withoutCounts = (result: RunResult) => ({
        ...comparable(result),
        lost: result.captures.map(({ leg, lost }) => ({ leg, lost })),
      });
      expect(withoutCounts(run)).toEqual(withoutCounts(other));
      // The same files of evidence, with as much in them, and captures that hold packets.
      const evidence = ({ artifacts, timeScale }: RunResult): { file: string; empty: boolean | null }[] => {
        const kept = join(folder, artifacts.directory ?? '');
        // In a scaled run the entries of ended connections live for 3 s. A slow engine asks later than that.
        const fleeting = timeScale === 1 ? [] : ['conntrack.txt', 'expectations.txt'];
        return readdirSync(kept)
          .sort()
          .map((file) => ({
            file,
            empty: fleeting.includes(file) ? null : readFileSync(join(kept, file)).length === 0,
          }));
      };
      expect(evidence(run)).toEqual(evidence(other));
      // What a tool could not tell is said in its file.
      for (const { artifacts } of [run, other]) {
        for (const file of readdirSync(join(folder, artifacts.directory ?? ''))) {
          if (!/\.(?:txt|ipchains|nft|iptables)$/.test(file)) continue;
          const text = readFileSync(join(folder, artifacts.directory ?? '', file), 'utf8');
          expect({ file, failed: /^.* ended with (?:\d+|a signal): .*$/m.exec(text)?.[0] ?? null }).toEqual({
            file,
            failed: null,
          });
        }
      }
      expect(run.captures.every(({ packets }) => packets > 5)).toBe(true);
    },
  );

  test('every event of a run on docker is within it, in the order of one clock', async () => {
    const { runs: done } = await runs(['--engine', 'docker', 'active-nat-helper']);
    const [run] = done;
    if (!run) throw new Error('no run');
    const times = run.events.map(({ at }) => at);
    expect(times).toEqual([...times].sort((a, b) => a - b));
    expect(times[0]).toBe(0);
    expect(times.at(-1)).toBeLessThan(run.durationSeconds);
    // The PORT line is seen first where it was sent, then on the inside, on the outside, by the server.
    const port = (vantage: string): number =>
      run.events.find(
        (event) =>
          event.vantage === vantage &&
          ((event.kind === 'ftp-line' && event.line.startsWith('PORT ')) ||
            (event.kind === 'packet' && event.payload.startsWith('PORT '))),
      )?.at ?? Number.NaN;
    const order = ['client', 'firewall inside', 'firewall outside', 'server'].map(port);
    expect(order).toEqual([...order].sort((a, b) => a - b));
  });

  test('a rule that nft refuses is the author’s mistake there too', async () => {
    const folder = scratch();
    scenarioWith([['ct state established,related accept', 'ct state nonsense accept']], folder);
    const { code, stderr } = await lab(['./case.yaml', '--engine', 'docker'], folder);
    expect(code).toBe(2);
    expect(stderr).toMatch(/case\.yaml:9:\d+: nft refuses row 1/);
  });

  test('no host may do more than its part takes: who probes may make packets, and nothing else', async () => {
    const folder = scratch();
    scenarioWith(
      [
        ['port: 21,', 'port: 21, name: ftp.example.net,'],
        [
          '- download: { mode: passive, size: 64 KiB }',
          `- download: { mode: passive, size: 64 KiB, lasting: 4 s }
  - probe: { name: outer, from: prober, to: firewall, source-ports: [20], ports: '1025' }
  - probe: { name: inner, from: neighbour, to: server, source-ports: [20], ports: '1025' }`,
        ],
      ],
      folder,
    );
    const running = runs(['--engine', 'docker', './case.yaml'], folder);
    const roles = ['client', 'firewall', 'neighbour', 'prober', 'resolver', 'server'];
    const found = await rightsOf(roles);
    const none = '0'.repeat(16);
    // CAP_NET_RAW is bit 13; beside it NET_ADMIN (12), SETUID (7) and SETGID (6): capabilities(7).
    const [probes, firewall] = ['0000000000002000', '00000000000030c0'];
    expect(found).toEqual({
      ...{ client: none, resolver: none, server: none },
      ...{ neighbour: probes, prober: probes, firewall },
    });
    const { runs: done, code } = await running;
    expect(done[0]?.probes.map(({ name }) => name)).toEqual(['outer', 'inner']);
    expect(code).toBe(0);
  });
});

/** The capabilities that take effect for the first process of each role's container, in hexadecimal. */
async function rightsOf(roles: readonly string[]): Promise<Record<string, string>> {
  const docker = new Dockerode();
  const filters = { label: ['ftp-firewall-lab.run'] };
  const roleOf = ({ Names }: Dockerode.ContainerInfo): string => Names[0]?.split('-').at(-1) ?? '';
  const ours = await eventually(
    async () => {
      const containers = await docker.listContainers({ filters });
      const found = containers.filter((container) => roles.includes(roleOf(container)));
      return found.length === roles.length ? found : undefined;
    },
    `there are ${roles.join(', ')}`,
  );
  const entries = ours.map(async (container) => {
    const { Pid } = (await docker.getContainer(container.Id).inspect()).State;
    const [, effective = ''] = /^CapEff:\s*(\w+)$/m.exec(readFileSync(`/proc/${Pid}/status`, 'utf8')) ?? [];
    return [roleOf(container), effective] as const;
  });
  return Object.fromEntries(await Promise.all(entries));
}
