import { now as epoch } from '../agent/clock';
import { RawSocket } from '../agent/raw-socket';
import type { SystemCalls } from '../agent/system-calls';
import { policyOf } from '../firewall/ipchains/dialect';
import { BUILT_IN_CHAINS } from '../firewall/ipchains/rule';
import { Firewall22, type Sent, type Side, type ToolResult } from '../linux22';
import { ifconfig } from './ifconfig';
import type { RouterConfig, RouterEvent, RouterSide, RowCounter, Started } from './messages';
import { OldFiles, type WrongSwitch } from './old-files';
import { PacketSocket } from './packet-socket';
import { Pump } from './pump';
import { StartScript, type RowOf } from './start-script';

/** A port scan makes a great many entries; the record stops here, and what is missing is counted. */
const MOST_EVENTS = 50_000;
/**
 * Bytes that may wait to be sent. Whoever scans addresses where nobody is has packets wait for ARP, three seconds each,
 * and they must not take the room of others: one socket sends them all.
 */
const SEND_BUFFER = 32 * 2 ** 20;
/** Of packets dropped for one reason, the first so many are told one by one; then each time their number doubles, and the last. */
const TOLD_ONE_BY_ONE = 4;

/**
 * The Linux 2.2 firewall on a host's interfaces: it gives it packets, clock and voice.
 *
 * Its clock is the machine's monotonic one times the scale, so that a quarter of an hour can pass in seconds;
 * what it tells has real times.
 */
