import type { Reading } from './reading';
import { PORT_PROTOCOLS, PLACES } from './vocabulary';

/** What can only be said of a rule as a whole: whether its parts go together, and with its chain. */
export function checkPlaces(reading: Reading): void {
  checkTarget(reading);
  checkInterfaces(reading);
  checkProtocol(reading);
  const owner = reading.modules.get('owner');
  if (owner && ['PREROUTING', 'INPUT', 'FORWARD'].includes(reading.place.chain)) {
    // xt_owner: .hooks is LOCAL_OUT and POST_ROUTING.
    reading.complain(
      owner.column,
      `-m owner stands in OUTPUT and POSTROUTING; here it is ${standing(reading)}`,
    );
  }
}

function standing({ place }: Reading): string {
  return `${place.chain} of table ${place.table}`;
}

function checkTarget(reading: Reading): void {
  const { core, place, complain } = reading;
  const target = core.get('-j');
  if (!target || place.chains.includes(target.text) || !Object.hasOwn(PLACES, target.text)) return;
  const allowed = PLACES[target.text];
  if (!allowed) return;
  const inChain =
    allowed.chains === null || allowed.chains.includes(place.chain) || place.chains.includes(place.chain);
  if (allowed.tables.includes(place.table) && inChain) return;
  const chains = allowed.chains === null ? '' : `${allowed.chains.join(', ')} of `;
  const where = `${chains}table ${allowed.tables.join(', ')}`;
  complain(target.column, `${target.text} stands in ${where}; here it is ${standing(reading)}`);
}

/** iptables refuses interfaces a packet cannot have at that point: Can't use -i with OUTPUT. */
function checkInterfaces(reading: Reading): void {
  const { core, place, complain } = reading;
  const [input, output] = [core.get('-i'), core.get('-o')];
  if (input && ['OUTPUT', 'POSTROUTING'].includes(place.chain)) {
    complain(input.column, `-i has no meaning in ${place.chain}; allowed there: -o`);
  }
  if (output && ['INPUT', 'PREROUTING'].includes(place.chain)) {
    complain(output.column, `-o has no meaning in ${place.chain}; allowed there: -i`);
  }
}

/** Matches by ports and flags need their protocol stated: xt_tcpudp and xt_multiport refuse any other. */
function checkProtocol(reading: Reading): void {
  const { modules, protocol, complain, natPort, stated } = reading;
  const instead = stated === '' ? '' : `; found ${stated}`;
  for (const [name, word] of modules) {
    const needed = ['tcp', 'udp', 'icmp'].includes(name)
      ? [name]
      : name === 'multiport'
        ? PORT_PROTOCOLS
        : null;
    if (needed && !needed.includes(protocol ?? '')) {
      complain(word.column, `-m ${name} needs ${oneOf(needed)}${instead}`);
    }
  }
  if (natPort && !PORT_PROTOCOLS.includes(protocol ?? '')) {
    complain(natPort.column, `a port after NAT needs ${oneOf(PORT_PROTOCOLS)}${instead}`);
  }
}

function oneOf(protocols: readonly string[]): string {
  const usual = protocols.length > 2 ? protocols.slice(0, 2) : protocols;
  return usual.map((name) => `-p ${name}`).join(' or ');
}
