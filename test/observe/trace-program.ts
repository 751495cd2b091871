import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { startHosts } from '../../src/engine/netns/hosts';
import type { Host, Lab } from '../../src/engine/host';
import { until } from '../../src/engine/until';
import { TraceWatch } from '../../src/observe/trace-watch';
import { readRules } from '../../src/observe/counters';
import { makePlan } from '../../src/plan/make-plan';
import { loadScenario } from '../../src/scenario/load';

// Starts a lab with a ruleset of the test's, has packets pass it, and prints what was traced. To be run inside the
// sandbox.

interface SetUp {
  readonly kind: 'nftables' | 'iptables';
  readonly rules: string;
  readonly traffic: (lab: Lab) => Promise<void>;
}

const CLIENT = '10.0.0.10';
const SERVER = '203.0.113.20';
const FIREWALL = '10.0.0.1';

/** Sends a text to a port, from the client's host; nothing may come of it. */
async function say(lab: Lab, to: string, text = 'x'): Promise<void> {
  await bash(lab.hosts.client, `printf '${text}' > /dev/${to}`);
}

/** bash, for no longer than a packet that is dropped can be waited for. */
async function bash(host: Host, script: string): Promise<void> {
  await host.exec(['timeout', '2', 'bash', '-c', script]);
}

/** Listens on the server's host, and sends so many bytes to whoever calls. */
async function serve(lab: Lab, port: number, bytes: number): Promise<void> {
  const code = `require('net').createServer(s => { s.on('error', () => {}); s.resume(); s.end(Buffer.alloc(${bytes})); })
    .listen(${port}, () => console.log('listening'))`;
  const server = lab.hosts.server.spawn('server', [process.execPath, '-e', code]);
  await new Promise((resolve) => server.stdout.once('data', resolve));
}

const NFT = `
table ip t {
  ct helper ftp {
    type "ftp" protocol tcp
  }
  set ok {
    type inet_service
    elements = { 21, 80, 2000 }
  }
  chain helper {
    type filter hook prerouting priority -150; policy accept;
    tcp dport 21 ct helper set "ftp"
  }
  chain translated {
    type nat hook prerouting priority dstnat; policy accept;
    ip daddr ${FIREWALL} tcp dport 80 dnat to ${SERVER}:21
  }
  chain sub {
    tcp dport 99 return
    log prefix "# handle 1 (verdict drop)" counter
    tcp dport 98 goto sub2
  }
  chain sub2 {
    counter
  }
  chain f {
    type filter hook forward priority filter; policy drop;
    ct state vmap { established : accept, related : accept }
    jump sub
    tcp dport @ok accept
    tcp dport 25 reject with tcp reset
    udp dport 9 reject
  }
  chain inp {
    type filter hook input priority filter; policy accept;
    tcp dport 23 drop
  }
  chain post {
    type nat hook postrouting priority srcnat; policy accept;
    oifname "outside" masquerade
  }
}
`;

const IPTABLES = `*raw
-A PREROUTING -p tcp --dport 21 -j CT --helper ftp
COMMIT
*nat
-A POSTROUTING -o outside -j MASQUERADE
COMMIT
*filter
:FORWARD DROP [0:0]
:mine - [0:0]
-A FORWARD -m state --state ESTABLISHED,RELATED -j ACCEPT
-A FORWARD -j mine
-A FORWARD -s 10.0.0.9,${CLIENT} -p tcp --dport 21 -m comment --comment "row 9" -j ACCEPT
-A FORWARD -p tcp --dport 26 -j LOG --log-prefix "# handle 5 (verdict drop)"
-A FORWARD -p tcp --dport 27 -j REJECT
-A mine -p tcp --dport 99 -j RETURN
-A mine -p tcp --dport 98 -j DROP
COMMIT
`;

const TRACED_BY_ITS_AUTHOR = `
table ip mine {
  chain pre {
    type filter hook prerouting priority -350; policy accept;
    meta l4proto udp meta nftrace set 1
  }
  chain forw {
    type filter hook forward priority 0; policy drop;
    accept
  }
}
`;

