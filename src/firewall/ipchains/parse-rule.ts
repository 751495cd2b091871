import { parseIcmpNumbers, parseIcmpType } from './icmp';
import type { Report } from './options';
import {
  PROTOCOLS,
  type Endpoint,
  type IpchainsRule,
  type Match,
  type SpecialTarget,
  type Target,
} from './rule';
import type { Use, Uses } from './uses';
import {
  parseInterface,
  parseMark,
  parseOutputSize,
  parseProtocol,
  parseRedirectPort,
  parseRuleNetwork,
  parseRulePorts,
  parseTarget,
  parseTos,
} from './values';
import type { PortRange } from '../kinds';
import type { Network } from '../quantities';
import type { Word } from '../words';

/** What reading a command needs besides its words. */
export interface Reading {
  readonly chains: ReadonlySet<string>;
  readonly report: Report;
  /** whether ports may be written as /etc/services names them */
  readonly services: boolean;
  /** runs a reader on a word and reports what it throws; null: it did */
  readonly read: <T>(word: Word | null | undefined, reader: (text: string) => T) => T | null;
}

const ANY: Match<Network> = { not: false, value: { address: '0.0.0.0', prefix: 0 } };
const ANY_PROTOCOL: Match<number> = { not: false, value: PROTOCOLS.all };

/** Reads what follows `-A chain`. The kernel's and ipchains' own checks of whole rules are made here. */
export function parseRule(chain: string | null, uses: Uses, reading: Reading): IpchainsRule {
  const protocol = parseProtocolUse(uses.get('protocol'), reading);
  const ends = parseEnds(uses, protocol, reading);
  const jump = uses.get('jump');
  const rule: IpchainsRule = {
    protocol: protocol ?? ANY_PROTOCOL,
    ...ends,
    interface: parseInterfaceUse(uses.get('interface'), reading),
    syn: turned(uses.get('syn')),
    fragment: turned(uses.get('fragment')),
    bidirectional: uses.has('bidirectional'),
    log: uses.has('log'),
    outputSize: parseOutputUse(uses.get('output'), reading),
    mark: reading.read(uses.get('mark')?.value, parseMark),
    tos: parseTosUse(uses.get('tos'), reading),
    target: jump ? parseJump(jump, reading) : null,
  };
  if (protocol) checkProtocol(protocol, uses, reading);
  checkFragment(uses, reading);
  if (jump && rule.target) checkTarget(rule.target, jump, { chain, protocol }, reading);
  return rule;
}

/** null: there is one, but it cannot be read, so that nothing more is to be said about it */
function parseProtocolUse(use: Use | undefined, { read, report }: Reading): Match<number> | null {
  if (!use) return ANY_PROTOCOL;
  const value = read(use.value, parseProtocol);
  if (value === PROTOCOLS.all && use.not) {
    report(use.column, 'a rule for "! all" matches no packet; leave the "!" or the protocol out');
  }
  return value === null ? null : { not: use.not, value };
}

function parseInterfaceUse(use: Use | undefined, { read, report }: Reading): IpchainsRule['interface'] {
  const value = read(use?.value, parseInterface);
  if (!use || !value) return null;
  if (value.name !== '') return { not: use.not, value };
  if (use.not) report(use.column, 'a rule for "! +" matches no packet; leave the "!" or the interface out');
  return null;
}

function turned(use: Use | undefined): { readonly not: boolean } | null {
  return use ? { not: use.not } : null;
}

function parseOutputUse(use: Use | undefined, { read }: Reading): number | null {
  if (!use) return null;
  // Without a size whole packets are copied (ipchains.c, parse_outputsize).
  return use.value ? read(use.value, parseOutputSize) : 65535;
}

function parseTosUse(use: Use | undefined, { read, report }: Reading): IpchainsRule['tos'] {
  const [xor] = use?.more ?? [];
  if (!use?.value) return null;
  const and = use.value.text;
  if (['nat', 'filter', 'mangle', 'raw'].includes(and)) {
    report(
      use.column,
      `${use.written} ${and} is not in ipchains, it came with iptables; here -t changes the TOS, and there is one table`,
    );
    return null;
  }
  if (!xor) {
    report(use.column, `${use.written} needs two bytes in hex, e.g. 0x01 0x10; found "${and}"`);
    return null;
  }
  return read(use.value, () => parseTos(and, xor.text));
}

interface Ports {
  readonly flag: Use;
  readonly not: boolean;
  readonly word: Word;
}

function portsOf(uses: Uses, end: 'source' | 'destination', { report }: Reading): Ports | null {
  const flag = uses.get(`${end}-port`);
  const address = uses.get(end);
  if (flag?.value && address?.ports) {
    report(flag.column, `second ports of the ${end}; the first stand after ${address.written}`);
  }
  if (flag?.value) return { flag, not: flag.not, word: flag.value };
  return address?.ports ? { flag: address, ...address.ports } : null;
}

