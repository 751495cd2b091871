import type { LineEvent } from '../../observe/event';
import type { Dialogue } from './dialogue';
import { labelText, plain } from './label';
import { FIREWALL, type Wire } from './lanes';
import { otherLeg } from './journeys';
import type { ArrowRow, Hop } from './types';

/**
 * Lines that the ends told of and no captured packet carries: the control connection is encrypted, was
 * not captured, or the line never became a packet.
 */
export function unseenRows(dialogue: Dialogue, wire: Wire): ArrowRow[] {
  const rest = dialogue.rest().filter(({ vantage }) => vantage === 'client' || vantage === 'server');
  const heard = new Map<string, LineEvent[]>();
  for (const line of rest.filter((one) => !isSender(one))) {
    const key = `${line.direction} ${line.line}`;
    const list = heard.get(key);
    if (list) list.push(line);
    else heard.set(key, [line]);
  }
  const sent = rest.filter(isSender).map((line) => {
    const other = heard.get(`${line.direction} ${line.line}`)?.shift();
    return unseenRow(line, other !== undefined, wire);
  });
  return sent;
}

function isSender({ vantage, direction }: LineEvent): boolean {
  return (vantage === 'client') === (direction === 'command');
}

function unseenRow({ at, vantage, line, direction }: LineEvent, arrived: boolean, wire: Wire): ArrowRow {
  const from = vantage === 'client' ? 'client' : 'server';
  const to = from === 'client' ? 'server' : 'client';
  const leg = wire.legOf(from);
  const hops: Hop[] = [
    {
      leg,
      from,
      to: FIREWALL[leg],
      label: plain(`${labelText(line)}${arrived ? '' : ' (in no packet)'}`),
      ends: null,
    },
  ];
  if (arrived) hops.push({ leg: otherLeg(leg), from: FIREWALL[otherLeg(leg)], to, label: [], ends: null });
  const how = arrived
    ? 'told by both ends, readable in no captured packet'
    : `told by the ${from} alone, in no captured packet`;
  return {
    kind: 'arrow',
    at,
    until: null,
    channel: 'control',
    hops,
    stop: null,
    reset: false,
    bytes: null,
    role: 'unseen',
    connection: 0,
    again: [],
    title: `${at.toFixed(3)} s, ${direction} of the ${from}: ${labelText(line)}; ${how}`,
  };
}
