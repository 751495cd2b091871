import { countPackets } from '../agent/port-ranges';
import type { TimeoutName } from '../firewall/conntrack';
import type { FirewallKind, PortRange } from '../firewall/kinds';
import { parsePorts } from '../firewall/quantities';
import type { Complaints } from './complaints';
import type { Path } from './document';
import { bytesOf, secondsText } from './quantities';
import { readTimeoutList } from './read-firewall';
import type { ProbeStep, SetTimeoutsStep, SessionStep, TransferStep } from './scenario';
import type { ScenarioFile } from './schema';

/** Largest file of a session; the whole session moves at most this much. */
const MAX_SIZE = 4 * 2 ** 30;
/** Packets all probes of a session send at most: every port from 16 source ports is about a million. */
const MAX_PROBES = 1_100_000;

/** Ports on either side of every limit that the FAQ's tables draw, and some that services are known by. */
const SAMPLE: readonly PortRange[] = [
  ...([1, 20, 21, 22, 25, 53, 80, 111, 443, 1023, 1024, 1025, 2049, 5999] as const).map((port): PortRange => [
    port,
    port,
  ]),
  [6000, 6011],
  ...([8080, 32768, 49152, 50000, 65535] as const).map((port): PortRange => [port, port]),
];

/** Port 0 is reserved (RFC 6335 §6). */
export const ALL_PORTS: readonly PortRange[] = [[1, 65_535]];

type Step = ScenarioFile['session'][number];

/** The steps of a session, in order, each with a name of its own. */
export function readSession(
  steps: ScenarioFile['session'],
  kind: FirewallKind,
  complaints: Complaints,
): SessionStep[] {
  const read = steps.flatMap((step, index) => readStep(step, index, kind, complaints) ?? []);
  let bytes = 0;
  steps.forEach((step, index) => {
    const direction = step.download ? 'download' : 'upload';
    bytes += bytesOf(step[direction]?.size ?? '0 B');
    if (bytes > MAX_SIZE) {
      complaints.add(['session', index, direction], 'brings the session over 4 GiB, the most it may move');
    }
  });
  const packets = countPackets(read.filter((step) => step.kind === 'probe'));
  if (packets > MAX_PROBES) {
    complaints.add(['session'], `sends ${packets} probes; allowed: up to ${MAX_PROBES}`);
  }
  return named(read, complaints);
}

const STEPS = ['download', 'upload', 'list', 'probe', 'idle', 'command', 'set-timeouts'] as const;

function readStep(
  step: Step,
  index: number,
  firewall: FirewallKind,
  complaints: Complaints,
): SessionStep | undefined {
  const kinds = STEPS.filter((kind) => step[kind] !== undefined);
  const [kind] = kinds;
  if (kinds.length !== 1 || !kind) {
    complaints.add(['session', index], `is not one step; allowed: one of ${STEPS.join(', ')}`);
    return undefined;
  }
  if (kind === 'probe') return step.probe && readProbe(step.probe, index, complaints);
  if (kind === 'idle') return readIdle(step.idle ?? '', index, complaints);
  if (kind === 'command') return step.command && { kind, name: step.command, command: step.command };
  if (kind === 'set-timeouts') {
    const path = ['session', index, kind];
    return { kind, name: 'set-timeouts', ...readChange(path, step[kind] ?? {}, firewall, complaints) };
  }
  return readTransfer(step, kind, index, firewall, complaints);
}

function readIdle(text: string, index: number, complaints: Complaints): SessionStep {
  const path = ['session', index, 'idle'];
  const seconds = complaints.duration(path, text);
  if (seconds === 0) complaints.add(path, `is ${text}; allowed: more than nothing`);
  return { kind: 'idle', name: `idle ${secondsText(seconds)}`, seconds };
}

/** ip_masq.c keeps three timeouts for `ipchains -M -S`. */
const MASQUERADE_TIMEOUTS: readonly string[] = ['established', 'fin-wait', 'udp'];

/** New timeouts for a firewall that runs. */
function readChange(
  path: Path,
  texts: Readonly<Partial<Record<TimeoutName, string | undefined>>>,
  firewall: FirewallKind,
  complaints: Complaints,
): Pick<SetTimeoutsStep, 'timeouts' | 'words'> {
  const timeouts = readTimeoutList(path, texts, complaints);
  const names = Object.keys(timeouts);
  if (names.length === 0) complaints.add(path, 'changes nothing; name a timeout, e.g. established: 2h');
  const unknown = names.filter((name) => !MASQUERADE_TIMEOUTS.includes(name));
  if (firewall === 'ipchains' && unknown.length > 0) {
    const known = MASQUERADE_TIMEOUTS.join(', ');
    complaints.add([...path, unknown[0] ?? ''], `is no timeout of ipchains -M -S; allowed: ${known}`);
  }
  const words = Object.entries(timeouts).map(([name, seconds]) => `${name} ${secondsText(seconds)}`);
  return { timeouts, words: words.join(', ') };
}

