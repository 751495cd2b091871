import type { Timeouts } from '../firewall/conntrack';
import type { FirewallKind } from '../firewall/kinds';
import type { Scenario, SessionStep } from '../scenario';
import type { Position } from '../scenario/problem';

/** A time that a scenario states. */
export interface StatedTime {
  /** in words, e.g. "the established timeout" */
  readonly what: string;
  /**
   * timeout: connection tracking's; masquerade timeout: Linux 2.2's, whose clock is the lab's own; keep-alive:
   * the interval of TCP's; patience: a program's; length: of a transfer or a pause
   */
  readonly kind: 'timeout' | 'masquerade timeout' | 'keep-alive' | 'patience' | 'length';
  /** in the scenario's time */
  readonly seconds: number;
  /** a timeout that ends a connection in the midst of its life, when it is silent for longer */
  readonly ofSilence?: true;
  readonly position: Position | null;
}

/** Makes a time of one that stands at a path of the scenario; of null, nothing. */
type Maker = (
  kind: StatedTime['kind'],
  what: string,
  path: readonly (string | number)[],
  seconds: number | null,
) => StatedTime[];

/** Every time that a scenario states, in its own seconds. */
export function statedTimes(scenario: Scenario): readonly StatedTime[] {
  const { firewall, client, server, places } = scenario;
  const time: Maker = (kind, what, path, seconds) =>
    seconds === null ? [] : [{ kind, what, seconds, position: places[path.join('.')] ?? null }];
  return [
    ...timeouts(firewall.kind, firewall.timeouts, ['firewall', 'timeouts'], time),
    ...masqueradeTimeouts(scenario).map((seconds): StatedTime => ({
      kind: 'masquerade timeout',
      what: 'the masquerading timeout',
      ...{ seconds, position: null, ofSilence: true },
    })),
    ...scenario.session.flatMap((step, index) => stepTimes(firewall.kind, step, index, time)),
    ...keepAliveTimes(scenario, time),
    ...time('patience', 'the patience', ['patience'], scenario.patience),
    ...time('patience', 'the client’s patience', ['client', 'patience'], client.patience),
    ...time('patience', 'the server’s patience', ['server', 'patience'], server.patience),
  ];
}

function stepTimes(firewall: FirewallKind, step: SessionStep, index: number, time: Maker): StatedTime[] {
  const path = ['session', index, step.kind === 'transfer' ? step.direction : step.kind];
  if (step.kind === 'idle') return time('length', 'the idle time', path, step.seconds);
  if (step.kind === 'set-timeouts') return timeouts(firewall, step.timeouts, path, time);
  if (step.kind !== 'transfer') return [];
  const { name, lasting, noopEvery, change } = step;
  const changed = [...path, 'set-timeouts'];
  return [
    ...time(
      'length',
      name === step.direction ? `the ${name}` : name,
      [...path, 'lasting'],
      lasting === 0 ? null : lasting,
    ),
    ...time('length', 'the pause between NOOPs', [...path, 'noop-every'], noopEvery),
    ...time('length', 'the time until the timeouts change', [...changed, 'at'], change?.at ?? null),
    ...(change ? timeouts(firewall, change.timeouts, changed, time) : []),
  ];
}

function timeouts(
  firewall: FirewallKind,
  stated: Timeouts,
  path: readonly (string | number)[],
  time: Maker,
): StatedTime[] {
  const kind = firewall === 'ipchains' ? 'masquerade timeout' : 'timeout';
  return Object.entries(stated).flatMap(([name, seconds]) =>
    time(kind, `the ${name} timeout`, [...path, name], seconds).map((stated) =>
      OF_SILENCE.includes(name) ? { ...stated, ofSilence: true as const } : stated,
    ),
  );
}

/** Those of states that a connection is in while it is used; the others follow its opening and its end at once. */
const OF_SILENCE: readonly string[] = ['established', 'unacknowledged', 'max-retrans'];

function keepAliveTimes({ client, server, session }: Scenario, time: Maker): StatedTime[] {
  const stated = (['client', 'server'] as const).flatMap((end) => {
    const { keepAlive } = { client, server }[end];
    const seconds = typeof keepAlive === 'number' ? keepAlive : null;
    return time('keep-alive', `the ${end}’s TCP keep-alive`, [end, 'keep-alive'], seconds);
  });
  // basic-ftp's own begins after two hours, which few sessions last.
  const quiet = session.map((step) =>
    step.kind === 'idle' ? step.seconds : 'lasting' in step ? step.lasting : 0,
  );
  const bySystem = client.keepAlive === null && Math.max(...quiet) >= SYSTEM_KEEP_ALIVE;
  return bySystem
    ? [...stated, ...time('keep-alive', 'the system’s TCP keep-alive', [], SYSTEM_KEEP_ALIVE)]
    : stated;
}

/** tcp(7), tcp_keepalive_time: seconds. */
export const SYSTEM_KEEP_ALIVE = 7200;

/** Linux 2.2's timeouts of established TCP connections that a scenario has: the built-in one, or what it sets last. */
function masqueradeTimeouts({ firewall }: Scenario): number[] {
  if (firewall.kind !== 'ipchains' || firewall.nat === 'none') return [];
  // Of a start script its text has to do: what it really sets is known when it has run.
  const texts = firewall.script === null ? firewall.commands.map(({ text }) => text) : [firewall.script];
  const set = texts.flatMap((text) =>
    [...text.matchAll(/-M\s+-S\s+(\d+)\s+\d+\s+\d+/g)].flatMap(([, seconds]) => Number(seconds) || []),
  );
  return [set.at(-1) ?? BUILT_IN];
}

/** ip_masq.c, masq_timeout_table: IP_MASQ_S_ESTABLISHED. */
const BUILT_IN = 15 * 60;
