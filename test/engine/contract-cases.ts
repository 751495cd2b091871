import assert from 'node:assert/strict';
import type { ExecResult, Host, HostProcess, Lab } from '../../src/engine/host';
import { gather } from '../../src/engine/process';
import { MAIN_HOSTS } from '../../src/plan/plan';

/** What every engine's hosts must do, whatever they are made of. Run inside a lab that is wired. */
export const CASES: Readonly<Record<string, (lab: Lab) => Promise<void>>> = {
  'exec tells the true exit code': async ({ hosts }) => {
    for (const host of Object.values(hosts)) {
      for (const code of [0, 1, 7, 100, 255]) {
        assert.deepEqual(endOf(await sh(host, `exit ${code}`)), { code, signal: null });
      }
    }
  },
  'a program that is not there ends with 127 and says so': async ({ hosts }) => {
    const result = await hosts.client.exec(['no-such-program']);
    assert.deepEqual(endOf(result), { code: 127, signal: null });
    assert.match(result.stderr, /no-such-program/);
  },
  'a signal that ended a program is told': async ({ hosts }) => {
    for (const signal of ['KILL', 'TERM', 'USR1']) {
      assert.deepEqual(endOf(await sh(hosts.server, `kill -s ${signal} $$`)), {
        code: null,
        signal: `SIG${signal}`,
      });
    }
  },
  'spawned programs are killed by the signal sent': async ({ hosts }) => {
    for (const signal of ['SIGTERM', 'SIGKILL', 'SIGINT'] as const) {
      const sleeper = hosts.firewall.spawn('sleeper', ['sleep', '100']);
      await sleeper.pid;
      sleeper.kill(signal);
      assert.deepEqual(await sleeper.exited, { code: null, signal });
    }
  },
  'a program can catch a signal and end as it likes': async ({ hosts }) => {
    const catcher = hosts.client.spawn('catcher', [
      'sh',
      '-c',
      'trap "echo caught; exit 3" USR1; echo ready; while :; do sleep 0.05; done',
    ]);
    await says(catcher, 'ready');
    catcher.kill('SIGUSR1');
    await says(catcher, 'caught');
    assert.deepEqual(await catcher.exited, { code: 3, signal: null });
  },
  'standard input arrives, and its end': async ({ hosts }) => {
    const input = 'one\ntwo ä “quoted”\n$HOME `no`\\ end without newline';
    assert.equal((await hosts.client.exec(['cat'], { input })).stdout.toString('utf8'), input);
    assert.equal((await hosts.client.exec(['cat'])).stdout.length, 0);
    const large = 'x'.repeat(5_000_000);
    const counted = await hosts.server.exec(['wc', '-c'], { input: large });
    assert.equal(counted.stdout.toString('utf8').trim(), String(large.length));
  },
  'a spawned program is spoken with line by line': async ({ hosts }) => {
    const echo = hosts.server.spawn('echo', ['sh', '-c', 'while read -r x; do echo "got $x"; done; exit 4']);
    for (const word of ['a', 'b b', 'c']) {
      echo.stdin.write(`${word}\n`);
      await says(echo, `got ${word}`);
    }
    echo.stdin.end();
    assert.deepEqual(await echo.exited, { code: 4, signal: null });
  },
  'arguments arrive as they are': async ({ hosts }) => {
    const argv = ['', 'a b', "it's", '$HOME', '*', '-n', 'ü', 'line\nbreak'];
    const { stdout } = await hosts.client.exec([
      'sh',
      '-c',
      'for a; do printf "%s\\0" "$a"; done',
      'sh',
      ...argv,
    ]);
    assert.deepEqual(stdout.toString('utf8').split('\0').slice(0, -1), argv);
  },
  'output is binary-safe, and both streams are apart': async ({ hosts }) => {
    const octal = Array.from({ length: 256 }, (_unused, byte) => `\\${byte.toString(8).padStart(3, '0')}`);
    const result = await sh(hosts.server, `printf '${octal.join('')}'; echo to-stderr >&2`);
    assert.deepEqual(
      [...result.stdout],
      Array.from({ length: 256 }, (_unused, byte) => byte),
    );
    assert.equal(result.stderr, 'to-stderr\n');
  },
  'large output arrives whole': async ({ hosts }) => {
    const size = 64 * 2 ** 20;
    const { code, stdout } = await sh(hosts.server, `head -c ${size} /dev/zero | tr '\\0' 'x'`);
    assert.equal(code, 0);
    assert.equal(stdout.length, size);
    assert.ok(stdout.equals(Buffer.alloc(size, 'x')));
  },
  'output without bound is refused, and the program ended': async ({ hosts }) => {
    const endless = hosts.client.spawn('endless', ['sh', '-c', 'exec yes']);
    await assert.rejects(gather(endless), /endless printed more than 268435456 bytes/);
    assert.equal((await endless.exited).signal, 'SIGKILL');
  },
  'fifty commands at once keep their output and exit codes apart': async ({ hosts }) => {
    const names = MAIN_HOSTS;
    const results = await Promise.all(
      Array.from({ length: 50 }, (_unused, n) => {
        const host = hosts[names[n % names.length] ?? 'client'];
        return sh(host, `cat; echo ${n}; exit ${n}`, `input ${n} `);
      }),
    );
    results.forEach((result, n) => {
      assert.deepEqual(
        { text: result.stdout.toString('utf8'), ...endOf(result) },
        { text: `input ${n} ${n}\n`, code: n, signal: null },
      );
    });
  },
  'a process id is the host’s own': async ({ hosts }) => {
    const sleeper = hosts.firewall.spawn('sleeper', ['sleep', '77']);
    const pid = await sleeper.pid;
    const command = (): Promise<Buffer> => hosts.firewall.read(`/proc/${pid}/cmdline`);
    // Between its start and its exec it is still a shell.
    while (!(await command()).toString('utf8').startsWith('sleep\0')) await pause();
    sleeper.kill('SIGKILL');
    await sleeper.exited;
  },
  'files are read from anywhere, while they grow, and bytes as they are': async (lab) => {
    const { firewall } = lab.hosts;
    const file = `${lab.workDirectory}/grows`;
    await sh(firewall, `printf '\\000\\377abc' > ${file}`);
    assert.deepEqual(await firewall.read(file), Buffer.from([0, 255, 97, 98, 99]));
    assert.deepEqual(await firewall.read(file, 5), Buffer.alloc(0));
    await sh(firewall, `printf def >> ${file}`);
    assert.equal((await firewall.read(file, 3)).toString('utf8'), 'bcdef');
    await sh(firewall, `head -c 9000000 /dev/zero > ${file}`);
    assert.equal((await firewall.read(file)).length, 8 * 2 ** 20);
    assert.equal((await firewall.read(file, 8 * 2 ** 20)).length, 9_000_000 - 8 * 2 ** 20);
    await assert.rejects(firewall.read(`${lab.workDirectory}/absent`), /can't read .*absent/);
  },
  'addresses are as planned, and no others': async ({ hosts, plan }) => {
    for (const name of MAIN_HOSTS) {
      const links = await json<{ ifname: string; addr_info: { local: string; prefixlen: number }[] }>(
        hosts[name],
        ['ip', '-json', 'address', 'show', 'up'],
      );
      const found = links.flatMap(({ ifname, addr_info }) =>
        addr_info.map(({ local, prefixlen }) => `${ifname} ${local}/${prefixlen}`),
      );
      const planned = plan.hosts[name].interfaces.map((link) => `${link.name} ${link.address}/24`);
      assert.deepEqual(found.sort(), ['lo 127.0.0.1/8', ...planned].sort());
    }
  },
  'routes are as planned, and none leads out': async ({ hosts, plan }) => {
    for (const name of MAIN_HOSTS) {
      const routes = await json<{ dst: string; gateway?: string }>(hosts[name], ['ip', '-json', 'route']);
      const through = routes.flatMap(({ dst, gateway }) => (gateway ? [`${dst} via ${gateway}`] : []));
      assert.deepEqual(
        through,
        plan.hosts[name].routes.map(({ network, via }) => `${network} via ${via}`),
      );
      assert.ok(routes.every(({ dst }) => dst !== 'default'));
      const { code, stderr } = await hosts[name].exec(['ip', 'route', 'get', '192.0.2.1']);
      assert.notEqual(code, 0);
      assert.match(stderr, /unreachable/i);
    }
  },
  'packets pass between neighbours': async (lab) => {
    const { client, firewall } = lab.plan.hosts;
    const near = firewall.interfaces.find(({ address }) =>
      address.startsWith(sameNet(client.interfaces[0]?.address)),
    );
    assert.equal(await knock(lab, near?.address ?? '', 9), 'ECONNREFUSED');
  },
  'settings of the kernel are as planned': async ({ hosts, plan }) => {
    for (const name of MAIN_HOSTS) {
      for (const [path, value] of Object.entries(plan.hosts[name].sysctls)) {
        const { code, stdout } = await hosts[name].exec(['cat', `/proc/sys/${path}`]);
        if (path.startsWith('net/ipv6/') && code !== 0) continue;
        assert.equal(stdout.toString('utf8').trim(), value, `${name}: ${path}`);
      }
    }
  },
  'an ordinary program may serve FTP’s own port': async (lab) => {
    const listen = `require('net').createServer().listen(21, () => { console.log('listening'); process.exit() }).on('error', (e) => console.log(e.code))`;
    const { stdout } = await lab.hosts.server.exec([lab.agent('')[0] ?? '', '-e', listen]);
    assert.equal(stdout.toString('utf8').trim(), 'listening');
  },
  'the rules are loaded on the firewall, and on no other host': async ({ hosts, plan }) => {
    const { stdout } = await hosts.firewall.exec(['nft', 'list', 'ruleset']);
    for (const { text } of plan.firewall.rows)
      assert.ok(stdout.toString('utf8').includes(text.split(' ')[0] ?? ''));
    assert.equal((await hosts.firewall.exec(['conntrack', '-L'])).code, 0);
  },
  'the hosts run on the kernel the lab says': async ({ hosts, kernel }) => {
    assert.equal((await hosts.client.exec(['uname', '-r'])).stdout.toString('utf8').trim(), kernel);
  },
};

function sh(host: Host, script: string, input?: string): Promise<ExecResult> {
  return host.exec(['sh', '-c', script], input === undefined ? {} : { input });
}

function endOf({ code, signal }: ExecResult): { code: number | null; signal: string | null } {
  return { code, signal };
}

async function json<T>(host: Host, argv: readonly string[]): Promise<T[]> {
  const { code, stdout, stderr } = await host.exec(argv);
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout.toString('utf8')) as T[];
}

/** The error code of a connection attempt from the client. */
async function knock(lab: Lab, address: string, port: number): Promise<string> {
  const script = `require('net').connect(${port}, '${address}').setTimeout(120000, () => { console.log('silence'); process.exit() }).on('error', (e) => console.log(e.code))`;
  const { stdout } = await lab.hosts.client.exec([lab.agent('')[0] ?? '', '-e', script]);
  return stdout.toString('utf8').trim();
}

function sameNet(address = ''): string {
  return address.replace(/\d+$/, '');
}

const heard = new WeakMap<HostProcess, { text: string }>();

/** Waits until a program has printed something. */
async function says(process: HostProcess, words: string): Promise<void> {
  let record = heard.get(process);
  if (!record) {
    const fresh = { text: '' };
    record = fresh;
    heard.set(process, fresh);
    process.stdout.on('data', (chunk: Buffer) => (fresh.text += chunk.toString('utf8')));
  }
  const deadline = Date.now() + 120_000;
  while (!record.text.includes(words)) {
    if (Date.now() > deadline) throw new Error(`it did not say "${words}" but "${record.text}"`);
    await pause();
  }
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 5));
}