function readTransfer(
  step: Step,
  direction: TransferStep['direction'],
  index: number,
  firewall: FirewallKind,
  complaints: Complaints,
): TransferStep | undefined {
  const fields = step[direction];
  if (!fields) return undefined;
  const path = ['session', index, direction];
  const command = fields.command ?? (fields.mode === 'passive' ? 'PASV' : 'PORT');
  const fits = (fields.mode === 'passive') === ['PASV', 'EPSV', 'own'].includes(command);
  if (!fits) {
    const known = fields.mode === 'passive' ? 'PASV, EPSV, own' : 'PORT, EPRT, none';
    complaints.add([...path, 'command'], `is ${command}; allowed in ${fields.mode} mode: ${known}`);
  }
  const size = 'size' in fields ? bytesOf(fields.size) : 0;
  const lasting =
    'lasting' in fields && fields.lasting !== undefined
      ? complaints.duration([...path, 'lasting'], fields.lasting)
      : 0;
  const { noopEvery, change } = readDuring(path, fields, lasting, firewall, complaints);
  return {
    ...{ kind: 'transfer', name: fields.name ?? '', direction, mode: fields.mode, command, size, lasting },
    ...{ noopEvery, change },
  };
}

/** What happens beside a transfer while its file moves. */
function readDuring(
  above: Path,
  fields: NonNullable<Step['download'] | Step['list']>,
  lasting: number,
  firewall: FirewallKind,
  complaints: Complaints,
): Pick<TransferStep, 'noopEvery' | 'change'> {
  const noop = 'noop-every' in fields ? fields['noop-every'] : undefined;
  const changed = 'set-timeouts' in fields ? fields['set-timeouts'] : undefined;
  const path = [...above, 'noop-every'];
  const noopEvery = noop === undefined ? null : complaints.duration(path, noop);
  if (noopEvery === 0) complaints.add(path, `is ${noop ?? ''}; allowed: more than nothing`);
  if (!changed) return { noopEvery, change: null };
  const { at: when, ...texts } = changed;
  const place = [...above, 'set-timeouts'];
  const at = complaints.duration([...place, 'at'], when);
  if (at >= lasting) {
    complaints.add([...place, 'at'], `is ${when}, but the transfer is to last ${secondsText(lasting)} only`);
  }
  return { noopEvery, change: { at, ...readChange(place, texts, firewall, complaints) } };
}

function readProbe(probe: NonNullable<Step['probe']>, index: number, complaints: Complaints): ProbeStep {
  const { from, to } = probe;
  const path = ['session', index, 'probe'];
  if (from === to) complaints.add([...path, 'to'], `is ${to}, which they come from`);
  return {
    kind: 'probe',
    name: probe.name ?? '',
    from,
    to,
    flags: probe.flags ?? 'SYN',
    sourcePorts: [...new Set(probe['source-ports'])],
    ports: complaints.attempt([...path, 'ports'], () => readPorts(probe.ports)) ?? [],
    sampled: probe.ports === 'sample',
  };
}

function readPorts(text: string): readonly PortRange[] {
  if (text === 'all') return ALL_PORTS;
  if (text === 'sample') return SAMPLE;
  return text.split(',').map((part) => parsePorts(part.replaceAll(' ', ''), '-'));
}

/** Unnamed steps are called by what they do, or by mode and direction where that is not enough. */
function named(steps: readonly SessionStep[], complaints: Complaints): SessionStep[] {
  const alone = (step: TransferStep): boolean =>
    steps.filter((other) => other.kind === 'transfer' && other.direction === step.direction).length === 1;
  const nameOf = (step: SessionStep): string => {
    if (step.name !== '') return step.name;
    if (step.kind !== 'transfer') return step.kind;
    return alone(step) ? step.direction : `${step.mode} ${step.direction}`;
  };
  const list = steps.map((step) => ({ ...step, name: nameOf(step) }));
  list.forEach((step, index) => {
    // Sentences speak of transfers and probes alone.
    if (step.kind !== 'transfer' && step.kind !== 'probe') return;
    if (list.findIndex((other) => other.name === step.name) < index) {
      complaints.add(['session', index], `is a second ${step.kind} called "${step.name}"; give it a name`);
    }
  });
  return list;
}
