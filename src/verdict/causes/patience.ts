import type { Leg, LineEvent, PacketEvent } from '../../observe/event';
import type { Facts, TransferFacts } from '../facts';
import { incomplete, proof, type Cause, type Examined } from './cause';

export const CLIENT_GAVE_UP: Cause = {
  code: 'client-gave-up',
  needs:
    'the client’s time-out; the data connection open at both ends, and the transfer begun; as many bytes of it on one leg as on the other; the client’s FIN or RST on both legs, and no final reply of the server’s before it; a file that is not whole',
  scenario: 'client-impatient',
  examine: clientGaveUp,
};

/**
 * The client ran out of patience while the server was still at it. A time-out is a symptom only, so all that
 * was sent must have crossed the firewall, and the client must have been the one that ended it.
 */
function clientGaveUp(facts: Facts, of: TransferFacts): Examined {
  const { end, request } = of;
  if (!request || !end?.error || !/time-?out|no data for/i.test(end.error)) return null;
  const [atClient, atServer] = [of.clientData, of.serverData].map((events) =>
    events.find(({ change }) => change === 'connected'),
  );
  if (!atClient || !atServer) return null;
  const { client, server } = facts.legOf;
  const [left, arrived] = [firstEnd(of, client), firstEnd(of, server)];
  const heard = line(of, 'server', (text) => text === request.line);
  const begun = line(of, 'client', (text) => /^1\d\d /.test(text));
  const over = line(of, 'server', (text) => /^[2-5]\d\d /.test(text), request.at);
  const unanswered = left !== undefined && (!over || over.at > left.at);
  const crossed = allCrossed(facts, of);
  const { received } = of;
  const partial =
    received !== undefined && received.bytes < (of.transfer.file?.size ?? 0) ? received : undefined;
  if (!left || !arrived || !isClients(of, left, arrived) || !heard || !begun || !unanswered) {
    return incomplete({
      'the request as the server heard it': heard,
      'the reply that begins the transfer, as the client read it': begun,
      'that the client was the first to end the data connection': left && arrived,
      'that the server had not given its final reply': unanswered,
    });
  }
  if (!crossed || !partial) {
    return incomplete({
      'that every byte of data on one leg was on the other': crossed,
      'the part of the file that had arrived': partial,
    });
  }
  return proof(
    {
      text: `The client gave up (“${end.error}”) after ${facts.plan.client.patience} s without progress, and ended the data connection. All that the server had sent until then crossed the firewall, and the server, which had begun (“${begun.line}”), was not done.`,
      remedy:
        'Raise the client’s time-out above the longest pause of the server; the firewall is not at fault.',
    },
    [end, heard, begun, atServer, left, arrived, partial],
  );
}

/** A line that one end wrote or read during a transfer. */
function line(
  { events }: TransferFacts,
  end: 'client' | 'server',
  wanted: (text: string) => boolean,
  after = 0,
): LineEvent | undefined {
  return events
    .filter((event) => event.kind === 'ftp-line')
    .find((event) => event.vantage === end && event.at >= after && wanted(event.line));
}

/** The first FIN or RST of the data connection on a leg. */
function firstEnd({ events, syns }: TransferFacts, leg: Leg): PacketEvent | undefined {
  const [syn] = syns[leg];
  return events
    .filter((event) => event.kind === 'packet')
    .find(
      (packet) =>
        packet.leg === leg &&
        /[FR]/.test(packet.flags) &&
        [packet.sourcePort, packet.destinationPort].includes(syn?.destinationPort ?? -1) &&
        [packet.sourcePort, packet.destinationPort].includes(syn?.sourcePort ?? -1),
    );
}

/** Whether the ends of a connection came from the client, on both legs. */
function isClients({ syns, transfer }: TransferFacts, left: PacketEvent, arrived: PacketEvent): boolean {
  return [left, arrived].every((packet) => {
    const [syn] = syns[packet.leg];
    // In passive mode the client dialled, so its packets go where the SYN went.
    return (packet.destinationPort === syn?.destinationPort) === (transfer.mode === 'passive');
  });
}

/** Whether both legs, wholly captured, show as many bytes of the data connection in each direction. */
function allCrossed({ complete, observation }: Facts, { syns }: TransferFacts): boolean {
  const bytes = (leg: Leg, there: boolean): number => {
    const [syn] = syns[leg];
    const from = there ? syn?.sourcePort : syn?.destinationPort;
    const to = there ? syn?.destinationPort : syn?.sourcePort;
    return observation.events
      .filter((event) => event.kind === 'flow' || event.kind === 'packet')
      .filter((event) => event.leg === leg && event.sourcePort === from && event.destinationPort === to)
      .reduce((sum, event) => sum + (event.kind === 'flow' ? event.bytes : event.length), 0);
  };
  const same = [true, false].every((there) => bytes('inside', there) === bytes('outside', there));
  return complete.inside && complete.outside && same;
}