const SET_UPS: Readonly<Record<string, SetUp>> = {
  nft: {
    kind: 'nftables',
    rules: NFT,
    traffic: async (lab) => {
      await serve(lab, 21, 0);
      await serve(lab, 2000, 2 ** 20);
      // A line that does not end where the packet does: the helper drops it.
      await bash(
        lab.hosts.client,
        `exec 3<> /dev/tcp/${SERVER}/21; printf 'NOOP\\r\\n' >&3; sleep 0.1; printf 'PORT 10,0,0' >&3`,
      );
      await say(lab, `tcp/${FIREWALL}/80`, '');
      await Promise.all([
        ...[25, 99, 98].map((port) => say(lab, `tcp/${SERVER}/${port}`)),
        say(lab, `udp/${SERVER}/9`),
        ...[23, 24].map((port) => say(lab, `tcp/${FIREWALL}/${port}`)),
      ]);
      await bash(lab.hosts.client, `cat < /dev/tcp/${SERVER}/2000 | wc -c`);
    },
  },
  iptables: {
    kind: 'iptables',
    rules: IPTABLES,
    traffic: async (lab) => {
      await serve(lab, 21, 0);
      await say(lab, `tcp/${SERVER}/21`, '');
      await Promise.all([26, 27, 98, 99].map((port) => say(lab, `tcp/${SERVER}/${port}`)));
    },
  },
  flood: {
    kind: 'nftables',
    rules: TRACED_BY_ITS_AUTHOR,
    traffic: async (lab) => {
      const found = await lab.hosts.firewall.exec(['pgrep', '-x', 'nft']);
      const pid = Number(found.stdout.toString('utf8'));
      process.kill(pid, 'SIGSTOP');
      const code = `const s = require('dgram').createSocket('udp4');
        const send = (n) => n ? s.send('x', 9, '${SERVER}', () => send(n - 1)) : s.close(); send(30000)`;
      await lab.hosts.client.exec([process.execPath, '-e', code]);
      process.kill(pid, 'SIGCONT');
    },
  },
  'another table': { kind: 'nftables', rules: NFT, traffic: () => Promise.resolve() },
  'killed nft': {
    kind: 'nftables',
    rules: NFT,
    traffic: async (lab) => {
      await serve(lab, 21, 0);
      await say(lab, `tcp/${SERVER}/21`, '');
      const told = async (): Promise<boolean> =>
        (await lab.hosts.firewall.read(`${lab.workDirectory}/trace.txt`)).includes('tcp dport 21');
      if (!(await until(told, 60))) throw new Error('nothing is traced');
      await lab.hosts.firewall.exec(['pkill', '-KILL', '-x', 'nft']);
    },
  },
};

/** The session is none of the trace's: nothing of it is run here. */
function scenarioOf({ kind, rules }: SetUp): object {
  return {
    title: 'A trace',
    claim: 'The kernel tells which rules a packet met.',
    behind: 'client',
    firewall: { kind, nat: 'masquerade', policy: 'drop', rules },
    server: 'ftp-srv',
    client: 'basic-ftp',
    session: [{ download: { mode: 'passive', size: '1 KiB' } }],
    expect: ['download is complete'],
  };
}

async function main([name = '']: readonly string[]): Promise<void> {
  const setUp = SET_UPS[name];
  if (!setUp) throw new Error(`no set-up ${name}`);
  const file = `${mkdtempSync(join(tmpdir(), 'trace-'))}/scenario.yaml`;
  writeFileSync(file, stringify(scenarioOf(setUp)));
  const lab = await startHosts(makePlan(loadScenario(file), { capture: false, engine: 'netns' }));
  await lab.wire();
  const ask = async (...argv: readonly string[]): Promise<string> =>
    (await lab.hosts.firewall.exec(argv)).stdout.toString('utf8');
  if (name === 'another table') await ask('nft', 'add table inet lab_trace');
  const watch = await TraceWatch.start(lab);
  await setUp.traffic(lab);
  const rules = await readRules(lab, 0);
  const connections = await ask('conntrack', '-L');
  const { record, events } = await watch.finish();
  const traced = events(await rules.rowOf?.());
  process.stdout.write(JSON.stringify({ record, events: traced, connections }), () => process.exit(0));
}

void main(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(`${String(error)}\n`);
  process.exit(1);
});
