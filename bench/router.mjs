// What the router of the Linux 2.2 firewall costs: speed, memory, and time that it adds to a handshake.
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** The figures, measured with the tools of bench.mjs. */
export async function routerFigures(tools) {
  const { PAIRS, repeat } = tools;
  const big = bulkScenario(tools);
  const router = await routerPairs(tools, big);
  return [
    {
      name: '256 MiB passive download through Linux 2.2 (7.15 s is 300 Mbit/s)',
      unit: 's',
      target: 7.15,
      ...router.old,
    },
    { name: 'Linux 2.2 ÷ today’s kernel, pair by pair', unit: '×', ...router.ratio },
    {
      name: 'set-up of a connection that its router adds',
      unit: 'ms',
      target: 2,
      ...(await repeat(PAIRS, () => setUpAdded(tools, big))),
    },
    {
      name: 'its router’s memory with 40,960 entries',
      unit: 'MiB',
      target: 150,
      ...(await repeat(2, () => routerMemory(tools, big))),
    },
  ];
}

// The same through the Linux 2.2 firewall, whose router is a program of the lab's.
function bulkScenario({ scratch, BIG }) {
  return variant(join(scratch, 'bulk-2.2.yaml'), BIG, [
    ['kind: nftables', 'kind: ipchains'],
    [/policy: drop[\s\S]*?server:/, 'policy: accept\nserver:'],
  ]);
}

/** Seconds of the download through Linux 2.2 and through today's kernel, in turn. */
async function routerPairs({ PAIRS, labBulk, spread }, BIG_2_2) {
  const pairs = [];
  for (let n = 0; n < PAIRS; n += 1) pairs.push({ old: await labBulk(BIG_2_2), today: await labBulk() });
  return {
    old: spread(pairs.map(({ old }) => old)),
    ratio: spread(pairs.map(({ old, today }) => old / today)),
  };
}

// As many connections as its table holds, and a few more, opened by a scan from the inside. The answers are denied:
// an RST would leave an entry ten seconds only.
function fullScenario(scratch, BIG_2_2) {
  const session = `session:
  - probe: { name: scan, from: neighbour, to: prober, source-ports: [${SCANNED}], ports: 10000-14199 }
  - download: { mode: passive, size: 64 KiB }
expect:
  - scan arrives somewhere
`;
  return variant(join(scratch, 'full-2.2.yaml'), BIG_2_2, [
    [
      'policy: accept\n',
      'policy: accept\n  rules: |\n    ipchains -A input -i outside -s 203.0.113.66 -j DENY\n',
    ],
    [SESSION, session],
  ]);
}

/** From the session on. */
const SESSION = /session:[\s\S]*/;

/** Writes a scenario with some of its text replaced. @returns the file */
function variant(file, from, changes) {
  writeFileSync(
    file,
    changes.reduce((text, [old, made]) => text.replace(old, made), readFileSync(from, 'utf8')),
  );
  return file;
}

/** The most memory that the router's process had, in MiB. */
async function routerMemory({ ROOT, LAB, scratch, timed }, BIG_2_2) {
  const FULL_2_2 = fullScenario(scratch, BIG_2_2);
  let peak = 0;
  let timer;
  const look = () => {
    for (const name of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
      try {
        if (!readFileSync(`/proc/${name}/cmdline`, 'utf8').includes(`${join(ROOT, 'dist', 'router.js')}`))
          continue;
        peak = Math.max(peak, Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${name}/status`, 'utf8'))[1]));
      } catch {
        // Ended in between.
      }
    }
  };
  // It fails by design: the table is full when the client comes.
  await timed([process.execPath, LAB, 'run', '-q', '--results', join(scratch, 'results'), FULL_2_2], () => {
    timer = setInterval(look, 10);
  });
  clearInterval(timer);
  return peak / 1024;
}

/** Ten ports to 4,200 make 42,000. */
const SCANNED = Array.from({ length: 10 }, (_, index) => 1025 + index).join(', ');

function manyScenario(scratch, BIG_2_2) {
  const downloads = Array.from(
    { length: 40 },
    (_, n) => `  - download: { name: d${n}, mode: passive, size: 1 KiB }\n`,
  );
  const session = `session:\n${downloads.join('')}expect:\n  - the control connection survives\n`;
  return variant(join(scratch, 'many-2.2.yaml'), BIG_2_2, [[SESSION, session]]);
}

/** Milliseconds that the router adds to a TCP handshake: what the client waits, less what the server takes. Median of forty. */
async function setUpAdded({ LAB, scratch, timed, spread }, BIG_2_2) {
  const MANY_2_2 = manyScenario(scratch, BIG_2_2);
  const { stdout } = await timed([process.execPath, LAB, 'run', '-q', '--json', MANY_2_2]);
  const packets = JSON.parse(stdout).runs[0].events.filter(({ kind }) => kind === 'packet');
  const waits = (leg) =>
    packets
      .filter((packet) => packet.leg === leg && packet.flags === 'S')
      .map((syn) => {
        const answer = packets.find(
          (packet) =>
            packet.leg === leg &&
            packet.flags === 'SA' &&
            packet.sourcePort === syn.destinationPort &&
            packet.destinationPort === syn.sourcePort &&
            packet.at > syn.at,
        );
        return (answer.at - syn.at) * 1000;
      });
  const [inside, outside] = [waits('inside'), waits('outside')];
  return spread(inside.map((wait, index) => wait - outside[index])).median;
}
