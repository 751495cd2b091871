import { inRanges, rangesText, toRanges } from '../agent/port-ranges';
import type { CheckName } from '../scenario';
import type { ProbedFrom, ProbeFacts } from './facts';
import { finding, unknown, type Context, type Finding } from './finding';

export type ProbeCheckName = Extract<CheckName, `probe-${string}`>;

/** What of a probe should have arrived: judges the ports of one source port, sent and arrived. */
type Wanted = (sent: ReadonlySet<number>, context: Context) => ReadonlySet<number>;

const NONE: ReadonlySet<number> = new Set();
const everything: Wanted = (sent) => sent;
const nothing: Wanted = () => NONE;
const onlyThese: Wanted = (sent, { asked }) =>
  new Set([...sent].filter((port) => inRanges(asked.ports, port)));

const WANTED: Readonly<Record<Exclude<ProbeCheckName, 'probe-somewhere'>, Wanted>> = {
  'probe-nowhere': nothing,
  'probe-everywhere': everything,
  'probe-only-at': onlyThese,
  'probe-from-nowhere': nothing,
  'probe-from-everywhere': everything,
  'probe-from-only-at': onlyThese,
};

/** Where a probe's packets came out on the far side of the firewall, from all its source ports or from one. */
export function checkProbe(name: ProbeCheckName, { probe, from }: ProbeFacts, context: Context): Finding {
  const { number } = context.asked;
  const asked = name.startsWith('probe-from-')
    ? from.filter(({ sourcePort }) => sourcePort === number)
    : from;
  if (asked.length === 0) return unknown(`${probe.name} sent nothing from port ${number ?? '?'}`);
  const gap = asked.find(({ sent, near }) => sent.size === 0 || sent.size !== near.size);
  if (gap) {
    return unknown(
      `of ${gap.sent.size} packets sent from port ${gap.sourcePort}, ${gap.near.size} were seen to leave their host`,
    );
  }
  const why = describeArrivals(asked);
  const events = asked.flatMap((one) => one.events);
  if (name === 'probe-somewhere')
    return finding(
      asked.some(({ far }) => far.size > 0),
      why,
      events,
    );
  const held = asked.every(({ sent, far }) => sameSet(far, WANTED[name](sent, context)));
  return finding(held, why, events);
}

/** "from port 20 12 of 24 arrived, at 1025-5999; from ports 21, 1025 none of 24" */
function describeArrivals(asked: readonly ProbedFrom[]): string {
  const some = asked.filter(({ far }) => far.size > 0).map(arrivals);
  const silent = asked.filter(({ far }) => far.size === 0);
  const [first] = silent;
  if (!first) return some.join('; ');
  const ports = silent.map(({ sourcePort }) => sourcePort).join(', ');
  return [
    ...some,
    `from port${silent.length > 1 ? 's' : ''} ${ports} none of ${first.sent.size} arrived`,
  ].join('; ');
}

function arrivals({ sourcePort, sent, far }: ProbedFrom): string {
  const where = far.size === sent.size ? '' : `, at ${rangesText(toRanges(far))}`;
  return `from port ${sourcePort} ${far.size} of ${sent.size} arrived${where}`;
}

function sameSet(a: ReadonlySet<number>, b: ReadonlySet<number>): boolean {
  return a.size === b.size && [...a].every((port) => b.has(port));
}
