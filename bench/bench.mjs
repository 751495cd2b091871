// Measures what the README promises about speed and size, on this machine. Each figure is the median of
// several runs, with their spread; ratios are taken pair by pair in one run.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, release, tmpdir, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { routerFigures } from './router.mjs';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const LAB = join(ROOT, 'dist', 'lab.js');
const USAGE = `Usage: npm run bench -- [--quick] [parts...]

Measures this machine and prints a table; of all parts, it writes bench/results.json, too.

Parts, all of them unless named:
  run        one run, ten at once, their memory
  bulk       256 MiB through the lab, beside curl without it
  router     the Linux 2.2 firewall: throughput, memory, what it adds to a handshake
  all        every scenario that needs no waiting, and lab faq
  report     writing reports; npm run setup
  docker     the docker engine, where one runs

Together they take some minutes; --quick takes fewer runs of each, to see whether a change matters.`;
const MIB = 2 ** 20;
process.env.PATH += ':/usr/local/sbin:/usr/sbin:/sbin';

const scratch = mkdtempSync(join(tmpdir(), 'lab-bench-'));
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));

const lab = (...args) => [process.execPath, LAB, ...args];

/** Starts a command; resolves with its wall time in seconds and its output, rejects when it fails. */
function timed(argv, onStart = () => undefined) {
  return new Promise((resolve, reject) => {
    const began = performance.now();
    const child = spawn(argv[0], argv.slice(1), { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk) => (stdout += chunk));
    child.stderr.on('data', (chunk) => (stderr += chunk));
    onStart(child);
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve({ seconds: (performance.now() - began) / 1000, stdout });
      else reject(new Error(`${argv.join(' ')} ended with ${code}: ${stderr}${stdout}`));
    });
  });
}

async function repeat(times, measure) {
  await measure(); // one to warm the caches, not counted
  const values = [];
  for (let n = 0; n < times; n += 1) values.push(await measure());
  return spread(values);
}

function spread(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  return { median, min: sorted[0], max: sorted.at(-1), runs: sorted.length };
}

/** Resident memory of a process and all below it, in bytes; pages they share count for each. */
function residentBytes(pid) {
  const parents = new Map();
  for (const name of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    try {
      parents.set(
        Number(name),
        Number(readFileSync(`/proc/${name}/stat`, 'utf8').split(') ').at(-1).split(' ')[1]),
      );
    } catch {
      // Ended in between.
    }
  }
  const below = (id) => [
    id,
    ...[...parents].filter(([, parent]) => parent === id).flatMap(([child]) => below(child)),
  ];
  return below(pid).reduce((sum, id) => {
    try {
      return sum + Number(readFileSync(`/proc/${id}/statm`, 'utf8').split(' ')[1]) * 4096;
    } catch {
      return sum;
    }
  }, 0);
}

async function peakMemory(args) {
  let peak = 0;
  let timer;
  await timed([process.execPath, LAB, ...args], (child) => {
    timer = setInterval(() => (peak = Math.max(peak, residentBytes(child.pid))), 5);
  });
  clearInterval(timer);
  return peak / MIB;
}

const BIG = join(scratch, 'bulk.yaml');
const SIZE = 256 * MIB;
writeFileSync(
  BIG,
  readFileSync(join(ROOT, 'scenarios', 'passive-nat.yaml'), 'utf8')
    .replace(/session:[\s\S]*/, 'session:\n  - download: { mode: passive, size: 256 MiB }\n')
    .concat('expect:\n  - download is complete\n'),
);

// The same with the FTP helper on the control connection: what claim C54 says costs processor time.
const BIG_HELPED = join(scratch, 'bulk-helped.yaml');
writeFileSync(
  BIG_HELPED,
  readFileSync(BIG, 'utf8').replace('\nserver:', '\n  modules: [ip_conntrack_ftp, ip_nat_ftp]\nserver:'),
);

/** Seconds of the lab's own 256 MiB download, captures on, checked by length and SHA-256. */
async function labBulk(scenario = BIG) {
  const { stdout } = await timed(lab('run', '-q', '--json', scenario));
  const [run] = JSON.parse(stdout).runs;
  if (run.captures.some(({ lost }) => lost > 0)) throw new Error('the capture lost packets');
  return run.transfers[0].seconds;
}

/**
 * Seconds of curl's download of as much, from ftp-srv as it is shipped, through namespaces and rules
 * wired from the same plan. No lab around it: no agents, no captures, no conntrack watch, no checks.
 */