function parseEnds(
  uses: Uses,
  protocol: Match<number> | null,
  reading: Reading,
): Pick<IpchainsRule, 'source' | 'destination'> {
  const from = portsOf(uses, 'source', reading);
  const to = portsOf(uses, 'destination', reading);
  const networks = {
    source: parseAddress(uses.get('source'), reading),
    destination: parseAddress(uses.get('destination'), reading),
  };
  const ports =
    protocol?.value === PROTOCOLS.icmp
      ? parseIcmp(from, to, reading)
      : { source: parsePortsUse(from, reading), destination: parsePortsUse(to, reading) };
  return {
    source: { network: networks.source, ports: ports.source },
    destination: { network: networks.destination, ports: ports.destination },
  };
}

function parseAddress(use: Use | undefined, { read, report }: Reading): Match<Network> {
  const value = read(use?.value, parseRuleNetwork);
  if (!use || !value) return ANY;
  if (use.not && value.prefix === 0) {
    report(
      use.column,
      `a rule for "! ${use.value?.text ?? ''}" matches no packet; leave the "!" or the address out`,
    );
  }
  return { not: use.not, value };
}

function parsePortsUse(ports: Ports | null, { read, report, services }: Reading): Endpoint['ports'] {
  const value = read(ports?.word, (text) => parseRulePorts(text, services));
  if (!ports || !value) return null;
  const [low, high] = value;
  if (low > 0 || high < 65535) return { not: ports.not, value };
  if (ports.not) report(ports.word.column, 'a rule for no port at all matches no packet; leave the "!" out');
  // All ports is what a rule says that speaks of none.
  return null;
}

function parseIcmp(
  from: Ports | null,
  to: Ports | null,
  { read, report }: Reading,
): { source: Endpoint['ports']; destination: Endpoint['ports'] } {
  const named = from && read(from.word, (text) => parseIcmpType(text, from.not));
  const codes: PortRange | null = to && read(to.word, parseIcmpNumbers);
  if (to && from && /^[a-z]/i.test(from.word.text)) {
    report(
      to.word.column,
      `the name ${from.word.text} says the code already; write the number of its type instead`,
    );
  }
  const code = named?.code ?? null;
  return {
    source: named?.type ?? null,
    destination:
      to && codes
        ? { not: to.not, value: codes }
        : code === null
          ? null
          : { not: false, value: [code, code] },
  };
}

function parseJump(use: Use, { chains, read, services }: Reading): Target | null {
  const target = read(use.value, (text) => parseTarget(text, chains));
  const [port] = use.more;
  if (target?.kind !== 'redirect' || !port) return target;
  return { kind: 'redirect', port: read(port, (text) => parseRedirectPort(text, services)) ?? 0 };
}

function checkProtocol(protocol: Match<number>, uses: Uses, { report }: Reading): void {
  const is = (...numbers: number[]): boolean => !protocol.not && numbers.includes(protocol.value);
  const syn = uses.get('syn');
  if (syn && !is(PROTOCOLS.tcp)) report(syn.column, `${syn.written} needs -p tcp: it asks for TCP's flags`);
  if (is(PROTOCOLS.tcp, PROTOCOLS.udp, PROTOCOLS.icmp)) return;
  for (const end of ['source', 'destination'] as const) {
    const word = uses.get(`${end}-port`)?.value ?? uses.get(end)?.ports?.word;
    if (word) report(word.column, `"${word.text}" is a port, which needs -p tcp or -p udp`);
  }
}

function checkFragment(uses: Uses, { report }: Reading): void {
  const fragment = uses.get('fragment');
  if (!fragment || fragment.not) return;
  const others = [
    uses.get('source-port')?.value ?? uses.get('source')?.ports?.word,
    uses.get('destination-port')?.value ?? uses.get('destination')?.ports?.word,
    uses.get('syn'),
  ];
  if (others.some((other) => other)) {
    report(
      fragment.column,
      `${fragment.written} asks for second and further fragments, which carry neither ports nor TCP flags`,
    );
  }
}

/** Where a target may stand: ipchains.c, end of main; the kernel itself does not look. */
function checkTarget(
  target: Target,
  jump: Use,
  { chain, protocol }: { readonly chain: string | null; readonly protocol: Match<number> | null },
  { report }: Reading,
): void {
  const column = jump.value?.column ?? jump.column;
  const name: SpecialTarget | null =
    target.kind === 'special' ? target.name : target.kind === 'redirect' ? 'REDIRECT' : null;
  if (name === 'MASQ' && (chain === 'input' || chain === 'output')) {
    report(column, `MASQ stands in forward or a user chain; found in ${chain}`);
  }
  if (name !== 'REDIRECT') return;
  if (chain === 'forward' || chain === 'output') {
    report(column, `REDIRECT stands in input or a user chain; found in ${chain}`);
  }
  const redirectable: readonly number[] = [PROTOCOLS.tcp, PROTOCOLS.udp];
  if (protocol && (protocol.not || !redirectable.includes(protocol.value))) {
    report(column, 'REDIRECT needs -p tcp or -p udp');
  }
}
