import type { LabEvent, LineEvent } from '../../observe/event';
import { announcedBy, otherLeg, portPackets, type Facts, type TransferFacts } from '../facts';
import { incomplete, proof, type Cause, type Examined } from './cause';

export const SERVER_REFUSED_PORT: Cause = {
  code: 'server-refused-port',
  needs: 'PORT as the client sent it and as it reached the server; the refusal, as the client read it',
  scenario: 'foreign-address-in-port',
  examine: serverRefusedPort,
};

export const PASSIVE_RANGE_EXHAUSTED: Cause = {
  code: 'passive-range-exhausted',
  needs: 'a refusal of PASV that speaks of ports, at both ends; that the server listened on none for it',
  scenario: 'passive-range-exhausted',
  examine: passiveRangeExhausted,
};

export const DATA_PEER_NOT_CONTROL_PEER: Cause = {
  code: 'data-peer-not-control-peer',
  needs: 'that an end refused the data connection for its peer; the peer of the control connection; the SYN',
  scenario: 'data-from-another-address',
  examine: dataPeer,
};

/** What servers say when no port of their passive range is free. */
const NO_PORT = /\bport|address already in use/i;

function serverRefusedPort(facts: Facts, of: TransferFacts): Examined {
  const { arrangement, portReply } = of;
  if (!portReply || !arrangement || !/^[45]/.test(portReply.line)) return null;
  const heard = heardBy(of, 'server', arrangement.line) ?? portPackets(facts, of, facts.legOf.server)[0];
  if (!heard) return incomplete({ 'the PORT as it reached the server': heard });
  const { why, events } = whyRefused(facts, of);
  return proof(
    {
      text: `The server refused “${arrangement.line}”: “${portReply.line}”. ${why}`,
      remedy: 'Name an address the server accepts: by RFC 2577 that of the control connection’s client.',
    },
    [arrangement, heard, portReply, ...events],
  );
}

/** Why a server refused PORT, where what it saw of its client tells. */
function whyRefused(facts: Facts, of: TransferFacts): { why: string; events: readonly LabEvent[] } {
  const named = announcedBy(of.arrangement?.line ?? '');
  const peer = controlOpened(facts, 'server');
  const address = peer?.peer.replace(/:\d+$/, '').replace(/^::ffff:/, '');
  if (peer && named?.address && named.address !== address) {
    return {
      why: `It named ${named.address}, and the server’s control connection is with ${address ?? ''} (RFC 2577: no data for others).`,
      events: [peer],
    };
  }
  if (named && named.port < 1024) {
    return { why: `It named port ${named.port}, a well-known one (RFC 2577 §3).`, events: [] };
  }
  return { why: 'The reply is all that says why.', events: [] };
}

function controlOpened(facts: Facts, end: 'client' | 'server') {
  return facts.observation.events
    .filter((event) => event.kind === 'control')
    .findLast(({ vantage, change }) => vantage === end && change === 'opened');
}

/** A line of the dialogue as one end had it, during a transfer. */
function heardBy(of: TransferFacts, end: 'client' | 'server', line: string): LineEvent | undefined {
  return of.events
    .filter((event) => event.kind === 'ftp-line')
    .find((event) => event.vantage === end && event.line === line);
}

function passiveRangeExhausted(facts: Facts, of: TransferFacts): Examined {
  const refused = of.transfer.mode === 'passive' ? of.arrangement : undefined;
  if (!refused || !/^[45]\d\d /.test(refused.line)) return null;
  const given = heardBy(of, 'server', refused.line);
  const listening = of.serverData.some(({ change }) => change === 'listening');
  const ports = facts.plan.server.passivePorts.join('–');
  if (!given || listening || !NO_PORT.test(refused.line)) {
    return incomplete({
      'the refusal as the server gave it': given,
      [`a reason in “${refused.line}”`]: NO_PORT.test(refused.line),
      'that the server listened on no port for it': !listening,
    });
  }
  const log = of.events
    .filter((event) => event.kind === 'log')
    .find((event) => event.vantage === 'server' && NO_PORT.test(event.line));
  const taken = facts.observation.events
    .filter((event) => event.kind === 'log')
    .find(({ vantage, line }) => vantage === 'server' && line.startsWith('another program listens'));
  return proof(
    {
      text: `The server had no port left to listen on for a data connection, of ${ports}: “${refused.line}”.${taken ? ` There ${taken.line}.` : ''}`,
      remedy:
        'Give the server a wider range of passive ports, and forward or open the same at the firewall; or free the ports that others use.',
    },
    [given, refused, ...(log ? [log] : []), ...(taken ? [taken] : [])],
  );
}

/** RFC 2577 §5: who takes data from another host than its control peer may be served by an attacker. */
function dataPeer(facts: Facts, of: TransferFacts): Examined {
  const failed = of.clientData.find(
    ({ change, error }) =>
      change === 'failed' && error?.includes('data peer is not the control peer') === true,
  );
  const turnedAway = of.events
    .filter((event) => event.kind === 'ftp-line')
    .find(
      ({ vantage, line }) => vantage === 'server' && line.startsWith('550 Remote addresses do not match'),
    );
  const refused = failed ?? turnedAway;
  if (!refused) return null;
  const end = failed ? 'client' : 'server';
  const leg = facts.legOf[end];
  const control = controlOpened(facts, end);
  const peer = control?.peer.replace(/:\d+$/, '').replace(/^::ffff:/, '');
  const syn = of.syns[leg].find(({ source }) => peer !== undefined && source !== peer);
  if (!control || !syn) {
    return incomplete({
      [`the peer of the control connection, as the ${end} sees it`]: control,
      [`the SYN of the data connection on the ${leg} leg, from another address`]: syn,
    });
  }
  // As it left the other end, before the firewall gave it another address.
  const left = of.syns[otherLeg(leg)][0];
  return proof(
    {
      text: `The ${end} refused the data connection because it came from ${syn.source}, and its control connection is with ${peer ?? ''} (RFC 2577: no data from others).`,
      remedy:
        'Have both connections come from one address: the firewall must translate the data connection like the control connection.',
    },
    [control, ...(left && left !== syn ? [left] : []), syn, refused],
  );
}
