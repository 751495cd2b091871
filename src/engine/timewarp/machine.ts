import { setTimeout as later } from 'node:timers/promises';
import { countPackets } from '../../agent/port-ranges';
import type { Plan } from '../../plan/plan';
import { LabFailure, type Runner } from '../host';
import { Sandbox } from '../netns/sandbox';
import type { WarpKernel } from './kernels';
import { takeProcessor } from './processors';

/** Memory of the machine. It is taken as it is used: three Node programs and what they hold. */
const MEMORY = '1024M';

/** Seconds of real time that no run should need but to wait, which takes none here. */
const LEAST_SECONDS = 60;
/** What the slowest machine worth using gets through in a second. */
const SLOWEST = { bytes: 2 ** 20, probes: 500 } as const;
/** How long a machine that is asked who keeps it busy may take to answer. */
const ANSWER_SECONDS = 10;
/** And one that is to keep evidence. */
const KEEP_SECONDS = 30;

/** The files a machine boots with, by their names in /run/timewarp. */
export interface MachineFiles {
  readonly init: string;
  readonly worker: string;
}

/**
 * The command that boots a User Mode Linux whose clock jumps when everything in it sleeps, inside a sandbox.
 *
 * Its root is the sandbox's file system, its memory a file in the sandbox's own /run, so neither depends on
 * the size of /dev/shm. The kernel's command line is split at spaces, so places are told by links. Console 0
 * is what it has to say, to standard error; console 1 is the lab's line to its worker, as descriptors 3 and 4.
 *
 * @param processor of the host, to stay on: see takeProcessor
 */
export function bootCommand(
  { directory }: WarpKernel,
  { init, worker }: MachineFiles,
  processor: number,
): string[] {
  const kernelArguments = [
    ...['rootfstype=hostfs', 'rootflags=/', 'root=none', 'rw', 'init=/run/timewarp/init', `mem=${MEMORY}`],
    ...['con=null', 'con0=null,fd:1', 'con1=fd:3,fd:4', 'time-travel', 'quiet'],
    // By itself it makes a folder in the user's home.
    'uml_dir=/run/timewarp',
  ];
  // A kernel that panics aborts; nobody wants its core. Process 1 of a sandbox could not: so it is the shell.
  const script = `
    ulimit -c 0
    mkdir /run/timewarp && cd /run/timewarp || exit
    ln -s "$1" kernel && ln -s "$2" init && ln -s "$3" worker && ln -s "$4" node || exit
    processor=$5
    shift 5
    TMPDIR=/run taskset -c "$processor" kernel/linux "$@" 3<&0 4>&1 < /dev/null >&2
    exit`;
  const links = [directory, init, worker, process.execPath];
  return ['sh', '-c', script, 'sh', ...links, String(processor), ...kernelArguments];
}

/**
 * Runs a plan on a machine whose waiting costs nothing. A run that goes on all the same is ended: some
 * process keeps the machine from sleeping, and it is named.
 */
export class Machine<Result> implements Runner<Result> {
  private readonly sandbox: Sandbox<Result>;
  private readonly processor = takeProcessor();

  /** @param wallSeconds real time a run may take; for tests of the watchdog */
  constructor(
    kernel: WarpKernel,
    files: MachineFiles,
    onProgress: (text: string) => void,
    private readonly wallSeconds = wallLimit,
  ) {
    this.sandbox = new Sandbox(bootCommand(kernel, files, this.processor.number), onProgress);
  }

  /** @throws RefusedRows, MissingCapability or LabFailure, as the worker found, or when it does not end */
  async run(plan: Plan): Promise<Result> {
    const over = new AbortController();
    try {
      return await Promise.race([this.sandbox.run(plan), this.watch(this.wallSeconds(plan), over.signal)]);
    } catch (error) {
      throw error instanceof LabFailure ? new LabFailure(withoutTrace(error.message)) : error;
    } finally {
      over.abort();
    }
  }

  /** A machine that hangs has nothing to keep, and is not waited for. */
  async keepAndStop(directory: string): Promise<readonly string[]> {
    const over = new AbortController();
    const patience = later(KEEP_SECONDS * 1000, undefined, { signal: over.signal })
      .catch(() => undefined)
      .then(() => this.stop());
    try {
      return await this.sandbox.keepAndStop(directory);
    } finally {
      over.abort();
      await patience;
    }
  }

  async stop(): Promise<void> {
    await this.sandbox.stop();
    this.processor.release();
  }

  private async watch(seconds: number, signal: AbortSignal): Promise<never> {
    try {
      await later(seconds * 1000, undefined, { signal });
      const busy = await Promise.race([
        this.sandbox.askBusiest(),
        later(ANSWER_SECONDS * 1000, undefined, { signal }),
      ]);
      throw new LabFailure(`the run did not end within ${seconds} s of real time: ${culprit(busy)}`);
    } catch (error) {
      if (!signal.aborted) throw error;
      // The run has ended, and whoever raced with this has its result.
      return new Promise<never>(() => undefined);
    }
  }
}

function culprit(busy: Awaited<ReturnType<Sandbox<never>['askBusiest']>> | undefined): string {
  if (busy === undefined)
    return 'the machine does not even answer, so its kernel or the lab’s worker in it hangs';
  if (busy === null) return 'nothing in it is busy, so it waits for something that does not come';
  const { command, pid, host, share } = busy;
  const where = host === null ? '' : ` on the ${host} host`;
  return `“${command}” (process ${pid}${where}) kept the processor busy (${Math.round(share * 100)} % of it), so the clock could not jump`;
}

/** What a kernel that panics says, without its log, its registers and return addresses. */
function withoutTrace(words: string): string {
  const panic = /Kernel panic - not syncing: .*/.exec(words)?.[0];
  if (panic === undefined) return words;
  const before = words.replace(/\s*(?:Kernel panic - |kmsg_dump:)[\s\S]*/, '');
  return `${before} ${panic}`;
}

/** Real seconds a plan may take where waiting takes none. */
export function wallLimit({ transfers, probes }: Plan): number {
  const bytes = transfers.reduce((sum, { file }) => sum + (file?.size ?? 0), 0);
  return Math.ceil(LEAST_SECONDS + bytes / SLOWEST.bytes + countPackets(probes) / SLOWEST.probes);
}