export class Router {
  readonly #firewall: Firewall22;
  readonly #pump: Pump;
  readonly #sides: readonly RouterSide[];
  readonly #scale: number;
  readonly #report: (report: RouterEvent) => void;
  readonly #unsent = new Map<string, number>();
  /** the latest of the counts that were not told, by what they count */
  readonly #untoldCounts = new Map<string, RouterEvent['event']>();
  #events = 0;
  /** while a start script is run */
  #starting: {
    readonly script: StartScript;
    readonly files: OldFiles;
    readonly wrongSwitches: WrongSwitch[];
    readonly log: string[];
  } | null = null;

  /**
   * Opens the sockets and loads the ruleset.
   *
   * @throws RefusedCommand for a command that its tool refuses, an Error when sockets cannot be had
   */
  constructor(config: RouterConfig, calls: SystemCalls, report: (report: RouterEvent) => void) {
    const { sides, kernel, ruleset, timeScale, shortestTimeout, directory } = config;
    this.#sides = [sides.inside, sides.outside];
    this.#scale = timeScale;
    this.#report = report;
    this.#firewall = new Firewall22({
      ...{ kernel, shortestTimeout, interfaces: sides },
      now: this.#now(),
    });
    this.#firewall.onEvent((event) => {
      if (event.kind === 'rule-hit') return;
      // What happens while a start script runs is before the run.
      if (this.#starting) {
        if (event.kind === 'log') this.#starting.log.push(event.line);
        return;
      }
      if (event.kind === 'refused') this.#tellCount(event);
      else this.#tell(event);
    });
    this.#firewall.loadRuleset(ruleset);
    if (config.starts) {
      const files = new OldFiles(directory, {
        switches: () => this.#firewall.switches(),
        setSwitch: (path, value) => this.#firewall.setSwitch(path, value, this.#now()),
        listings: () => this.#firewall.procNet(this.#now()),
      });
      this.#starting = { script: new StartScript(directory), files, wrongSwitches: [], log: [] };
    }
    const sockets = {
      inside: new PacketSocket(calls, sides.inside.interface),
      outside: new PacketSocket(calls, sides.outside.interface),
    };
    this.#pump = new Pump(calls, sockets, new RawSocket(calls, SEND_BUFFER), {
      receive: (from, packet) => this.#receive(from, packet),
      tick: () => this.#tick(),
      unsent: (reason) => {
        this.#countUnsent(reason);
      },
    });
  }

  start(): void {
    this.#pump.run();
  }

  /** Types a command on the firewall. @param input what stands on its standard input */
  run(line: string, input: string): ToolResult {
    const starting = this.#starting;
    starting?.wrongSwitches.push(...starting.files.takeOver());
    const type = (rowOf?: RowOf): ToolResult => this.#type(line, input, rowOf);
    const result = starting ? starting.script.type(line, type) : type();
    starting?.files.refresh();
    if (!starting) this.#tell({ kind: 'typed', at: this.#now(), line, code: result.code });
    return result;
  }

  #type(line: string, input: string, rowOf?: RowOf): ToolResult {
    const [tool, ...args] = line.split(' ');
    if (tool === 'ifconfig') return ifconfig(this.#sides, args);
    return this.#firewall.run(line, this.#now(), { input, ...(rowOf && { rowOf }) });
  }

  /** Takes the firewall for started. @returns what its script has made of it */
  started(): Omit<Started, 'type' | 'id'> {
    const { script, files, wrongSwitches, log } = this.#starting ?? fail('it runs no start script');
    wrongSwitches.push(...files.takeOver());
    this.#starting = null;
    const policies = this.#firewall.policies();
    const dropping = BUILT_IN_CHAINS.filter((chain) => policyOf(policies[chain]) === 'drop');
    // Where none drops, what falls to the policy is what the chain forward has let through.
    this.#firewall.countPolicies(dropping.length > 0 ? dropping : ['forward']);
    const forwarded = this.#firewall.forwards().filter(({ protocol }) => protocol === 'tcp');
    return {
      rows: script.rows,
      failures: script.failures,
      ...{ wrongSwitches, policies, log },
      policy: dropping.length > 0 ? 'drop' : 'accept',
      ftp: this.#firewall.ftpPorts(),
      forwarded: forwarded.map(({ local }) => local.port),
    };
  }

  /** What each row and the policy have counted; with `-b` a row is two rules of the kernel. */
  counters(): RowCounter[] {
    const sums = new Map<RowCounter['row'], RowCounter>();
    const counters = [...this.#firewall.ruleCounters(), ...this.#firewall.policyCounters()];
    for (const { row, packets, bytes } of counters) {
      if (row === null) continue;
      const sum = sums.get(row) ?? { row, packets: 0, bytes: 0 };
      sums.set(row, { row, packets: sum.packets + packets, bytes: sum.bytes + bytes });
    }
    return [...sums.values()];
  }

  /** Deals with every packet that has come. */
  settle(): void {
    this.#pump.settle();
  }

  /** How complete its record is: packets it could not read in time, and events it did not tell. */
  record(): { lost: number; untold: number } {
    for (const event of this.#untoldCounts.values()) this.#tell(event);
    this.#untoldCounts.clear();
    return { lost: this.#pump.lost(), untold: Math.max(0, this.#events - MOST_EVENTS) };
  }

  /** Seconds on the firewall's clock. */
  #now(): number {
    return (Number(process.hrtime.bigint() / 1000n) / 1e6) * this.#scale;
  }

  #receive(from: Side, packet: Buffer): readonly Sent[] {
    return this.#firewall.receive(from, packet, this.#now());
  }

  #tick(): number | null {
    this.#firewall.tick(this.#now());
    const deadline = this.#firewall.deadline();
    return deadline === null ? null : ((deadline - this.#now()) / this.#scale) * 1000;
  }

  #countUnsent(reason: string): void {
    const count = (this.#unsent.get(reason) ?? 0) + 1;
    this.#unsent.set(reason, count);
    this.#tellCount({ kind: 'unsent', at: this.#now(), reason, count });
  }

  #tellCount(event: Extract<RouterEvent['event'], { kind: 'refused' | 'unsent' }>): void {
    const what = `${event.kind} ${event.reason}`;
    if (isTold(event.count)) {
      this.#untoldCounts.delete(what);
      this.#tell(event);
    } else this.#untoldCounts.set(what, event);
  }

  #tell(event: RouterEvent['event']): void {
    this.#events += 1;
    if (this.#events > MOST_EVENTS) return;
    this.#report({ type: 'event', at: epoch() - (this.#now() - event.at) / this.#scale, event });
  }
}

function fail(what: string): never {
  throw new Error(what);
}

function isTold(count: number): boolean {
  return count <= TOLD_ONE_BY_ONE || (count & (count - 1)) === 0;
}
