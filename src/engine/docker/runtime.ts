import type Dockerode from 'dockerode';
import { MissingCapability } from '../host';
import type * as Libraries from './libraries';

/** A container engine that answers and is new enough. */
export interface DockerRuntime {
  readonly docker: Dockerode;
  readonly libraries: typeof Libraries;
  /** e.g. "Docker Engine 28.2.2" or "Podman Engine 5.4" */
  readonly name: string;
  /** release of the kernel the containers run on */
  readonly kernel: string;
}

/** Docker Engine 20.10, the first of which all that is used here is known to work. */
const OLDEST_API = '1.41';
const OLDEST = 'Docker Engine 20.10 (API 1.41)';
/** An engine that takes longer to say its version is as good as none. */
const ANSWER_SECONDS = 15;

let libraries: typeof Libraries | undefined;
let runtime: Promise<DockerRuntime> | undefined;

/**
 * Finds the container engine, once a process.
 *
 * @throws MissingCapability when there is none, it may not be used, or it is too old
 */
export function dockerRuntime(): Promise<DockerRuntime> {
  runtime ??= connect();
  return runtime;
}

/** Loads testcontainers and dockerode, once. */
export function dockerLibraries(): typeof Libraries {
  // A bundle of its own beside this one, not a module of this one.
  // eslint-disable-next-line @typescript-eslint/no-require-imports
  libraries ??= require('./docker-libraries.js') as typeof Libraries;
  return libraries;
}

async function connect(): Promise<DockerRuntime> {
  // No port of the lab's containers is ever published, so the address of the engine's host is of no
  // interest; looking for it would fail on an engine without its default bridge.
  process.env['TESTCONTAINERS_HOST_OVERRIDE'] ??= 'localhost';
  const { Dockerode, getContainerRuntimeClient } = dockerLibraries();
  const { DOCKER_HOST } = process.env;
  // testcontainers goes on to the default socket when the engine that was named does not answer; who
  // names one means that one.
  if (DOCKER_HOST !== undefined) await inTime(new Dockerode().ping(), DOCKER_HOST);
  const docker = await inTime(
    getContainerRuntimeClient().then(({ container }) => container.dockerode),
    DOCKER_HOST ?? DEFAULT_SOCKET,
  );
  const version = await inTime(docker.version(), DOCKER_HOST ?? DEFAULT_SOCKET);
  // Older engines leave it out, whatever dockerode's types say.
  const components = version.Components as { Name: string }[] | undefined;
  const engine = components?.[0]?.Name ?? 'Engine';
  const name = `${engine === 'Engine' ? 'Docker Engine' : engine} ${version.Version}`;
  if (older(version.ApiVersion, OLDEST_API)) {
    throw new MissingCapability(
      `${name} (API ${version.ApiVersion}) is too old: the lab needs ${OLDEST} or newer`,
      'update the engine: https://docs.docker.com/engine/install',
    );
  }
  if (version.Os !== 'linux') {
    throw new MissingCapability(
      `the engine runs ${version.Os} containers`,
      'switch it to Linux containers (Docker Desktop: “Switch to Linux containers”)',
    );
  }
  return {
    docker,
    libraries: dockerLibraries(),
    name,
    kernel: version.KernelVersion,
  };
}

const DEFAULT_SOCKET = 'unix:///var/run/docker.sock';

async function inTime<T>(answer: Promise<T>, where: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(
        new MissingCapability(
          `the container engine at ${where} does not answer within ${ANSWER_SECONDS} s`,
          'see whether `docker version` answers; restart the engine',
        ),
      );
    }, ANSWER_SECONDS * 1000);
  });
  try {
    return await Promise.race([answer, late]);
  } catch (error) {
    throw error instanceof MissingCapability ? error : await whyUnreachable(where, error);
  } finally {
    clearTimeout(timer);
  }
}

/** testcontainers says only that it found no engine; what stands in the way the socket tells. */
async function whyUnreachable(where: string, error: unknown): Promise<MissingCapability> {
  const { Dockerode } = dockerLibraries();
  const reason = await new Dockerode().ping().then(
    () => error,
    (told: unknown) => told,
  );
  const { code } = reason as NodeJS.ErrnoException;
  const text = reason instanceof Error ? reason.message : String(reason);
  if (code === 'ENOENT' || code === 'ENOTFOUND') {
    return new MissingCapability(
      `no container engine found: nothing at ${where}`,
      'install Docker (Debian, Ubuntu: sudo apt-get install docker.io) or start it; for another engine set DOCKER_HOST',
    );
  }
  if (code === 'EACCES' || code === 'EPERM') {
    return new MissingCapability(
      `no permission to use the container engine at ${where}`,
      'sudo usermod -aG docker "$USER", then log in again; or use a rootless engine through DOCKER_HOST',
    );
  }
  if (code === 'ECONNREFUSED') {
    return new MissingCapability(
      `nothing answers at ${where}: the container engine is not running`,
      'start it (sudo systemctl start docker)',
    );
  }
  return new MissingCapability(
    `the container engine at ${where} can't be used: ${text}`,
    'see whether `docker version` works',
  );
}

/** Whether one dotted version is older than another. */
export function older(version: string, than: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [thanMajor = 0, thanMinor = 0] = than.split('.').map(Number);
  return major < thanMajor || (major === thanMajor && minor < thanMinor);
}
