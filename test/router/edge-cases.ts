import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { ExecResult, Host, Lab } from '../../src/engine/host';
import { PcapReader } from '../../src/observe/pcap';
import { addresses, isInside } from '../linux22/random-frames';

/** What the router of a Linux 2.2 firewall must do on its host. Run one after the other in one lab that is wired. */
export const CASES: Readonly<Record<string, (lab: Lab) => Promise<void>>> = {
  'the tools are found by their names on the firewall, and nowhere else': async ({ hosts }) => {
    assert.match(await said(hosts.firewall, 'ipchains -L -n'), /^Chain input \(policy ACCEPT\):\n/);
    assert.match(await said(hosts.firewall, 'lsmod'), /^Module +Size +Used by\n/);
    for (const host of [hosts.client, hosts.server]) {
      assert.equal((await sh(host, 'ipchains -L')).code, 127);
    }
  },
  'the FAQ’s command lines work unchanged': async ({ hosts: { firewall } }) => {
    await said(
      firewall,
      '# Insert ip_masq_ftp so that passive mode for a ftp client is not needed.\nmodprobe ip_masq_ftp\nmodprobe parport_pc 2>/dev/null\nmodprobe lp 2>/dev/null',
    );
    assert.match(await said(firewall, 'lsmod'), /^lp .*\nparport_pc .*\nparport .*\nip_masq_ftp /m);
    await said(firewall, 'ipchains -M -S 7200 10 160');
    await said(firewall, 'rmmod ip_masq_ftp');
    assert.doesNotMatch(await said(firewall, 'lsmod'), /ip_masq_ftp/);
  },
  'a tool that refuses says so on its error output, and ends with its code': async ({
    hosts: { firewall },
  }) => {
    const unknown = await sh(firewall, 'modprobe ip_masq_nosuch');
    assert.deepEqual([unknown.code, unknown.stdout.length], [255, 0]);
    assert.match(unknown.stderr, /^modprobe: Can't locate module ip_masq_nosuch/);
    assert.equal((await sh(firewall, 'ipchains -D input 99')).code, 1);
    assert.equal((await sh(firewall, 'ipchains -A input -s 10.0.0.999 -j DENY')).code, 2);
  },
  'rules are saved on the standard output, told of on the other one, and restored from the input': async ({
    hosts: { firewall },
  }) => {
    const saved = await sh(firewall, 'ipchains -I input -s 203.0.113.99 -j DENY; ipchains-save -v input');
    assert.equal(saved.stderr, "Saving `input'.\n");
    const rules = saved.stdout.toString('utf8');
    assert.match(rules, /^:input ACCEPT\n-A input -s 203\.0\.113\.99\/255\.255\.255\.255 /);
    await said(
      firewall,
      'ipchains-save > /run/lab/saved && ipchains -F input && ipchains-restore < /run/lab/saved',
    );
    assert.equal(await said(firewall, 'ipchains-save input'), rules);
    assert.equal(
      await said(firewall, 'ipchains -C input -i outside -p tcp -y -s 203.0.113.99 1025 -d 203.0.113.1 21'),
      'denied\n',
    );
    await said(firewall, 'ipchains -D input 1');
  },
  'rules that are typed act at once, are listed with their counters, and go': async ({ hosts }) => {
    const { client, firewall } = hosts;
    const echo = await tcpEcho(hosts.server, 7000);
    assert.equal(await dial(client, SERVER, 7000), 'connected');
    await said(firewall, 'ipchains -N ftp');
    await said(firewall, `ipchains -A ftp -p tcp -d ${SERVER} 7000 -j REJECT`);
    await said(firewall, 'ipchains -I forward 1 -j ftp');
    assert.match(await dial(client, SERVER, 7000), /EHOSTUNREACH/);
    assert.match(
      await said(firewall, 'ipchains -L ftp -n -v'),
      /^Chain ftp \(1 references\):\n pkts .*\n +[1-9]\d* +\d+ REJECT +tcp .* 203\.0\.113\.20 +\* -> +7000\n$/,
    );
    await said(firewall, `ipchains -R ftp 1 -p tcp -d ${SERVER} 7000 -j ACCEPT`);
    await said(firewall, 'ipchains -F ftp && ipchains -D forward 1 && ipchains -X ftp');
    assert.equal(await dial(client, SERVER, 7000), 'connected');
    await said(firewall, 'ipchains -Z');
    echo.kill('SIGKILL');
  },
  'masqueraded connections come from 61000 on, and are listed': async ({ hosts }) => {
    const echo = await tcpEcho(hosts.server, 7001);
    const { stdout } = await hosts.client.exec([
      process.execPath,
      '-e',
      `const s = require('net').connect(7001, '${SERVER}'); s.on('data', (d) => { console.log(String(d)); process.exit() })`,
    ]);
    const [, address, port] = /^(\S+):(\d+)$/.exec(stdout.toString('utf8').trim()) ?? [];
    assert.equal(address, OUTSIDE);
    assert.ok(Number(port) >= 61_000 && Number(port) <= 65_095, port);
    const listed = await said(hosts.firewall, 'ipchains -M -L -n');
    assert.match(listed, /^IP masquerading entries\nprot expire +source +destination +ports\n/);
    assert.match(
      listed,
      new RegExp(
        `^TCP +\\d\\d:\\d\\d\\.\\d\\d 10\\.0\\.0\\.10 +203\\.0\\.113\\.20 +\\d+ \\(${port ?? '?'}\\) -> 7001$`,
        'm',
      ),
    );
    echo.kill('SIGKILL');
  },
  'UDP goes and comes back': async ({ hosts }) => {
    const server = hosts.server.spawn('udp echo', [
      process.execPath,
      '-e',
      "const s = require('dgram').createSocket('udp4'); s.on('message', (m, r) => s.send(r.address + ':' + r.port, r.port, r.address)); s.bind(7002, () => console.log('ready'))",
    ]);
    await says(server, 'ready');
    const { stdout } = await hosts.client.exec([
      process.execPath,
      '-e',
      `const s = require('dgram').createSocket('udp4'); s.on('message', (m) => { console.log(String(m)); process.exit() }); s.send('x', 7002, '${SERVER}')`,
    ]);
    assert.match(stdout.toString('utf8'), /^203\.0\.113\.1:6[1-5]\d\d\d$/m);
    assert.match(await said(hosts.firewall, 'ipchains -M -L -n'), /^UDP +0[12]:\d\d\.\d\d .* -> 7002$/m);
    server.kill('SIGKILL');
  },
  'the firewall answers for itself, once, and its host’s kernel never': async (lab) => {
    const { client, firewall } = lab.hosts;
    assert.match(await dial(client, INSIDE, 9), /ECONNREFUSED/);
    const packets = await captured(lab, 'inside', async () => {
      await dial(client, INSIDE, 9);
    });
    assert.equal(packets.filter(({ protocol }) => protocol === 6).length, 2, 'one SYN, one RST');
    await said(firewall, `ipchains -I input -p tcp -d ${INSIDE} 9 -j DENY`);
    const attempt = client.spawn('dialling', dialling(INSIDE, 9));
    let heard = '';
    attempt.stdout.on('data', (chunk: Buffer) => (heard += chunk.toString('utf8')));
    // A SYN that is sent again was not answered.
    await until(async () => {
      const listed = await said(firewall, 'ipchains -L input -n -v');
      return Number(/^ *(\d+) +\d+ DENY /m.exec(listed)?.[1] ?? 0) >= 2;
    });
    attempt.kill('SIGKILL');
    await attempt.exited;
    assert.equal(heard, '');
    await said(firewall, 'ipchains -D input 1');
  },
  'a forwarded port is listed, used, and taken away': async ({ hosts }) => {
    const echo = await tcpEcho(hosts.client, 7003);
    assert.match(await dial(hosts.server, OUTSIDE, 7003), /ECONNREFUSED/);
    await said(hosts.firewall, `ipmasqadm portfw -a -P tcp -L ${OUTSIDE} 7003 -R ${CLIENT} 7003`);
    assert.equal(await dial(hosts.server, OUTSIDE, 7003), 'connected');
    assert.match(
      await said(hosts.firewall, 'ipmasqadm portfw -l -n'),
      /^TCP +203\.0\.113\.1 +10\.0\.0\.10 +7003 +7003 /m,
    );
    await said(hosts.firewall, 'ipmasqadm portfw -f');
    echo.kill('SIGKILL');
  },
  'random frames from both sides: it survives, counts them, and no inside address gets out': async (lab) => {
    await said(lab.hosts.firewall, `ipmasqadm portfw -a -P tcp -L ${OUTSIDE} 21 -R ${CLIENT} 21`);
    await said(lab.hosts.firewall, 'modprobe ip_masq_ftp');
    const each = 15_000;
    const packets = await captured(lab, 'outside', async () => {
      const [outside, inside] = await Promise.all([
        frames(lab, 'server', 'outside', 1, each),
        frames(lab, 'client', 'inside', 2, each),
      ]);
      assert.ok(outside > each * 0.9 && inside > each * 0.9, `${outside} and ${inside} frames`);
      await lab.router?.settle();
    });
    const mac = await macOf(lab.hosts.firewall, 'outside');
    const left = packets.filter(({ from }) => from === mac);
    // How many get through depends on how the two sides mix: 2,000 to 6,000 have been seen.
    assert.ok(left.length > 200, `${left.length} packets left`);
    // Whom the server named it knows already: its own packets may be quoted to it.
    const leaked = left.filter(({ packet }) => isInside(packet.readUInt32BE(12)));
    assert.deepEqual(
      leaked.map(({ packet }) => packet.toString('hex')),
      [],
    );
    const quoted = left.filter(({ packet }) => packet[9] !== 1 && addresses(packet).some(isInside));
    assert.deepEqual(
      quoted.map(({ packet }) => packet.toString('hex')),
      [],
    );
    const { events } = (await lab.router?.told()) ?? { events: [] };
    const reasons = new Set(events.flatMap(({ event }) => (event.kind === 'refused' ? [event.reason] : [])));
    for (const reason of [
      'bad checksum',
      'bad length',
      'martian address',
      'no way',
      'bad transport checksum',
    ] as const)
      assert.ok(reasons.has(reason), `${reason} is not counted; ${[...reasons].join(', ')}`);
    // What waits for addresses where nobody is takes nobody else's room.
    const unsent = events.flatMap(({ event }) => (event.kind === 'unsent' ? [event.reason] : []));
    assert.deepEqual(
      unsent.filter((reason) => reason.includes('EAGAIN')),
      [],
    );
    const echo = await tcpEcho(lab.hosts.server, 7004);
    assert.equal(await dial(lab.hosts.client, SERVER, 7004), 'connected');
    echo.kill('SIGKILL');
  },
};

const SERVER = '203.0.113.20';
const CLIENT = '10.0.0.10';
const INSIDE = '10.0.0.1';
const OUTSIDE = '203.0.113.1';

function sh(host: Host, script: string): Promise<ExecResult> {
  return host.exec(['sh', '-c', script]);
}

/** What a script printed, which succeeded. */
async function said(host: Host, script: string): Promise<string> {
  const { code, stdout, stderr } = await sh(host, script);
  assert.equal(code, 0, `${script}: ${stderr}`);
  return stdout.toString('utf8');
}

function says(process: ReturnType<Host['spawn']>, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let heard = '';
    process.stdout.on('data', (chunk: Buffer) => {
      heard += chunk.toString('utf8');
      if (heard.includes(text)) resolve();
    });
    void process.exited.then(({ code }) => {
      reject(new Error(`${process.label} ended with ${code ?? '?'} before "${text}"`));
    });
  });
}

