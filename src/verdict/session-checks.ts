import type { PacketEvent } from '../observe/event';
import type { CheckName } from '../scenario';
import { isSyn, isWhole, type Facts } from './facts';
import { TIME_CHECKS, type TimeCheckName } from './time-checks';
import { finding, unknown, type Context, type Finding } from './finding';

type SessionCheck = (context: Context) => Finding;
export type SessionCheckName = Extract<
  CheckName,
  | 'own-data-connection'
  | 'control-high-to-21'
  | 'no-control'
  | 'control-helped'
  | 'control-not-helped'
  | 'dialogue-on-control'
  | TimeCheckName
  | 'server-sees-firewall'
  | 'server-sees-client'
  | 'name-resolved'
  | 'name-not-resolved'
  | 'row-counts'
  | 'row-counts-none'
>;

/** Checks of the whole session, by the name of their sentence. */
export const SESSION_CHECKS: Readonly<Record<SessionCheckName, SessionCheck>> = {
  'own-data-connection': ({ facts }) => {
    if (!facts.complete.inside) return unknown('the inside capture is missing or incomplete');
    const failed = facts.transfers.find((of) => !isWhole(of));
    if (failed) return unknown(`${failed.transfer.name} did not get through`);
    // A retransmitted SYN is the same connection, so connections are counted by their ports.
    const connections = facts.transfers.map((of) => [...distinct(of.syns.inside).values()]);
    const all = distinct(connections.flat()).size;
    const held = connections.every((list) => list.length === 1) && all === facts.transfers.length;
    return finding(
      held,
      `${all} data connections for ${facts.transfers.length} transfers`,
      connections.flat(),
    );
  },

  'control-high-to-21': ({ facts }) => {
    const syn = facts.controlPackets[facts.legOf.client].find((packet) => packet.flags === 'S');
    if (!syn) return unknown('the SYN of the control connection was not captured');
    const held = syn.sourcePort > 1023 && syn.destinationPort === 21;
    return finding(held, `from port ${syn.sourcePort} to port ${syn.destinationPort}`, [syn]);
  },

  'no-control': ({ facts }) => {
    const leg = facts.legOf.client;
    const tried = facts.controlPackets[leg].find(isSyn);
    if (!tried) return unknown('the client sent no SYN for a control connection');
    const opened = facts.observation.events.find(
      ({ kind, vantage }) => kind === 'control' && vantage === 'client',
    );
    return finding(opened === undefined, opened ? opened.text : 'the client never got one', [tried, opened]);
  },

  'control-helped': ({ facts }) => controlHelper(facts, true),
  'control-not-helped': ({ facts }) => controlHelper(facts, false),

  'dialogue-on-control': ({ facts }) => {
    const lines = facts.observation.events.filter((event) => event.kind === 'ftp-line');
    const said = lines.filter((line) => line.vantage === 'client' && line.direction === 'command');
    const heard = lines.filter((line) => line.vantage === 'server' && line.direction === 'command');
    const wire = facts.controlPackets[facts.legOf.server].map((packet) => packet.payload).join('');
    // QUIT is left out: basic-ftp closes right behind it, so it may be the last thing on the wire or not.
    const missing = said.filter(
      ({ line }) => line !== 'QUIT' && !isPort(line) && !wire.includes(`${line}\r\n`),
    );
    const why = `${said.length} commands sent, ${heard.length} heard by the server, ${missing.length} not on the wire`;
    return finding(said.length > 0 && missing.length === 0, why, said.slice(0, 3));
  },

  ...TIME_CHECKS,

  'name-resolved': ({ facts }) => named(facts, true),
  'name-not-resolved': ({ facts }) => named(facts, false),

  'row-counts': ({ facts, asked }) => rowCounts(facts, asked.number, true),
  'row-counts-none': ({ facts, asked }) => rowCounts(facts, asked.number, false),

  'server-sees-firewall': ({ facts }) => serverSees(facts, facts.plan.firewall.addresses.outside),
  'server-sees-client': ({ facts }) => serverSees(facts, facts.plan.client.address),
};

/** Whether conntrack's entry of the control connection names the helper. */
function controlHelper(facts: Facts, wanted: boolean): Finding {
  if (facts.observation.conntrackLost > 0) return unknown('conntrack events were lost');
  const entries = facts.conntrack.filter(
    ({ original, change }) =>
      original.destinationPort === facts.plan.server.port && !change.startsWith('expect-'),
  );
  const last = entries.at(-1);
  if (!last) return unknown('conntrack told of no entry for the control connection');
  const helped = entries.find(({ helper }) => helper !== null);
  const why = helped ? `its entry has helper=${helped.helper ?? ''}` : 'its entry names no helper';
  return finding((helped !== undefined) === wanted, why, [helped ?? last]);
}

function named(facts: Facts, wanted: boolean): Finding {
  const asked = facts.observation.events
    .filter((event) => event.kind === 'name')
    .find(({ vantage }) => vantage === 'client');
  if (!asked) return unknown('the client did not ask for a name');
  return finding((asked.address !== null) === wanted, asked.text, [asked]);
}

function rowCounts(facts: Facts, row: number | null, wanted: boolean): Finding {
  const rule = facts.rules.find((candidate) => candidate.row === row);
  if (!rule) return unknown(`row ${row ?? '?'} has no counter`);
  return finding(rule.packets > 0 === wanted, `${rule.packets} packets`, [rule]);
}

/** What the far end of the control and data connections shows as the client's address. */
function serverSees(facts: Facts, address: string): Finding {
  const opened = facts.observation.events.filter(
    (event) => event.kind === 'control' && event.vantage === 'server' && event.change === 'opened',
  );
  const leg = facts.legOf.server;
  const wrong = facts.controlPackets[leg].find(
    (packet) => packet.destinationPort === facts.plan.server.port && packet.source !== address,
  );
  const peers = new Set(
    opened.map((event) => (event.kind === 'control' ? event.peer.replace(/:\d+$/, '') : '')),
  );
  const held = opened.length > 0 && [...peers].every((peer) => peer === address) && !wrong;
  return finding(held, `its peer is ${[...peers].join(', ') || 'nobody'}`, [...opened, wrong]);
}

function isPort(line: string): boolean {
  return /^(?:PORT|EPRT) /i.test(line);
}

function distinct(syns: readonly PacketEvent[]): Map<string, PacketEvent> {
  return new Map(
    syns.map((syn) => [`${syn.source}:${syn.sourcePort}>${syn.destination}:${syn.destinationPort}`, syn]),
  );
}
