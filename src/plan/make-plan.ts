import { countPackets } from '../agent/port-ranges';
import type { ClientConfig, FileSpec, ResolverConfig, ServerConfig } from '../agent/messages';
import type { Ruleset } from '../firewall/kinds';
import { timeoutSysctls, type Timeouts } from '../firewall/conntrack';
import { makeRuleset } from '../firewall/rulesets';
import type { KeepAlive, ProbeStep, Scenario, TransferStep } from '../scenario';
import { ALL_PORTS } from '../scenario';
import {
  isLinux22,
  type EngineName,
  type FirewallChange,
  type Plan,
  type PlannedProbe,
  type PlannedStep,
  type PlannedTransfer,
} from './plan';
import { scaledTimes, scaleScenario, timeScale, type TimeScaleChoice } from './scale-time';
import { addedAddress, topology } from './topology';

/** Above this many bytes a session's captures keep packet heads only, or they would outgrow memory. */
const FULL_CAPTURE_BYTES = 16 * 2 ** 20;
/** Above this many probes too. */
const FULL_CAPTURE_PROBES = 1000;
const WHOLE_PACKET = 65_535;
/** Ethernet, IP and TCP headers with options, and the longest PORT or 227 line. */
const PACKET_HEAD = 192;
/** What a frame takes of a capture's buffer when only its head is kept. */
const HEAD_SLOT = 512;

/** What the command line may change about a plan. */
export interface PlanOptions {
  /** probe every port where the scenario probes a sample */
  readonly allPorts?: boolean;
  readonly capture: boolean;
  readonly engine: EngineName;
  readonly engineWhy?: string | null;
  /** scenario seconds per second of the run; left out: the plan chooses */
  readonly timeScale?: TimeScaleChoice;
}

/** Seconds that programs wait without progress where the scenario does not say. Of the run: no scale shortens it. */
const PATIENCE_SECONDS = 3;
/** Parts of that time which a sender of a paced file is silent for. */
const SILENCES = 3;

/**
 * Makes a scenario concrete: addresses, routes, ruleset text, programs, files, and every time in seconds of
 * the run.
 *
 * @throws InputError when the time scale asked for is too high for it
 */
export function makePlan(original: Scenario, options: PlanOptions): Plan {
  const scale = timeScale(original, options.timeScale ?? 'auto');
  const scenario = withPatience(scaleScenario(original, scale));
  const { networks, firewall } = scenario;
  const steps = planSteps(scenario, options.allPorts ?? false);
  const transfers = steps.filter((step) => step.kind === 'transfer');
  const probes = steps.filter((step) => step.kind === 'probe');
  return deepFreeze({
    scenario: {
      name: scenario.name,
      file: scenario.file,
      title: scenario.title,
      claim: scenario.claim,
      behind: scenario.behind,
      twin: scenario.twin,
    },
    engine: options.engine,
    engineWhy: options.engineWhy ?? null,
    timeScale: scale,
    times: scaledTimes(original, scale),
    ...topology(scenario, scale),
    firewall: {
      kind: firewall.kind,
      product: firewall.product,
      kernel: firewall.kernel,
      nat: firewall.nat,
      policy: firewall.policy,
      input: firewall.input,
      helper: firewall.helper,
      rows: firewall.rows,
      rulesAt: firewall.rulesAt,
      forward: firewall.forward,
      timeouts: firewall.timeouts,
      ruleset: planRuleset(scenario),
      addresses: { inside: `${networks.inside}.1`, outside: `${networks.outside}.1` },
    },
    server: serverConfig(scenario, transfers),
    client: clientConfig(scenario, transfers),
    resolver: resolverConfig(scenario),
    steps,
    transfers,
    probes,
    capture: { enabled: options.capture, ...captureSize(transfers, probes) },
    expect: scenario.expect,
    claims: scenario.claims,
  });
}

function planRuleset({ firewall, behind, client, server, names }: Scenario): Ruleset {
  if (firewall.script !== null)
    return { loader: 'sh', text: firewall.script, rowLines: [], environment: names };
  const insideHost = behind === 'client' ? client.address : server.address;
  return makeRuleset(firewall.kind, { ...firewall, insideHost, names });
}

/** A scenario that says how long both programs wait. */
type PatientScenario = Scenario & {
  readonly client: { readonly patience: number };
  readonly server: { readonly patience: number };
};

function withPatience(scenario: Scenario): PatientScenario {
  const { client, server } = scenario;
  const patience = scenario.patience ?? PATIENCE_SECONDS;
  return {
    ...scenario,
    client: { ...client, patience: client.patience ?? patience },
    server: { ...server, patience: server.patience ?? patience },
  };
}

function planSteps(scenario: PatientScenario, allPorts: boolean): PlannedStep[] {
  let mark = 0;
  return scenario.session.map((step, index) => {
    if (step.kind === 'transfer') return planTransfer(scenario, step, index);
    if (step.kind === 'set-timeouts') return { ...step, ...planChange(scenario, step) };
    if (step.kind !== 'probe') return step;
    mark += 1;
    const ports = allPorts && step.sampled ? ALL_PORTS : step.ports;
    return { ...step, ports, mark, destination: probedAddress(scenario, step) };
  });
}

