import { randomBytes } from 'node:crypto';
import type Dockerode from 'dockerode';
import type { HostName } from '../../plan/plan';
import { LabFailure, MissingCapability, type Host } from '../host';
import { until } from '../until';
import { pause } from '../../agent/pause';
import { containerHost } from './container-host';
import { Errands } from './errands';
import { hasEnded, thisOwner } from './owner';
import type { DockerRuntime } from './runtime';

/** Every container of the lab has this label; its value is the run's id. */
const RUN_LABEL = 'ftp-firewall-lab.run';
const OWNER_LABEL = 'ftp-firewall-lab.owner';
const NAME_PREFIX = 'ftp-firewall-lab';
/** Removing a container takes tenths of a second; on a busy machine more. */
const STOP_SECONDS = 20;
/** How long a container may take to end by itself before it is made to. */
const HANG_UP_SECONDS = 5;
/** So does telling how one ended that ended by itself. */
const SETTLE_SECONDS = 5;
const TELL_SECONDS = 0.5;
const ENGINE_STOP_SECONDS = 5;

/** A host of the plan, or the container that wires them. */
export type Role = HostName | 'wiring';

export interface ContainerOrder {
  readonly role: Role;
  readonly image: string;
  readonly capabilities: readonly string[];
}

/** A container that runs, and the lab's connection to it. */
export interface RunningContainer {
  readonly role: Role;
  readonly host: Host;
  /** the process id of its first process, as the engine's machine knows it */
  readonly pid: number;
  stop(): Promise<void>;
  /** Waits until the engine has told how it ended, if it has ended. */
  settle(): Promise<void>;
}

/** The containers of one run. They are taken down together, however far their start got. */
export class Containers {
  readonly id = randomBytes(5).toString('hex');
  private readonly starting: Promise<RunningContainer>[] = [];
  private readonly lost: string[] = [];
  private stopping = false;

  constructor(private readonly runtime: DockerRuntime) {}

  /** Starts one container, with no network. */
  start(order: ContainerOrder): Promise<RunningContainer> {
    const running = this.startOne(order);
    this.starting.push(running);
    return running;
  }

  /** Takes all of them down and waits until they are gone. Never throws: there is nothing left to do. */
  async stop(): Promise<void> {
    this.stopping = true;
    await Promise.allSettled(this.starting.map(async (starting) => (await starting).stop()));
  }

  /** What became of the containers, when a run has failed; null when they are all there. */
  async whatBroke(): Promise<string | null> {
    await Promise.allSettled(this.starting.map(async (starting) => (await starting).settle()));
    // An engine that is told to stop first stops its containers, then goes itself.
    const patience = this.lost.length > 1 ? ENGINE_STOP_SECONDS : 0;
    let gone = '';
    const stopped = await until(async () => {
      gone = await this.runtime.docker.ping().then(() => '', reasonOf);
      return gone !== '';
    }, patience);
    if (stopped)
      return `the container engine stopped in mid-run (${gone}); start it again, then run the scenario again`;
    return this.lost.length === 0 ? null : this.lost.join('; ');
  }

  private async startOne({ role, image, capabilities }: ContainerOrder): Promise<RunningContainer> {
    const { docker, libraries } = this.runtime;
    const administrator = role === 'wiring';
    const shell = ['sh', '/opt/lab/host.sh'];
    const started = await new libraries.HostContainer({
      image,
      name: `${NAME_PREFIX}-${this.id}-${role}`,
      labels: { [RUN_LABEL]: this.id, [OWNER_LABEL]: thisOwner() },
      // Among the processes of the engine's machine there is a first process already.
      entrypoint: administrator ? shell : ['tini', '--', ...shell],
      capabilities,
      administrator,
      podman: this.runtime.name.startsWith('Podman'),
    })
      .start()
      .catch((error: unknown) => {
        if (administrator && reasonOf(error).includes('mounting "proc"')) throw noHostProcesses();
        throw new LabFailure(`can't start the ${role} container: ${reasonOf(error)}`);
      });
    const container = docker.getContainer(started.getId());
    let asked = false;
    const removed = container.wait({ condition: 'removed' }).then(
      ({ StatusCode }: { StatusCode: number }) => {
        if (!asked && !this.stopping)
          this.lost.push(
            `the container of the ${role} host was stopped from outside in mid-run (exit code ${StatusCode})`,
          );
      },
      () => undefined,
    );
    let hangUp = (): void => undefined;
    const stop = async (): Promise<void> => {
      asked = true;
      // As when the lab dies: the container ends by itself, which takes the engine half the work.
      hangUp();
      const ended = await Promise.race([removed.then(() => true), pause(HANG_UP_SECONDS).then(() => false)]);
      if (ended) return;
      // It may have gone by itself in the meantime.
      await started.stop({ timeout: 0 }).catch(() => undefined);
      await Promise.race([removed, pause(STOP_SECONDS)]);
    };
    let ended: Promise<void> = Promise.resolve();
    const settle = async (): Promise<void> => {
      // Its programs' end is told before its own.
      await Promise.race([ended, pause(TELL_SECONDS)]);
      const running = await container.inspect().then(
        ({ State }) => State.Running,
        () => false,
      );
      if (!running) await Promise.race([removed, pause(SETTLE_SECONDS)]);
    };
    try {
      const [stream, { State }] = await Promise.all([
        container.attach({ stream: true, stdin: true, stdout: true, stderr: true, hijack: true }),
        container.inspect(),
      ]);
      const errands = new Errands(container, stream, role);
      ended = errands.ended;
      hangUp = () => {
        errands.hangUp();
      };
      return {
        role,
        host: containerHost(container, errands),
        pid: State.Pid,
        stop,
        settle,
      };
    } catch (error) {
      await stop();
      throw new LabFailure(`the ${role} container ended as it began: ${reasonOf(error)}`);
    }
  }
}

/** An older rootless engine cannot let a container see the processes of its machine. */
function noHostProcesses(): MissingCapability {
  return new MissingCapability(
    'this rootless engine cannot share its process namespace (--pid host), which wiring the hosts takes',
    'update the engine (Docker 23 or newer), or take the netns engine, which needs no root either',
  );
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** What was found of other runs, by what was done about it. */
export interface Leftovers {
  /** removed: their lab has ended */
  readonly removed: readonly string[];
  /** belong to a lab on this machine that runs */
  readonly living: number;
  /** belong to labs on other machines, of which nothing can be known */
  readonly foreign: number;
}

/** Removes the containers of labs that have ended, and no others. */
export async function removeLeftovers({ docker }: Pick<DockerRuntime, 'docker'>): Promise<Leftovers> {
  const containers = await docker.listContainers({ all: true, filters: { label: [RUN_LABEL] } });
  const ownerOf = ({ Labels }: Dockerode.ContainerInfo): string => Labels[OWNER_LABEL] ?? '';
  const dead = containers.filter((container) => hasEnded(ownerOf(container)));
  await Promise.all(
    dead.map(({ Id }) =>
      docker
        .getContainer(Id)
        .remove({ force: true, v: true })
        .catch((error: unknown) => {
          // Gone, or going: another lab's start or the engine itself saw to it.
          if (![404, 409].includes((error as { statusCode?: number }).statusCode ?? 0)) throw error;
        }),
    ),
  );
  const here = thisOwner().split('/')[0];
  const alive = containers.filter((container) => !dead.includes(container));
  const foreign = alive.filter((container) => ownerOf(container).split('/')[0] !== here).length;
  return {
    removed: dead.map(({ Names }) => (Names[0] ?? '').replace(/^\//, '')),
    living: alive.length - foreign,
    foreign,
  };
}