async function curlBulk() {
  const plan = JSON.parse(
    spawnSync(process.execPath, [LAB, 'show', '--json', BIG], { encoding: 'utf8' }).stdout,
  );
  const hosts = Object.entries(plan.hosts);
  const script = [
    'set -e',
    'mount --no-mtab -t tmpfs -o mode=755 lab /run',
    'ip -batch - <<END',
    ...hosts.map(([name]) => `netns add ${name}`),
    ...plan.links.map(
      ({ a, b }) =>
        `link add ${a.interface} netns ${a.host} type veth peer name ${b.interface} netns ${b.host}`,
    ),
    'END',
    ...hosts.flatMap(([name, host]) => [
      `nsenter --net=/run/netns/${name} sh -e <<'END'`,
      ...Object.entries(host.sysctls).map(([path, value]) => `echo ${value} > /proc/sys/${path}`),
      ...host.interfaces.flatMap(({ name: link, address }) => [
        `ethtool -K ${link} tx off tso off gso off gro off > /dev/null`,
        `ip address add ${address}/24 dev ${link}`,
        `ip link set ${link} up`,
      ]),
      ...host.routes.map(({ network, via }) => `ip route add ${network} via ${via}`),
      'END',
    ]),
    "nsenter --net=/run/netns/firewall nft -f - <<'END'",
    plan.firewall.ruleset.text,
    'END',
    `truncate -s ${SIZE} /run/bulk.bin`,
    `nsenter --net=/run/netns/server "${process.execPath}" "${join(scratch, 'server.cjs')}" ${plan.server.address} &`,
    `until nsenter --net=/run/netns/client curl -s --max-time 1 -o /dev/null ftp://${plan.server.address}/; do sleep 0.02; done`,
    `nsenter --net=/run/netns/client curl -sS --disable-epsv -o /dev/null -w '%{time_total} %{size_download}' ftp://${plan.server.address}/bulk.bin`,
  ];
  writeFileSync(
    join(scratch, 'server.cjs'),
    `const { FtpSrv } = require(${JSON.stringify(join(ROOT, 'node_modules', 'ftp-srv'))});
const quiet = new Proxy({}, { get: () => () => quiet });
const address = process.argv[2];
const server = new FtpSrv({ url: \`ftp://\${address}:21\`, pasv_url: address, anonymous: true, log: quiet });
server.on('login', (_login, resolve) => resolve({ root: '/run' }));
server.listen();
`,
  );
  const user = process.getuid() === 0 ? [] : ['--user', '--map-root-user'];
  const namespaces = ['--net', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc'];
  const { stdout } = await timed(['unshare', ...user, ...namespaces, 'sh', '-c', script.join('\n')]);
  const [seconds, size] = stdout.split(' ').map(Number);
  if (size !== SIZE) throw new Error(`curl got ${size} of ${SIZE} bytes`);
  return seconds;
}

async function bulkPairs() {
  const pairs = [];
  for (let n = 0; n < PAIRS; n += 1) pairs.push({ lab: await labBulk(), curl: await curlBulk() });
  return {
    lab: spread(pairs.map(({ lab }) => lab)),
    curl: spread(pairs.map(({ curl }) => curl)),
    ratio: spread(pairs.map(({ lab, curl }) => lab / curl)),
  };
}

async function helperPairs() {
  const ratios = [];
  for (let n = 0; n < PAIRS; n += 1) {
    const helped = await labBulk(BIG_HELPED);
    ratios.push(helped / (await labBulk()));
  }
  return spread(ratios);
}

const one = lab('-q', 'passive-nat');
const seconds = async (argv) => (await timed(argv)).seconds;
const atOnce = async (number, argv) => {
  const began = performance.now();
  await Promise.all(Array.from({ length: number }, () => timed(argv)));
  return (performance.now() - began) / 1000;
};

/** The docker engine's figures; none where there is no engine. */
async function dockerFigures() {
  const images = lab('images', '-q');
  if (spawnSync(images[0], images.slice(1), { stdio: ['ignore', 'ignore', 'inherit'] }).status !== 0)
    return [];
  const onDocker = [...one, '--engine', 'docker'];
  return [
    await figure('passive-nat --engine docker, images present', 's', 4, () => seconds(onDocker), RUNS),
    await figure('eight of them at once, eight processes', 's', 15, () => atOnce(8, onDocker)),
    await once('all images from the base, nothing cached', 90, [...images, '--no-cache']),
  ];
}

/** A figure of several runs, said as soon as it is known. */
async function figure(name, unit, target, measure, times = PAIRS) {
  return tell({ name, unit, target, ...(await repeat(times, measure)) });
}

/** Seconds that a command takes which is run once, for it takes long. */
async function once(name, target, argv) {
  return tell({ name, unit: 's', target, ...spread([await seconds(argv)]) });
}

function tell(figure) {
  process.stderr.write(`${figure.name}: ${figure.median.toFixed(2)} ${figure.unit}\n`);
  return figure;
}

/** What is measured, by the names that can be asked for. */
const PARTS = {
  run: async () => [
    await figure('node dist/lab.js passive-nat', 's', 0.7, () => seconds(one), RUNS),
    await figure(
      'npm run lab -- passive-nat',
      's',
      1.0,
      () => seconds(['npm', 'run', '--silent', 'lab', '--', '-q', 'passive-nat']),
      RUNS,
    ),
    await figure('peak memory of all processes (RSS, shared pages counted for each)', 'MiB', 400, () =>
      peakMemory(['-q', 'passive-nat']),
    ),
    await figure('ten passive-nat at once, ten processes', 's', 3, () => atOnce(10, one)),
    await figure('ten passive-nat at once, one process (--jobs 10)', 's', 3, () =>
      seconds(lab('run', '-q', '--jobs', '10', ...Array(10).fill('passive-nat'))),
    ),
  ],
  bulk: async () => {
    const bulk = await bulkPairs();
    return [
      { name: '256 MiB passive download, lab, captures on', unit: 's', ...bulk.lab },
      { name: '256 MiB passive download, curl, no lab', unit: 's', ...bulk.curl },
      { name: 'lab ÷ curl, pair by pair', unit: '×', target: 1.3, ...bulk.ratio },
      { name: 'the same download, with helper ÷ without', unit: '×', ...(await helperPairs()) },
    ].map(tell);
  },
  router: async () =>
    (await routerFigures({ ROOT, LAB, BIG, PAIRS, scratch, timed, spread, repeat, labBulk })).map(tell),
  all: async () => [
    await figure('all scenarios that need no waiting (--tag fast)', 's', 20, () => seconds(lab(...FAST)), 2),
    await figure('their peak memory, all processes', 'MiB', 2048, () => peakMemory(FAST), 1),
    await figure('lab faq', 's', 20, () => seconds(lab('faq', '-q')), 2),
  ],
  report: async () => {
    const saved = join(scratch, 'saved.json');
    writeFileSync(saved, (await timed(lab('-q', '--json', 'active-nat'))).stdout);
    const out = (name) => join(scratch, name);
    const reports = ['--html', out('r.html'), '--svg', out('r.svg'), '--markdown', out('r.md')];
    const command = lab('report', saved, ...reports, '--junit', out('r.xml'));
    return [
      await figure(
        'lab report of a saved run: HTML, SVG, Markdown, JUnit (whole process)',
        's',
        undefined,
        () => seconds(command),
        RUNS,
      ),
      await figure('npm run setup, nothing missing', 's', 2, () =>
        seconds(['npm', 'run', '--silent', 'setup']),
      ),
    ];
  },
  docker: dockerFigures,
};
const FAST = ['run', '-q', '--tag', 'fast'];

/** What the command line asks for; ends the process when that is help, or nothing we have. */
function chosen(known) {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: { quick: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
    });
    if (values.help) {
      console.log(USAGE);
      process.exit(0);
    }
    const unknown = positionals.find((name) => !known.includes(name));
    if (unknown !== undefined) throw new Error(`no part is called "${unknown}"; known: ${known.join(', ')}`);
    return { quick: values.quick ?? false, parts: positionals.length > 0 ? positionals : known };
  } catch (error) {
    console.error(`${error.message}; see npm run bench -- --help`);
    process.exit(2);
  }
}

