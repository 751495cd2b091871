import { announcedBy, isInside, type Facts, type TransferFacts } from '../facts';
import { controlEntry, helperIsLoaded } from './attachment';
import { incomplete, proof, type Cause, type Examined } from './cause';
import { passiveRemedy, rewritingRemedy } from './remedies';
import { isUnhelped, unrewrittenPort } from './unhelped';

export const INSIDE_ADDRESS_IN_PORT: Cause = {
  code: 'inside-address-in-port',
  needs:
    'PORT with an inside address as the client sent it, and as it arrived outside; what the server did about it',
  scenario: 'active-nat',
  examine: insideAddressInPort,
};

export const INSIDE_ADDRESS_IN_227: Cause = {
  code: 'inside-address-in-227',
  needs: '227 with an inside address as it arrived outside; that the client would not or could not dial it',
  scenario: 'server-nat-shared-space',
  examine: insideAddressIn227,
};

/** RFC 1918 §3 */
const PRIVATE = /^(?:10|192\.168|172\.(?:1[6-9]|2\d|3[01]))\./;
/** As measured of curl 7.88, lftp 4.9, ncftp 3.2, Python 3.11, wget 1.21, tnftp, inetutils-ftp and basic-ftp 6.2. */
const DIAL_CONTROL =
  '; or use a client that dials the control connection’s address when 227 names a private one, as 4 of 8 measured do: curl, lftp, ncftp and Python’s ftplib (wget dials what is named; tnftp, inetutils-ftp and basic-ftp by itself refuse)';

function insideAddressInPort(facts: Facts, of: TransferFacts): Examined {
  const found = unrewrittenPort(facts, of);
  if (!isUnhelped(found)) return found;
  const { helped } = controlEntry(facts, of);
  const why = helped
    ? 'The helper is attached, and did not rewrite it'
    : helperIsLoaded(facts)
      ? 'Nothing rewrote it'
      : 'No FTP helper is loaded that rewrites it';
  return proof(
    {
      text: `${found.text}. ${why}.`,
      remedy: helped
        ? 'Use passive mode; or have the client send PORT in a packet of its own, whole and by itself, which is all that the helper reads.'
        : `${rewritingRemedy(facts.plan)}, or use passive mode.`,
    },
    helped ? [...found.events, helped] : found.events,
  );
}

/** 227 with an inside address reached the client as it was, and the client took it at its word. */
function insideAddressIn227(facts: Facts, of: TransferFacts): Examined {
  const { nat } = facts.plan.firewall;
  if (nat === 'none' || facts.legOf.server !== 'inside' || of.transfer.mode !== 'passive') return null;
  const read = of.arrangement;
  const address = announcedBy(read?.line ?? '')?.address ?? null;
  const refusal = `PASV returned another host (${address ?? ''})`;
  const failed = of.clientData.find(
    ({ change, error }) =>
      change === 'failed' &&
      (error?.includes(`${address ?? ''}:`) === true || error?.includes(refusal) === true),
  );
  const refused = failed?.error?.includes(refusal) === true;
  if (!read || !isInside(facts.plan, address) || !failed) return null;
  const mine = new Set<unknown>(of.events);
  const [left, arrived] = [facts.legOf.server, facts.legOf.client].map((leg) =>
    facts.controlPackets[leg].find((packet) => mine.has(packet) && packet.payload.trimEnd() === read.line),
  );
  if (!left || !arrived) {
    return incomplete({
      'the 227 as it left the server': left,
      'the 227 as it arrived outside': arrived,
    });
  }
  return proof(
    {
      text: `The server's 227 named its inside address ${address ?? ''} and crossed the NAT unchanged; ${refused ? 'the client takes no address but its control connection’s and refused it' : 'the client dialled that address and could not reach it'}: “${firstSentence(failed.error ?? '')}”.`,
      remedy: `Have the server name the firewall’s outside address and forward its passive ports to it, or ${passiveRemedy(facts.plan)}${PRIVATE.test(address ?? '') ? DIAL_CONTROL : ''}.`,
    },
    [left, arrived, read, failed],
  );
}

/** basic-ftp says at length what to do about it; the first sentence is what happened. */
function firstSentence(text: string): string {
  return text.replace(/\. [A-Z].*$/s, '');
}