/** A TCP server that tells whoever dials where he comes from. */
async function tcpEcho(host: Host, port: number): Promise<ReturnType<Host['spawn']>> {
  const server = host.spawn('tcp server', [
    process.execPath,
    '-e',
    `require('net').createServer((s) => { s.on('error', () => 0); s.end(s.remoteAddress + ':' + s.remotePort) }).listen(${port}, '0.0.0.0', () => console.log('ready'))`,
  ]);
  await says(server, 'ready');
  return server;
}

/** What becomes of a connection: "connected", or an error. */
async function dial(host: Host, address: string, port: number): Promise<string> {
  const { stdout } = await host.exec(dialling(address, port));
  return stdout.toString('utf8').trim();
}

/** A program that dials, and says what became of it. */
function dialling(address: string, port: number): string[] {
  return [
    process.execPath,
    '-e',
    `const s = require('net').connect(${port}, '${address}'); const say = (t) => { console.log(t); process.exit() }; s.on('connect', () => say('connected')); s.on('error', (e) => say(e.code))`,
  ];
}

/** Waits until something is so. Whoever runs these cases ends them when they say nothing for too long. */
async function until(done: () => Promise<boolean>): Promise<void> {
  while (!(await done())) await new Promise((resolve) => setTimeout(resolve, 50));
}

