import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { PortRange } from '../firewall/kinds';
import { parsePorts } from '../firewall/quantities';
import { CLAIMS } from './claims';
import { Complaints } from './complaints';
import { readDocument, type Path } from './document';
import { parseExpectation, type Expectation, type Subjects } from './expectations';
import { InputError } from './problem';
import { readFirewall } from './read-firewall';
import { readSession } from './read-session';
import {
  ADDED_HOSTS,
  SECOND_ADDRESS,
  type ClaimChecks,
  type KeepAlive,
  type Scenario,
  type SessionStep,
} from './scenario';
import { scenarioSchema, type ScenarioFile } from './schema';
import { shapeProblems } from './shape-problems';

/**
 * Reads a scenario file and checks everything that can be checked without running it.
 *
 * @throws InputError naming every problem with its line and column
 */
export function loadScenario(file: string): Scenario {
  const document = readDocument(file);
  const parsed = scenarioSchema.safeParse(document.data, { reportInput: true });
  if (!parsed.success) {
    throw new InputError(file, shapeProblems(document, parsed.error.issues), document.source);
  }
  const complaints = new Complaints(document);
  const scenario = readScenario(parsed.data, file, complaints);
  complaints.throwIfAny();
  return scenario;
}

function readScenario(data: ScenarioFile, file: string, complaints: Complaints): Scenario {
  const networks = readNetworks(data, complaints);
  const client = readClient(data, networks, complaints);
  const server = readServer(data, networks, complaints);
  const names = {
    inside_net: `${networks.inside}.0/24`,
    outside_net: `${networks.outside}.0/24`,
    client: client.address,
    server: server.address,
    firewall_inside: `${networks.inside}.1`,
    firewall_outside: `${networks.outside}.1`,
    ...(data.firewall['second-address']
      ? { firewall_outside2: `${networks.outside}.${SECOND_ADDRESS}` }
      : {}),
  };
  const firewall = readFirewall(data, names, complaints);
  const session = readSession(data.session, firewall.kind, complaints);
  // What rows a start script makes is known when it has run.
  const subjects = subjectsOf(session, firewall.script === null ? firewall.rows.length : null);
  return {
    name: basename(file).replace(/\.ya?ml$/, ''),
    file,
    title: data.title,
    claim: data.claim,
    behind: data.behind,
    tags: data.tags ?? [],
    twin: readTwin(data, file, complaints),
    networks,
    names,
    firewall,
    server,
    client,
    patience: readPatience(['patience'], data.patience, complaints),
    places: complaints.places,
    session,
    expect: readExpectations(['expect'], data.expect, subjects, complaints),
    claims: readClaims(data, subjects, complaints),
  };
}

function readNetworks(data: ScenarioFile, complaints: Complaints): Scenario['networks'] {
  const byItself = data.firewall.nat === 'none' ? '198.51.100.0/24' : '10.0.0.0/24';
  const networks = { inside: (data.inside ?? byItself).replace('.0/24', ''), outside: '203.0.113' };
  if (networks.inside === networks.outside) complaints.add(['inside'], 'is the outside network');
  return networks;
}

/** Seconds that are waited without progress; null where nothing is said. */
function readPatience(path: Path, text: string | undefined, complaints: Complaints): number | null {
  if (text === undefined) return null;
  const seconds = complaints.duration(path, text);
  if (seconds < 0.1) complaints.add(path, `is ${text}; allowed: 100 ms or more`);
  return seconds;
}

function readKeepAlive(path: Path, text: string | undefined, complaints: Complaints): KeepAlive {
  if (text === undefined) return null;
  if (text === 'off') return text;
  // TCP_KEEPIDLE, tcp(7): seconds, from 1 to 32767.
  const seconds = complaints.duration(path, text, 32_767);
  if (!Number.isInteger(seconds) || seconds < 1) {
    complaints.add(path, `is ${text}; allowed: whole seconds, 1 s or more, or off`);
  }
  return seconds;
}

function readTwin({ twin }: ScenarioFile, file: string, complaints: Complaints): string | null {
  if (twin === undefined) return null;
  if (!/^[a-z0-9.-]+$/.test(twin) || !existsSync(join(dirname(file), `${twin}.yaml`))) {
    complaints.add(['twin'], `is "${twin}", but there is no ${twin}.yaml beside this file`);
  }
  return twin;
}

