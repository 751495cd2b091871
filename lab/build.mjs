// Bundles the lab into dist/: the CLI, the worker that runs in the sandbox, and one file per host
// program. Bundles start several times faster than the packages they are made of; a V8 code cache
// beside each saves most of what is left, for a run starts four Node processes.
//
// Does nothing when nothing has changed since the last build.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { Resolver } from 'node:dns/promises';
import { copyFileSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const DIST = join(ROOT, 'dist');
const STAMP = join(DIST, '.built-from');
const ENTRIES = {
  lab: 'src/cli/lab.ts',
  worker: 'src/worker.ts',
  // Loaded by the CLI where containers are used, and only there.
  'docker-libraries': 'src/engine/docker/libraries.ts',
  'client-basic-ftp': 'src/client/basic-ftp-agent.ts',
  'server-ftp-srv': 'src/server/ftp-srv-agent.ts',
  prober: 'src/prober/prober-agent.ts',
  resolver: 'src/resolver/resolver-agent.ts',
  router: 'src/router/router-agent.ts',
};
/** What koffi's native part is called beside the bundles, by the C library it is for. */
const NATIVE_PARTS = { linux: 'koffi-glibc.node', musl: 'koffi-musl.node' };

/** What the bundles are made from, as one digest. Node's version counts: the code cache is its own. */
function sourceDigest() {
  const hash = createHash('sha256').update(process.version);
  const files = [
    ...readdirSync(join(ROOT, 'src'), { recursive: true }).map((file) => join('src', file)),
    ...[
      'scenarios/faq/claims.json',
      'scenarios/faq/tables.json',
      'lab/build.mjs',
      'lab/run-result.schema.json',
      'lab/code-cache-loader.cjs',
      'package-lock.json',
    ],
  ].sort();
  for (const file of files.filter((name) => /\.\w+$/.test(name))) {
    hash.update(file).update(readFileSync(join(ROOT, file)));
  }
  return hash.digest('hex');
}

/**
 * Puts the validator of results into the bundle as code, made from the schema now, in place of the module
 * that would make it at every start.
 */
async function readyMadeValidator() {
  const [{ default: Ajv }, { default: standaloneCode }] = await Promise.all([
    import('ajv'),
    import('ajv/dist/standalone/index.js'),
  ]);
  const ajv = new Ajv({ allowUnionTypes: true, code: { source: true, esm: true } });
  ajv.addSchema(JSON.parse(readFileSync(join(ROOT, 'lab/run-result.schema.json'), 'utf8')), 'results');
  const contents = standaloneCode.default(ajv, { validateDocument: 'results' });
  return {
    name: 'ready-made-validator',
    setup: (build) => {
      build.onLoad({ filter: /src\/report\/result-validator\.ts$/ }, () => ({ contents, loader: 'js' }));
    },
  };
}

async function bundle() {
  const { build } = await import('esbuild');
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  await build({
    entryPoints: Object.fromEntries(Object.entries(ENTRIES).map(([name, file]) => [`${name}.code`, file])),
    absWorkingDir: ROOT,
    outdir: DIST,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    minify: true,
    keepNames: true,
    // Reports are written in JSX.
    jsx: 'automatic',
    jsxImportSource: 'preact',
    plugins: [await readyMadeValidator()],
    define: { 'process.env.LAB_VERSION': JSON.stringify(version) },
    // bunyan (ftp-srv's logger) tries these and does without.
    external: [
      ...['dtrace-provider', 'mv', 'safe-json-stringify', 'source-map-support'],
      // ssh2 (for engines on other machines) does without its native parts.
      ...['cpu-features', '*.node'],
      './docker-libraries.js',
    ],
    logLevel: 'warning',
  });
  const loader = readFileSync(join(ROOT, 'lab/code-cache-loader.cjs'));
  for (const name of Object.keys(ENTRIES)) writeFileSync(join(DIST, `${name}.js`), loader, { mode: 0o755 });
}

/**
 * Copies koffi's native part for this processor beside the bundles, for each C library: dist/ runs where
 * there are no packages, and a container's C library may be another than this machine's.
 */
function copyNativeParts() {
  const parts = join(ROOT, 'node_modules/@koromix', `koffi-linux-${process.arch}`);
  // Folders are named after C library and processor, e.g. musl_x64.
  const folders = existsSync(parts) ? readdirSync(parts) : [];
  for (const [library, name] of Object.entries(NATIVE_PARTS)) {
    const folder = folders.find((candidate) => candidate.startsWith(`${library}_`));
    if (folder) copyFileSync(join(parts, folder, 'koffi.node'), join(DIST, name));
    else process.stderr.write(`koffi has no ${name} for ${process.arch} in ${parts}; probes may not work\n`);
  }
}

/**
 * Runs each bundle once, over loopback, so that its code cache holds the functions a run needs.
 * A program that does not get that far leaves a smaller cache, or none: the lab works, a little slower.
 */
async function warm() {
  const start = (name, args = []) => {
    const child = spawn(process.execPath, [join(DIST, `${name}.js`), ...args], {
      env: { ...process.env, LAB_WRITE_CODE_CACHE: '1' },
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    let heard = '';
    child.stdout.on('data', (chunk) => (heard += chunk));
    child.stdin.on('error', () => undefined);
    const ended = new Promise((resolve) => child.once('close', resolve));
    const timer = setTimeout(() => child.kill(), 10_000);
    void ended.then(() => clearTimeout(timer));
    const says = async (text) => {
      while (!heard.includes(text) && child.exitCode === null) await new Promise((r) => setTimeout(r, 5));
    };
    const tell = (message) => child.stdin.write(`${JSON.stringify(message)}\n`);
    return { tell, says, finish: () => (child.stdin.end(), ended) };
  };
  const lab = start('lab', ['show', 'passive-nat']);
  const worker = start('worker');
  const libraries = start('docker-libraries');
  await Promise.all([
    lab.finish(),
    worker.finish(),
    libraries.finish(),
    warmProber(start),
    warmResolver(start),
    warmRouter(start),
  ]);

  const port = await freePort();
  const address = '127.0.0.1';
  const files = ['a', 'b'].map((name) => ({ name, seed: name, size: 100_000, lasting: 0 }));
  const server = start('server-ftp-srv');
  const client = start('client-basic-ftp');
  const range = [port + 1, Math.min(port + 100, 65_535)];
  server.tell({
    program: 'ftp-srv',
    address,
    port,
    passivePorts: range,
    advertised: null,
    patience: 2,
    files,
  });
  client.tell({
    ...{ program: 'basic-ftp', address, server: { address, port, name: null }, patience: 2 },
    ...{ resolver: null, controlPort: null, listenPorts: null, advertised: null, hashMarks: false },
  });
  await server.says('ready');
  const commands = [
    { do: 'connect' },
    { do: 'transfer', transfer: { direction: 'download', command: 'PASV', file: files[0] } },
    { do: 'transfer', transfer: { direction: 'upload', command: 'PASV', file: files[1] } },
    { do: 'transfer', transfer: { direction: 'download', command: 'PORT', file: files[0] } },
    { do: 'transfer', transfer: { direction: 'upload', command: 'PORT', file: files[1] } },
    { do: 'close' },
  ];
  for (const [id, command] of commands.entries()) {
    client.tell({ id, ...command });
    await client.says(`"id":${id},`);
  }
  await client.finish();
  await server.finish();
}

/** Up to the socket, for which a privilege is needed; nothing is sent. */
async function warmProber(start) {
  const prober = start('prober');
  prober.tell({ program: 'prober', address: '127.0.0.1' });
  const nothing = { name: 'nothing', destination: '127.0.0.1', flags: 'S', sourcePorts: [], ports: [] };
  prober.tell({ id: 1, do: 'probe', ...nothing });
  await prober.says('"done"');
  await prober.finish();
}

/** Up to a ruleset that is loaded; for the sockets after it there is no such interface. */
async function warmRouter(start) {
  const router = start('router');
  const side = (name, address) => ({ interface: `no-${name}`, address, prefix: 24, mtu: 1500 });
  const lines = [
    '-P forward DENY',
    '-A input -p tcp -s 10.0.0.0/24 1025: -d 0/0 21 -j ACCEPT',
    '-M -S 7200 10 160',
  ];
  router.tell({
    ...{ program: 'router', kernel: '2.2.14', timeScale: 1, directory: '/nonexistent' },
    sides: { inside: side('inside', '10.0.0.1'), outside: side('outside', '203.0.113.1') },
    ruleset: { loader: 'ipchains', text: lines.map((line) => `ipchains ${line}\n`).join(''), rowLines: [] },
  });
  await router.finish();
}

/** One look-up, over UDP and then TCP. */
async function warmResolver(start) {
  const resolver = start('resolver');
  const [address, port, name] = ['127.0.0.1', await freePort(), 'ftp.example'];
  resolver.tell({ program: 'resolver', address, port, names: { [name]: address }, truncate: true });
  await resolver.says('ready');
  const client = new Resolver({ timeout: 1000, tries: 2 });
  client.setServers([`${address}:${port}`]);
  await client.resolve4(name).catch(() => undefined);
  await resolver.finish();
}

/** A loopback port with a free one below it: the server dials from there. */
function freePort() {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

const digest = sourceDigest();
const built = existsSync(STAMP) && readFileSync(STAMP, 'utf8') === digest;
if (!built) {
  rmSync(DIST, { recursive: true, force: true });
  await bundle();
  copyNativeParts();
  await warm();
  writeFileSync(STAMP, digest);
}
