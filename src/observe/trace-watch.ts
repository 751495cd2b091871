import { LineSplitter } from '../agent/lines';
import { howEnded, type Host, type HostProcess, type Lab } from '../engine/host';
import { until } from '../engine/until';
import type { RawEvent, TraceRecord } from './event';
import { TraceLines } from './trace-lines';
import { TracePackets, type RowOf } from './trace-packets';
import { markAddress, MARKS, TRACE_TABLE, traceTable } from './trace-table';

/** Not how long it takes, but how long a machine may stand still: a trace that is not there costs no verdict. */
const READY_SECONDS = 30;
const DRAIN_SECONDS = 30;
/** After so long without a sign another mark is sent: the first may have come before nft listened. */
const MARK_AGAIN_MS = 20;
/** How often it is looked what there is: as much later than the packets are the times they are told with. */
const LOOK_MS = 100;
/** A rule's whole text is in its line, with all its sets. */
const MAX_LINE = 65_536;
/** KiB of text that is kept: more than the packets that are told of make. */
const MAX_FILE_KIB = 256 * 1024;

/**
 * Loads the table, has nft write what is traced into a file, and sends a mark to each address it reads, after it has
 * told the time at which it does. It ends when the monitor does, or its input.
 *
 * nft prints each word of a line by a write of its own. Read from a pipe, each would wake this program; into a file
 * they cost little. That file has a limit, for a ruleset of the author's may have bulk traced too. Numbers need no
 * look-up of names. iptables' legacy variant has rules that the kernel does not trace.
 */
const TRACE = `
file=$1
if [[ $2 == iptables-restore && $(iptables-restore --version) == *legacy* ]]; then
  echo "the kernel does not trace the rules of iptables' legacy variant" >&2
  exit 1
fi
nft -f - <<< "$3" || exit
( ulimit -f ${MAX_FILE_KIB} && exec nft -an monitor trace > "$file" ) &
monitor=$!
trap 'wait "$monitor"; echo "nft monitor trace ended ($?)" >&2; exit 1' CHLD
while read -r address; do
  echo "$EPOCHREALTIME"
  { echo > "/dev/udp/$address/9"; } 2> /dev/null
done
trap - CHLD
kill -KILL "$monitor"
`;

/**
 * The kernel's own trace of the packets that pass the firewall: which rules each one met. It begins and ends with
 * marks, packets of the lab's own that come through the same socket: between two that were seen nothing is missing
 * but what nft says was lost. That there is no trace is no failure; the record says why.
 */
export class TraceWatch {
  private readonly lines = new TraceLines();
  private readonly packets = new TracePackets();
  private readonly splitter = new LineSplitter(MAX_LINE);
  private offset = 0;
  private looking: Promise<void> | null = null;
  private readonly timer: NodeJS.Timeout;
  private overflows = 0;
  private why: string | null = null;
  private marksSent = 0;
  private markSeen = -1;
  /** epoch seconds by the hosts' clock less seconds of this program's own */
  private clock = Date.now() / 1000 - performance.now() / 1000;
  private leaving = false;

  private constructor(
    private readonly host: Host,
    private readonly file: string,
    readonly process: HostProcess,
  ) {
    const times = new LineSplitter();
    process.stdout.on('data', (chunk: Buffer) => {
      for (const time of times.push(chunk.toString('latin1'))) this.setClock(Number(time.replace(',', '.')));
    });
    this.listen(process);
    this.timer = setInterval(() => void this.look(), LOOK_MS);
    this.timer.unref();
  }

  /** Starts the trace, and resolves once it reaches us, or cannot. */
  static async start({ hosts: { firewall }, plan, workDirectory }: Lab): Promise<TraceWatch> {
    const file = `${workDirectory}/trace.txt`;
    const argv = ['bash', '-c', TRACE, 'bash', file, plan.firewall.ruleset.loader, traceTable(plan)];
    const watch = new TraceWatch(firewall, file, firewall.spawn('the trace on the firewall', argv));
    if (!(await watch.mark(READY_SECONDS))) watch.giveUp(`no packet was traced within ${READY_SECONDS} s`);
    return watch;
  }

  /** Waits until all that was told is read, and ends. */
  async finish(): Promise<{ record: TraceRecord; events: (rowOf?: RowOf) => RawEvent[] }> {
    if (this.why === null && !(await this.mark(DRAIN_SECONDS)))
      this.giveUp(`the end of it did not come within ${DRAIN_SECONDS} s`);
    // What had come before the trace broke off.
    if (this.why !== null) await this.look();
    this.leaving = true;
    clearInterval(this.timer);
    this.process.stdin.end();
    const { lines, packets, overflows, why } = this;
    return {
      record: { why, overflows, untold: packets.untold, unread: lines.unread },
      events: (rowOf) => packets.finish(why === null, rowOf),
    };
  }

  /** Sends marks until one is seen that is not older than this call. */
  private async mark(seconds: number): Promise<boolean> {
    const first = this.marksSent;
    let due = 0;
    await until(async () => {
      if (performance.now() >= due) {
        due = performance.now() + MARK_AGAIN_MS;
        this.process.stdin.write(`${markAddress(this.marksSent)}\n`);
        this.marksSent += 1;
      }
      await this.look();
      return this.why !== null || this.markSeen >= first;
    }, seconds);
    return this.markSeen >= first;
  }

  /** Reads what has come; only once at a time. */
  private look(): Promise<void> {
    this.looking ??= this.readOn().finally(() => {
      this.looking = null;
    });
    return this.looking;
  }

  private async readOn(): Promise<void> {
    for (;;) {
      // Until nft has begun there is no file.
      const chunk = await this.host.read(this.file, this.offset).catch(() => Buffer.alloc(0));
      if (chunk.length === 0) return;
      this.offset += chunk.length;
      const at = this.clock + performance.now() / 1000;
      for (const line of this.splitter.push(chunk.toString('latin1'))) this.take(line, at);
    }
  }

  private take(line: string, at: number): void {
    const told = this.lines.push(line);
    if (told === null) return;
    if (told === 'lost') {
      this.overflows += 1;
      this.packets.tear();
      return;
    }
    const { family, table, said } = told;
    const own = family === TRACE_TABLE.family && table === TRACE_TABLE.name;
    const mark = own && said.kind === 'packet' && said.packet.destination.startsWith(MARKS);
    if (!mark) this.packets.add(told, at);
    // Nobody else can send through the loopback interface.
    else if (said.packet.out === 'lo') this.seeMark(said.packet.destination);
  }

  private seeMark(address: string): void {
    const [, , high = 0, low = 0] = address.split('.').map(Number);
    this.markSeen = Math.max(this.markSeen, high * 256 + low);
  }

  /** Its end is the end of the trace. */
  private listen(process: HostProcess): void {
    let said = '';
    process.stderr.on('data', (chunk: Buffer) => {
      said = (said + chunk.toString('utf8')).slice(-500);
    });
    void process.exited.then((exit) => {
      if (!this.leaving) this.giveUp(`${process.label} ended (${howEnded(exit)}): ${said.trim()}`);
    });
  }

  /** The hosts' clock need not be this one's. */
  private setClock(hostTime: number): void {
    if (hostTime > 0) this.clock = hostTime - performance.now() / 1000;
  }

  private giveUp(why: string): void {
    this.why ??= why;
  }
}