function readServer(
  data: ScenarioFile,
  networks: Scenario['networks'],
  complaints: Complaints,
): Scenario['server'] {
  const server = typeof data.server === 'string' ? { program: data.server } : data.server;
  const network = data.behind === 'server' ? networks.inside : networks.outside;
  return {
    program: server.program,
    port: server.port ?? 21,
    passivePorts: readRange(
      ['server', 'passive-ports'],
      server['passive-ports'] ?? '50000-50099',
      complaints,
    ),
    address: hostAddress(['server', 'address'], server.address ?? `${network}.20`, network, complaints),
    advertisesFirewall: server.advertise === 'firewall',
    anyDataPort: server['data-port'] === 'any',
    standardReply: server['pasv-reply'] === 'standard',
    busyPorts:
      server['busy-ports'] === undefined
        ? null
        : readRange(['server', 'busy-ports'], server['busy-ports'], complaints),
    patience: readPatience(['server', 'patience'], server.patience, complaints),
    keepAlive: readKeepAlive(['server', 'keep-alive'], server['keep-alive'], complaints),
    name: server.name ?? null,
    dns: server.dns ?? 'udp',
  };
}

function readClient(
  data: ScenarioFile,
  networks: Scenario['networks'],
  complaints: Complaints,
): Scenario['client'] {
  const client = typeof data.client === 'string' ? { program: data.client } : data.client;
  const network = data.behind === 'client' ? networks.inside : networks.outside;
  return {
    program: client.program,
    address: hostAddress(['client', 'address'], client.address ?? `${network}.10`, network, complaints),
    listenPorts: client.ports === undefined ? null : readRange(['client', 'ports'], client.ports, complaints),
    advertisesFirewall: client.advertise === 'firewall',
    separateTransferHost: client['allow-separate-transfer-host'] ?? false,
    hashMarks: client['hash-marks'] ?? false,
    timestamps: client['tcp-timestamps'] ?? true,
    tls: client.tls ?? false,
    patience: readPatience(['client', 'patience'], client.patience, complaints),
    keepAlive: readKeepAlive(['client', 'keep-alive'], client['keep-alive'], complaints),
  };
}

function readRange(path: Path, text: string, complaints: Complaints): PortRange {
  return complaints.attempt(path, () => parsePorts(text.replaceAll(' ', ''), '-')) ?? [1, 1];
}

function hostAddress(path: Path, address: string, network: string, complaints: Complaints): string {
  const host = Number(address.split('.').at(-1));
  if (!address.startsWith(`${network}.`) || host > 254 || host < 2) {
    complaints.add(path, `is ${address}, outside the topology; allowed: ${network}.2 to ${network}.254`);
  }
  const [owner] =
    Object.entries({ ...ADDED_HOSTS, 'firewall’s second address': SECOND_ADDRESS }).find(
      ([, octet]) => octet === host,
    ) ?? [];
  if (owner !== undefined) complaints.add(path, `is ${address}, which the lab keeps for its ${owner}`);
  return address;
}

function subjectsOf(session: readonly SessionStep[], rows: Subjects['rows']): Subjects {
  return {
    transfers: session.filter((step) => step.kind === 'transfer'),
    probes: session.filter((step) => step.kind === 'probe'),
    rows,
  };
}

function readExpectations(
  path: Path,
  sentences: readonly string[],
  subjects: Subjects,
  complaints: Complaints,
): Expectation[] {
  return sentences.flatMap((text, index) => {
    const found = complaints.attempt([...path, index], () => parseExpectation(text, subjects));
    return found ? [found] : [];
  });
}

function readClaims(
  data: ScenarioFile,
  subjects: Subjects,
  complaints: Complaints,
): Record<string, ClaimChecks> {
  const claims: Record<string, ClaimChecks> = {};
  for (const [id, claim] of Object.entries(data.claims ?? {})) {
    if (!Object.hasOwn(CLAIMS, id)) {
      const position = complaints.document.locate(['claims'], id);
      complaints.addAt(position, `unknown claim "${id}"; known: C01 to C55`);
    }
    const plain = Array.isArray(claim);
    const path = plain ? ['claims', id] : ['claims', id, 'checks'];
    const sentences = plain ? claim : claim.checks;
    claims[id] = {
      when: plain ? null : claim.when,
      checks: readExpectations(path, sentences, subjects, complaints),
    };
  }
  return claims;
}
