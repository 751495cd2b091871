import type { ConntrackEvent, LabEvent } from '../../observe/event';
import type { Plan } from '../../plan/plan';
import type { Facts, TransferFacts } from '../facts';

/** A rule of the owner's own that attaches an FTP helper. */
export interface AttachingRow {
  readonly row: number;
  readonly text: string;
  /** ports it names; empty: it names none */
  readonly ports: readonly number[];
  /** whether it stands in a chain that sees packets before conntrack does */
  readonly tooEarly: boolean;
}

/** NF_IP_PRI_CONNTRACK: before it a packet belongs to no connection that a helper could be set on. */
const CONNTRACK_PRIORITY = -200;
/** nft(8): names of priorities of ip chains. */
const PRIORITIES: Readonly<Record<string, number>> = {
  raw: -300,
  mangle: -150,
  dstnat: -100,
  filter: 0,
  security: 50,
  srcnat: 100,
};

/** Whether anything here has an FTP helper: modules, or rules of the owner's own. */
export function helperIsLoaded(plan: Plan): boolean {
  return plan.firewall.helper.ports.length > 0 || /\bct helper\b|--helper\b/.test(plan.firewall.ruleset.text);
}

/** The rows that attach a helper: nft's `ct helper set`, iptables' `-j CT --helper`. */
export function attachingRows({ firewall }: Plan): readonly AttachingRow[] {
  return firewall.rows.flatMap(({ row, text }) => {
    if (!/\bct helper set\b|--helper\b/.test(text)) return [];
    return [
      { row, text, ports: portsIn(text), tooEarly: priorityOf(firewall.ruleset, row) < CONNTRACK_PRIORITY },
    ];
  });
}

function portsIn(rule: string): number[] {
  const said = /\bdports?\s+(?:\{([^}]*)\}|([\d,:-]+))/.exec(rule);
  return [...(said?.[1] ?? said?.[2] ?? '').matchAll(/\d+/g)].map(([port]) => Number(port));
}

/** The priority of the nft chain that a row stands in. 0 where none is said, as in iptables, whose CT target comes in time. */
function priorityOf({ text, rowLines }: Plan['firewall']['ruleset'], row: number): number {
  const at = rowLines.find((place) => place.row === row)?.line ?? 0;
  const said = text
    .split('\n')
    .slice(0, at)
    .flatMap((line) => [...line.matchAll(/\bpriority\s+([a-z]*)\s*([+-]?\s*\d+)?/g)])
    .at(-1);
  if (!said) return 0;
  const [, name = '', offset = '0'] = said;
  return (PRIORITIES[name] ?? 0) + Number(offset.replaceAll(' ', ''));
}

/** What conntrack told of a transfer's control connection. */
export interface ControlEntry {
  /** an event that shows the helper; undefined when none does */
  readonly helped: ConntrackEvent | undefined;
  /** the first event, when none of them shows a helper */
  readonly bare: ConntrackEvent | undefined;
}

/** The entry of the control connection a transfer used. Nothing when the record of conntrack has gaps. */
export function controlEntry(facts: Facts, of: TransferFacts): ControlEntry {
  const { port } = facts.plan.server;
  const mine = new Set<LabEvent>(of.events);
  const used = facts.controlPackets[facts.legOf.client].find(
    (packet) => mine.has(packet) && packet.destinationPort === port,
  );
  const entries = facts.conntrack.filter(
    ({ original, change }) =>
      !change.startsWith('expect-') &&
      original.destinationPort === port &&
      original.sourcePort === used?.sourcePort,
  );
  const helped = entries.find(({ helper }) => helper !== null);
  const whole = facts.observation.conntrackLost === 0;
  return { helped, bare: helped || !whole ? undefined : entries[0] };
}
