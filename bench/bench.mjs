// Measures what the README promises about speed and size, on this machine: medians with their spread,
// and ratios taken pair by pair in one run. Prints them and writes bench/results.json.
//
//   npm run bench            everything: about a minute, and three more where a container engine runs
//   npm run bench -- quick   fewer runs, to see whether a change matters
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, release, tmpdir, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const LAB = join(ROOT, 'dist', 'lab.js');
const RUNS = process.argv.includes('quick') ? 3 : 10;
const PAIRS = process.argv.includes('quick') ? 2 : 5;
const MIB = 2 ** 20;
process.env.PATH += ':/usr/local/sbin:/usr/sbin:/sbin';

const scratch = mkdtempSync(join(tmpdir(), 'lab-bench-'));
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));

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
  const { stdout } = await timed([process.execPath, LAB, 'run', '-q', '--json', scenario]);
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
    'mount -t tmpfs -o mode=755 lab /run',
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

const one = [process.execPath, LAB, '-q', 'passive-nat'];
const seconds = async (argv) => (await timed(argv)).seconds;
const atOnce = async (number, argv) => {
  const began = performance.now();
  await Promise.all(Array.from({ length: number }, () => timed(argv)));
  return (performance.now() - began) / 1000;
};

/** The docker engine's figures; none where there is no engine. */
async function dockerFigures() {
  const images = [process.execPath, LAB, 'images', '-q'];
  if (spawnSync(images[0], images.slice(1), { stdio: ['ignore', 'ignore', 'inherit'] }).status !== 0)
    return [];
  const onDocker = [...one, '--engine', 'docker'];
  return [
    {
      name: 'passive-nat --engine docker, images present',
      unit: 's',
      target: 4,
      ...(await repeat(RUNS, () => seconds(onDocker))),
    },
    {
      name: 'eight of them at once, eight processes',
      unit: 's',
      target: 15,
      ...(await repeat(PAIRS, () => atOnce(8, onDocker))),
    },
    {
      name: 'all images from the base, nothing cached',
      unit: 's',
      target: 90,
      ...spread([await seconds([...images, '--no-cache'])]),
    },
  ];
}

console.error('measuring, about a minute …');
const saved = join(scratch, 'saved.json');
writeFileSync(saved, (await timed([process.execPath, LAB, '-q', '--json', 'active-nat'])).stdout);
const allReports = [
  ...[
    process.execPath,
    LAB,
    'report',
    saved,
    '--html',
    join(scratch, 'r.html'),
    '--svg',
    join(scratch, 'r.svg'),
  ],
  ...['--markdown', join(scratch, 'r.md'), '--junit', join(scratch, 'r.xml')],
];
const bulk = await bulkPairs();
const fast = ['run', '-q', '--tag', 'fast'];
const figures = [
  {
    name: 'node dist/lab.js passive-nat',
    unit: 's',
    target: 0.7,
    ...(await repeat(RUNS, () => seconds(one))),
  },
  {
    name: 'npm run lab -- passive-nat',
    unit: 's',
    target: 1.0,
    ...(await repeat(RUNS, () => seconds(['npm', 'run', '--silent', 'lab', '--', '-q', 'passive-nat']))),
  },
  {
    name: 'peak memory of all processes (RSS, shared pages counted for each)',
    unit: 'MiB',
    target: 400,
    ...(await repeat(PAIRS, () => peakMemory(['-q', 'passive-nat']))),
  },
  {
    name: 'ten passive-nat at once, ten processes',
    unit: 's',
    target: 3,
    ...(await repeat(PAIRS, () => atOnce(10, one))),
  },
  {
    name: 'ten passive-nat at once, one process (--jobs 10)',
    unit: 's',
    target: 3,
    ...(await repeat(PAIRS, () =>
      seconds([process.execPath, LAB, 'run', '-q', '--jobs', '10', ...Array(10).fill('passive-nat')]),
    )),
  },
  { name: '256 MiB passive download, lab, captures on', unit: 's', ...bulk.lab },
  { name: '256 MiB passive download, curl, no lab', unit: 's', ...bulk.curl },
  { name: 'lab ÷ curl, pair by pair', unit: '×', target: 1.3, ...bulk.ratio },
  { name: 'the same download, with helper ÷ without', unit: '×', ...(await helperPairs()) },
  {
    name: 'all scenarios that need no waiting (--tag fast)',
    unit: 's',
    target: 20,
    ...(await repeat(PAIRS, () => seconds([process.execPath, LAB, ...fast]))),
  },
  {
    name: 'their peak memory, all processes',
    unit: 'MiB',
    target: 2048,
    ...(await repeat(2, () => peakMemory(fast))),
  },
  {
    name: 'lab faq',
    unit: 's',
    target: 20,
    ...(await repeat(PAIRS, () => seconds([process.execPath, LAB, 'faq', '-q']))),
  },
  {
    name: 'lab report of a saved run: HTML, SVG, Markdown, JUnit (whole process)',
    unit: 's',
    ...(await repeat(RUNS, () => seconds(allReports))),
  },
  {
    name: 'npm run setup, nothing missing',
    unit: 's',
    target: 2,
    ...(await repeat(PAIRS, () => seconds(['npm', 'run', '--silent', 'setup']))),
  },
  ...(await dockerFigures()),
];
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
writeFileSync(join(ROOT, 'bench', 'results.json'), `${JSON.stringify({ machine, figures }, null, 2)}\n`);