function planTransfer(scenario: PatientScenario, step: TransferStep, index: number): PlannedTransfer {
  const { kind, name, mode, direction, command, size, lasting, noopEvery, change } = step;
  const seed = `${scenario.name}/${index + 1}`;
  const silence = Math.min(scenario.client.patience, scenario.server.patience) / SILENCES;
  const file: FileSpec | null =
    direction === 'list' ? null : { name: `file-${index + 1}.bin`, seed, size, lasting, silence };
  return {
    ...{ kind, name, mode, direction, command, file },
    ...(noopEvery === null ? {} : { noopEvery }),
    change: change && { at: change.at, ...planChange(scenario, change) },
  };
}

/** How the firewall is told new timeouts while it runs. */
function planChange(
  { firewall }: Scenario,
  { timeouts, words }: { timeouts: Timeouts; words: string },
): FirewallChange {
  if (!isLinux22({ firewall })) return { timeouts, words, sysctls: timeoutSysctls(timeouts), argv: null };
  // Zero keeps what is (ip_masq.c, ip_fw_masq_timeouts).
  const seconds = [timeouts.established, timeouts['fin-wait'], timeouts.udp].map((value) =>
    String(value ?? 0),
  );
  return { timeouts, words, sysctls: {}, argv: ['ipchains', '-M', '-S', ...seconds] };
}

function probedAddress({ networks, client, server }: Scenario, { from, to }: ProbeStep): string {
  if (to === 'client') return client.address;
  if (to === 'server') return server.address;
  if (to === 'firewall') return `${from === 'neighbour' ? networks.inside : networks.outside}.1`;
  return addedAddress(networks, to);
}

function serverConfig(scenario: PatientScenario, transfers: readonly PlannedTransfer[]): ServerConfig {
  const { server, names } = scenario;
  return {
    program: server.program,
    address: server.address,
    port: server.port,
    passivePorts: server.passivePorts,
    advertised: server.advertisesFirewall ? (names['firewall_outside'] ?? null) : null,
    anyDataPort: server.anyDataPort,
    standardReply: server.standardReply,
    busyPorts: server.busyPorts,
    keepAlive: keepAlive(server.keepAlive),
    patience: server.patience,
    files: transfers.flatMap((transfer) => (transfer.file ? [transfer.file] : [])),
  };
}

function clientConfig(scenario: PatientScenario, transfers: readonly PlannedTransfer[]): ClientConfig {
  const { client, names, networks } = scenario;
  const onDefaultPort = transfers.some(({ command }) => command === 'none');
  return {
    program: client.program,
    address: client.address,
    listenPorts: client.listenPorts,
    advertised: client.advertisesFirewall ? (names['firewall_outside'] ?? null) : null,
    separateTransferHost: client.separateTransferHost,
    hashMarks: client.hashMarks,
    tls: client.tls,
    controlPort: onDefaultPort ? DEFAULT_CONTROL_PORT : null,
    server: {
      address: dialledAddress(scenario),
      port: scenario.server.port,
      name: scenario.server.name,
    },
    resolver: scenario.server.name === null ? null : addedAddress(networks, 'resolver'),
    keepAlive: keepAlive(client.keepAlive),
    patience: client.patience,
  };
}

function keepAlive(asked: KeepAlive): number | null {
  return asked === 'off' ? 0 : asked;
}

/** A high port like those the system gives, for a client that listens where its control connection is from. */
const DEFAULT_CONTROL_PORT = 40_021;

/** With the server behind NAT a client can only dial the firewall's outside address. */
function dialledAddress({ firewall, behind, networks, server }: Scenario): string {
  return firewall.nat !== 'none' && behind === 'server' ? `${networks.outside}.1` : server.address;
}

function resolverConfig(scenario: Scenario): ResolverConfig | null {
  const { name, dns } = scenario.server;
  if (name === null) return null;
  return {
    program: 'resolver',
    address: addedAddress(scenario.networks, 'resolver'),
    names: { [name]: dialledAddress(scenario) },
    truncate: dns === 'tcp',
  };
}

/**
 * How much of each packet a capture keeps, and the KiB of kernel buffer it needs to lose none however
 * long tcpdump is kept waiting. A frame of 1,448 bytes takes 2 KiB there, and acknowledgements take as
 * much, so four times the volume holds a whole small session. Of a large one only packet heads are
 * kept, which take an eighth.
 */
function captureSize(
  transfers: readonly PlannedTransfer[],
  probes: readonly PlannedProbe[],
): Omit<Plan['capture'], 'enabled'> {
  const volume = transfers.reduce((sum, { file }) => sum + (file?.size ?? 0), 0);
  const packets = countPackets(probes);
  const heads = volume > FULL_CAPTURE_BYTES || packets > FULL_CAPTURE_PROBES;
  // Each probe may be answered.
  const needed = Math.ceil((volume * 4 + packets * 2 * HEAD_SLOT) / 1024);
  return {
    bufferKib: Math.min(16_384, Math.max(2048, needed)),
    snapLength: heads ? PACKET_HEAD : WHOLE_PACKET,
  };
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    Object.values(value).forEach(deepFreeze);
  }
  return value;
}
