import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { RunResult } from '../../src/verdict/run-result';
import { lab, runs, scenarioWith, scratch } from '../support';
import { describeDocker } from './engine';

/** What of a run the engine must not matter for: all but ports, times and the engine's own name. */
function comparable(run: RunResult) {
  return {
    outcome: run.outcome,
    reason: run.reason,
    expectations: run.expectations.map(({ text, held }) => ({ text, held })),
    claims: run.claims.map(({ id, verdict }) => ({ id, verdict })),
    transfers: run.transfers.map(({ data, error, ...rest }) => ({
      ...rest,
      seconds: null,
      error: error?.replace(/\d{4,5}|\d+,\d+(?=\))/g, 'N') ?? null,
      data: data && { dialledBy: data.dialledBy, reached: data.reached },
    })),
    control: run.control.survived,
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
  test('give equal expectations, claims, transfers, causes and kinds of events', async () => {
    const folder = scratch();
    const names = JSON.parse((await lab(['list', '--json'], folder)).stdout) as {
      scenarios: { name: string }[];
    };
    const all = names.scenarios.map(({ name }) => name);
    expect(all.length).toBeGreaterThan(3);
    const [netns, docker] = [
      await runs(['--engine', 'netns', '--keep', ...all], folder),
      await runs(['--engine', 'docker', '--keep', ...all], folder),
    ];
    expect(docker.code).toBe(netns.code);
    expect(docker.runs.map(({ engine, engineWhy }) => ({ engine, engineWhy }))).toEqual(
      all.map(() => ({ engine: 'docker', engineWhy: null })),
    );
    for (const [index, run] of docker.runs.entries()) {
      const other = netns.runs[index];
      if (!other) throw new Error('a run is missing');
      const withoutCounts = (result: RunResult) => ({
        ...comparable(result),
        lost: result.captures.map(({ leg, lost }) => ({ leg, lost })),
      });
      expect(withoutCounts(run)).toEqual(withoutCounts(other));
      // The same files of evidence, and captures that hold packets.
      const evidence = (result: RunResult): string[] =>
        readdirSync(join(folder, result.artifacts.directory ?? '')).sort();
      expect(evidence(run)).toEqual(evidence(other));
      expect(run.captures.every(({ packets }) => packets > 5)).toBe(true);
    }
  }, 120_000);

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
});