const { quick, parts } = chosen(Object.keys(PARTS));
const RUNS = quick ? 3 : 10;
const PAIRS = quick ? 2 : 5;

const figures = [];
for (const part of parts) {
  process.stderr.write(`── ${part}\n`);
  figures.push(...(await PARTS[part]()));
}
const machine = {
  date: new Date().toISOString().slice(0, 10),
  processors: availableParallelism(),
  model: cpus()[0]?.model ?? 'unknown',
  memoryGiB: Math.round(totalmem() / 2 ** 30),
  kernel: release(),
  node: process.version,
};

console.log(
  `${machine.date}, ${machine.processors} × ${machine.model}, ${machine.memoryGiB} GiB, Linux ${machine.kernel}, Node ${machine.node}\n`,
);
console.log('| figure | median | min–max | runs | wanted | |\n|---|---|---|---|---|---|');
for (const { name, unit, median, min, max, runs, target } of figures) {
  const show = (value) => (unit === 'MiB' ? value.toFixed(0) : value.toFixed(2));
  const verdict = target === undefined ? '' : median <= target ? 'met' : 'missed';
  const wanted = target === undefined ? '' : `under ${target} ${unit}`;
  console.log(
    `| ${name} | ${show(median)} ${unit} | ${show(min)}–${show(max)} | ${runs} | ${wanted} | ${verdict} |`,
  );
}
// Some parts are no record.
if (parts.length === Object.keys(PARTS).length)
  writeFileSync(join(ROOT, 'bench', 'results.json'), `${JSON.stringify({ machine, figures }, null, 2)}\n`);