async function macOf(host: Host, name: string): Promise<string> {
  return /link\/ether (\S+)/.exec(await said(host, `ip -o link show ${name}`))?.[1] ?? '';
}

/** Has one host send random frames to the firewall. @returns how many left */
async function frames(
  lab: Lab,
  from: 'client' | 'server',
  leg: string,
  seed: number,
  count: number,
): Promise<number> {
  const directory = join(process.argv[1] ?? '', '..');
  const host = lab.hosts[from];
  const { code, stdout, stderr } = await host.exec([
    ...[process.execPath, join(directory, 'frame-sender.js'), directory, 'eth0'],
    ...[await macOf(lab.hosts.firewall, leg), String(seed), String(count)],
  ]);
  assert.equal(code, 0, stderr);
  return Number(stdout.toString('utf8'));
}

/** Every IPv4 packet on a leg while something is done, with the link-layer address it was sent from. */
async function captured(
  lab: Lab,
  leg: string,
  task: () => Promise<void>,
): Promise<{ from: string; protocol: number; packet: Buffer }[]> {
  const file = `${lab.workDirectory}/case.pcap`;
  const tcpdump = lab.hosts.firewall.spawn('tcpdump', [
    ...['tcpdump', '-i', leg, '-n', '-U', '--immediate-mode', '-B', '16384', '-w', file, '-Z', 'root', 'ip'],
  ]);
  await new Promise<void>((resolve) => {
    tcpdump.stderr.on('data', (chunk: Buffer) => {
      if (chunk.toString('utf8').includes('listening on')) resolve();
    });
  });
  await task();
  tcpdump.kill('SIGINT');
  await tcpdump.exited;
  const found: { from: string; protocol: number; packet: Buffer }[] = [];
  const reader = new PcapReader();
  let at = 0;
  for (
    let chunk = await lab.hosts.firewall.read(file, at);
    chunk.length > 0;
    chunk = await lab.hosts.firewall.read(file, at)
  ) {
    at += chunk.length;
    reader.push(chunk, ({ data }) => {
      const from = (data.subarray(6, 12).toString('hex').match(/../g) ?? []).join(':');
      const length = data.length >= 18 ? data.readUInt16BE(16) : 0;
      const packet = Buffer.from(data.subarray(14, 14 + length));
      if (packet.length >= 20) found.push({ from, protocol: packet[9] ?? 0, packet });
    });
  }
  return found;
}
