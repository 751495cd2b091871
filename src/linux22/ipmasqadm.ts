import { printAddress, readAddress } from './addresses';
import type { Modules } from './modules';
import { TCP, UDP } from './packet';
import { FORWARDABLE, type PortForwards } from './portfw';
import type { Word } from '../firewall/words';

/** Preference of a forward that names none: connections it takes in one turn. */
const PREFERENCE = 10;
const USAGE =
  'allowed: ipmasqadm portfw -a -P tcp|udp -L ADDRESS PORT -R ADDRESS PORT [-p PREFERENCE], ' +
  '-d -P tcp|udp -L ADDRESS PORT [-R ADDRESS PORT], -f, -l [-n]';

interface Options {
  action: 'a' | 'd' | 'f' | 'l' | null;
  protocol: number | null;
  local: { readonly address: number; readonly port: number } | null;
  remote: { readonly address: number; readonly port: number } | null;
  preference: number;
}

/**
 * `ipmasqadm portfw` (ipmasqadm 0.4.2). It has the kernel load ip_masq_portfw when that is not there.
 *
 * @returns what it prints
 * @throws an Error that says what is wrong
 */
export function ipmasqadm(words: readonly Word[], forwards: PortForwards, modules: Modules): string {
  const [module, ...rest] = words.map(({ text }) => text);
  if (module !== 'portfw') throw new Error(`"${module ?? ''}" is not here; ${USAGE}`);
  const { action, protocol, local, remote, preference } = readOptions(rest);
  modules.load('ip_masq_portfw', []);
  if (action === 'f') {
    forwards.flush();
    return '';
  }
  if (action === 'l') return list(forwards);
  if (action === null || protocol === null || !local) throw new Error(`-P or -L is missing; ${USAGE}`);
  const ends = { protocol, localAddress: local.address, localPort: local.port };
  if (action === 'd') {
    const wanted = remote ? { ...ends, remoteAddress: remote.address, remotePort: remote.port } : ends;
    if (forwards.delete(wanted) === 0) {
      throw new Error(`No such process: ${printAddress(local.address)} port ${local.port} is not forwarded`);
    }
    return '';
  }
  if (!remote) throw new Error(`-R is missing; ${USAGE}`);
  forwards.add({ ...ends, remoteAddress: remote.address, remotePort: remote.port, preference });
  return '';
}

function readOptions(words: readonly string[]): Options {
  const options: Options = {
    action: null,
    protocol: null,
    local: null,
    remote: null,
    preference: PREFERENCE,
  };
  const left = [...words];
  for (let word = left.shift(); word !== undefined; word = left.shift()) {
    switch (word) {
      case '-a':
      case '-d':
      case '-f':
      case '-l':
        if (options.action !== null) throw new Error(`${word} does not go with -${options.action}; ${USAGE}`);
        options.action = word === '-a' ? 'a' : word === '-d' ? 'd' : word === '-f' ? 'f' : 'l';
        break;
      case '-n':
        break;
      case '-P':
        options.protocol = readProtocol(left.shift());
        break;
      case '-L':
        options.local = {
          address: readAddress(left.shift() ?? ''),
          port: readPort(left.shift(), FORWARDABLE.last),
        };
        break;
      case '-R':
        options.remote = { address: readAddress(left.shift() ?? ''), port: readPort(left.shift(), 65_535) };
        break;
      case '-p':
        options.preference = readPreference(left.shift());
        break;
      default:
        throw new Error(`unknown option "${word}"; ${USAGE}`);
    }
  }
  if (options.action === null) throw new Error(`nothing to do; ${USAGE}`);
  return options;
}

function readProtocol(text: string | undefined): number {
  const name = text?.toLowerCase();
  if (name === 'tcp') return TCP;
  if (name === 'udp') return UDP;
  throw new Error(`"${text ?? ''}" cannot be forwarded; allowed after -P: tcp, udp`);
}

function readPort(text: string | undefined, last: number): number {
  const port = /^\d{1,5}$/.test(text ?? '') ? Number(text) : 0;
  if (port < FORWARDABLE.first || port > last) {
    throw new Error(`"${text ?? ''}" is no port here; allowed: ${FORWARDABLE.first} to ${last}`);
  }
  return port;
}

function readPreference(text: string | undefined): number {
  if (/^[1-9]\d{0,8}$/.test(text ?? '')) return Number(text);
  throw new Error(`"${text ?? ''}" is no preference; allowed after -p: a number from 1`);
}

function list(forwards: PortForwards): string {
  const columns = (
    ...[protocol, local, remote, ...rest]: readonly [string, string, string, ...string[]]
  ): string =>
    [
      protocol.padEnd(4),
      local.padEnd(20),
      remote.padEnd(20),
      ...rest.map((text, index) => text.padStart(index < 2 ? 8 : 5)),
    ].join(' ');
  const lines = forwards
    .all()
    .map((one) =>
      columns(
        one.protocol === TCP ? 'TCP' : 'UDP',
        printAddress(one.localAddress),
        printAddress(one.remoteAddress),
        String(one.localPort),
        String(one.remotePort),
        String(one.countdown),
        String(one.preference),
      ),
    );
  const heading = columns('prot', 'localaddr', 'rediraddr', 'lport', 'rport', 'pcnt', 'pref');
  return [heading, ...lines].map((line) => `${line}\n`).join('');
}
