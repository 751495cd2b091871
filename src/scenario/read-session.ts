import { countPackets } from '../agent/port-ranges';
import type { PortRange } from '../firewall/kinds';
import { parsePorts } from '../firewall/quantities';
import type { Complaints } from './complaints';
import { bytesOf } from './quantities';
import type { ProbeStep, SessionStep, TransferStep } from './scenario';
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
export function readSession(steps: ScenarioFile['session'], complaints: Complaints): SessionStep[] {
  const read = steps.flatMap((step, index) => readStep(step, index, complaints) ?? []);
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

function readStep(step: Step, index: number, complaints: Complaints): SessionStep | undefined {
  const kinds = (['download', 'upload', 'list', 'probe'] as const).filter((kind) => step[kind] !== undefined);
  const [kind] = kinds;
  if (kinds.length !== 1 || !kind) {
    complaints.add(['session', index], 'is not one step; allowed: one of download, upload, list, probe');
    return undefined;
  }
  if (kind === 'probe') return step.probe && readProbe(step.probe, index, complaints);
  return readTransfer(step, kind, index, complaints);
}

function readTransfer(
  step: Step,
  direction: TransferStep['direction'],
  index: number,
  complaints: Complaints,
): TransferStep | undefined {
  const fields = step[direction];
  if (!fields) return undefined;
  const path = ['session', index, direction];
  const command = fields.command ?? (fields.mode === 'passive' ? 'PASV' : 'PORT');
  const fits = (fields.mode === 'passive') === (command === 'PASV' || command === 'EPSV');
  if (!fits) {
    const known = fields.mode === 'passive' ? 'PASV, EPSV' : 'PORT, EPRT, none';
    complaints.add([...path, 'command'], `is ${command}; allowed in ${fields.mode} mode: ${known}`);
  }
  const size = 'size' in fields ? bytesOf(fields.size) : 0;
  const lasting =
    'lasting' in fields && fields.lasting !== undefined
      ? complaints.duration([...path, 'lasting'], fields.lasting)
      : 0;
  return { kind: 'transfer', name: fields.name ?? '', direction, mode: fields.mode, command, size, lasting };
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
    if (step.kind === 'probe') return 'probe';
    return alone(step) ? step.direction : `${step.mode} ${step.direction}`;
  };
  const list = steps.map((step) => ({ ...step, name: nameOf(step) }));
  list.forEach((step, index) => {
    if (list.findIndex((other) => other.name === step.name) < index) {
      complaints.add(['session', index], `is a second ${step.kind} called "${step.name}"; give it a name`);
    }
  });
  return list;
}
