import { Resolver } from 'node:dns/promises';
import { now } from '../agent/clock';
import { report } from '../agent/messages';

/** What a resolver's refusal means (c-ares' ares_query(3)); any other code is told as it is. */
const MEANINGS: Readonly<Record<string, (resolver: string, patience: number) => string>> = {
  ETIMEOUT: (resolver, patience) => `no answer from ${resolver} within ${patience} s`,
  ECONNREFUSED: (resolver) => `nothing answers DNS at ${resolver}`,
  ENOTFOUND: (resolver) => `${resolver} knows no such name`,
  ENODATA: (resolver) => `${resolver} has no A record for it`,
};

/**
 * Resolves a name to its first A record (RFC 1035), asking one resolver only, once, and reports what came.
 * Neither /etc/hosts nor the system's own resolvers are asked.
 *
 * @param resolver `address` or `address:port` of a DNS server
 * @param patience seconds it waits for the answer
 * @throws Error "can't resolve <name>: …"
 */
export async function resolveName(name: string, resolver: string | null, patience: number): Promise<string> {
  try {
    const address = await ask(name, resolver, patience);
    report({ type: 'resolved', at: now(), name, address, error: null });
    return address;
  } catch (cause) {
    const error = `can't resolve ${name}: ${meaning(cause, resolver, patience)}`;
    report({ type: 'resolved', at: now(), name, address: null, error });
    throw new Error(error, { cause });
  }
}

async function ask(name: string, resolver: string | null, patience: number): Promise<string> {
  if (resolver === null) throw new Error('no resolver is given to ask');
  const asked = new Resolver({ timeout: patience * 1000, tries: 1 });
  asked.setServers([resolver]);
  const [address] = await asked.resolve4(name);
  if (address === undefined) throw new Error(`${resolver} answered without an address`);
  return address;
}

function meaning(cause: unknown, resolver: string | null, patience: number): string {
  if (!(cause instanceof Error)) return String(cause);
  const { code } = cause as NodeJS.ErrnoException;
  const explained = code === undefined ? undefined : MEANINGS[code];
  return explained && resolver !== null ? explained(resolver, patience) : cause.message;
}
