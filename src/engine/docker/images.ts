import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { MissingCapability } from '../host';
import type { DockerRuntime } from './runtime';

/**
 * What the prober and the Linux 2.2 router open raw sockets with. Where the lab was set up on another system
 * than Linux there is none: then all works but these, and they say what they miss.
 */
const NATIVE_PART = 'dist/koffi-glibc.node';

/**
 * The images of the lab, and what each is made from besides the Dockerfile, relative to the project's
 * folder. In the Dockerfile's order: the classic builder makes every stage above its target too.
 */
const SOURCES = {
  client: [
    'lab/code-cache-loader.cjs',
    ...['client-basic-ftp', 'prober', 'resolver'].map((bundle) => `dist/${bundle}.code.js`),
    NATIVE_PART,
  ],
  'server-ftp-srv': ['lab/code-cache-loader.cjs', 'dist/server-ftp-srv.code.js', 'lab/images/server-ftp-srv'],
  firewall: ['lab/images/firewall'],
  'firewall-2.2': ['lab/images/firewall', 'lab/code-cache-loader.cjs', 'dist/router.code.js', NATIVE_PART],
  'server-vsftpd': ['lab/images/server-vsftpd'],
  'server-proftpd': ['lab/images/server-proftpd'],
  'server-pure-ftpd': ['lab/images/server-pure-ftpd'],
} as const satisfies Record<string, readonly string[]>;

export type ImageName = keyof typeof SOURCES;
export const IMAGE_NAMES = Object.keys(SOURCES) as ImageName[];

/** What every image is made from. */
const COMMON = ['lab/images/Dockerfile', 'lab/images/host.sh', 'lab/images/greeting.sh'];
const DOCKERFILE = 'lab/images/Dockerfile';
const REPOSITORY = 'ftp-firewall-lab';
/** The base that lab/base-image.sh makes, and the one a registry has. The first that is there is taken. */
export const BASES = ['ftp-firewall-lab/base:bookworm', 'debian:bookworm-slim'] as const;
const BASE_LABEL = 'ftp-firewall-lab.base';

/** The image's full name; its tag is a digest of all it is made from, so a change makes another image. */
export function imageTag(project: string, name: ImageName): string {
  const hash = createHash('sha256').update(name);
  for (const file of inputs(project, name))
    hash.update(`\0${file}\0`).update(readFileSync(join(project, file)));
  return `${REPOSITORY}/${name}:${hash.digest('hex').slice(0, 16)}`;
}

function inputs(project: string, name: ImageName): string[] {
  const there = (path: string): boolean => path !== NATIVE_PART || existsSync(join(project, path));
  return [...COMMON, ...SOURCES[name]].filter(there).flatMap((path) =>
    statSync(join(project, path)).isDirectory()
      ? readdirSync(join(project, path))
          .sort()
          .map((file) => `${path}/${file}`)
      : [path],
  );
}

export interface BuildOptions {
  /** the project's folder */
  readonly project: string;
  /** base image that must be used; null: the first of the usual ones that is there or can be had */
  readonly base: string | null;
  /** build even what is there, with today's packages */
  readonly anew?: boolean;
  readonly onProgress: (text: string) => void;
}

/**
 * Makes sure that images are there: those that are not are built.
 *
 * @returns the names of those that were built
 *
 * @throws MissingCapability when an image is missing and cannot be built
 */
export async function ensureImages(
  runtime: DockerRuntime,
  names: readonly ImageName[],
  options: BuildOptions,
): Promise<ImageName[]> {
  const wanted = IMAGE_NAMES.filter((name) => names.includes(name));
  const missing = options.anew === true ? wanted : await missingImages(runtime, wanted, options);
  if (missing.length === 0) return [];
  const base = options.base ?? (await findBase(runtime, options));
  // The last needs every stage of those above it: after it they are all but there.
  for (const [index, name] of [...missing].reverse().entries()) {
    await build(runtime, name, base, { ...options, anew: options.anew === true && index === 0 });
  }
  return missing;
}

/** Names images `latest` too, as docker-compose.yml calls them. */
export async function tagLatest(
  { docker }: DockerRuntime,
  names: readonly ImageName[],
  project: string,
): Promise<void> {
  await Promise.all(
    names.map((name) =>
      docker.getImage(imageTag(project, name)).tag({ repo: `${REPOSITORY}/${name}`, tag: 'latest' }),
    ),
  );
}

async function missingImages(
  { docker }: DockerRuntime,
  names: readonly ImageName[],
  { project, base }: BuildOptions,
): Promise<ImageName[]> {
  const there = await Promise.all(
    names.map(async (name) => {
      try {
        const { Config } = await docker.getImage(imageTag(project, name)).inspect();
        // An image without labels has null for them, whatever dockerode's types say.
        const labels = Config.Labels as Record<string, string> | null;
        return base === null || labels?.[BASE_LABEL] === base;
      } catch (error) {
        if ((error as { statusCode?: number }).statusCode === 404) return false;
        throw error;
      }
    }),
  );
  return names.filter((_name, index) => there[index] !== true);
}

async function findBase({ docker }: DockerRuntime, { onProgress }: BuildOptions): Promise<string> {
  for (const base of BASES) {
    if (
      await docker
        .getImage(base)
        .inspect()
        .then(
          () => true,
          () => false,
        )
    )
      return base;
  }
  const [, fromRegistry] = BASES;
  onProgress(`fetching ${fromRegistry}`);
  try {
    await follow(docker, await docker.pull(fromRegistry), () => undefined);
    return fromRegistry;
  } catch (error) {
    throw new MissingCapability(
      `the lab's images are not built, and their base ${fromRegistry} cannot be fetched: ${text(error)}`,
      'make a base from Debian packages (sudo lab/base-image.sh), then: npm run images',
    );
  }
}

async function build(
  { docker }: DockerRuntime,
  name: ImageName,
  base: string,
  { project, anew, onProgress }: BuildOptions,
): Promise<void> {
  const tag = imageTag(project, name);
  onProgress(`building the ${name} image`);
  try {
    const stream = await docker.buildImage(
      // All of them: the classic builder makes every stage above the target too.
      { context: project, src: [...new Set(IMAGE_NAMES.flatMap((image) => inputs(project, image)))] },
      {
        t: tag,
        dockerfile: DOCKERFILE,
        target: name,
        buildargs: { BASE: base },
        labels: { [BASE_LABEL]: base },
        // An engine may have no bridge, or a firewall between it and the packages.
        networkmode: 'host',
        nocache: anew ?? false,
        forcerm: true,
      },
    );
    await follow(docker, stream, (step) => {
      onProgress(`building the ${name} image, ${step}`);
    });
  } catch (error) {
    throw buildFailure(name, base, error);
  }
}

/** One line of what the engine tells while it builds or pulls. */
interface Progress {
  readonly stream?: string;
  readonly status?: string;
  readonly error?: string;
}

/** A build that ended with an error; the message is its last lines. */
class BuildError extends Error {
  constructor(readonly lines: readonly string[]) {
    super(lines.slice(-6).join('\n'));
  }
}

/** Follows a build or a pull to its end. The engine reports its failure in the stream, not by a status. */
async function follow(
  docker: DockerRuntime['docker'],
  stream: NodeJS.ReadableStream,
  onStep: (text: string) => void,
): Promise<void> {
  const lines: string[] = [];
  await new Promise<void>((resolve, reject) => {
    docker.modem.followProgress(
      stream,
      (error) => {
        if (error) reject(error);
        else resolve();
      },
      ({ stream: line, error }: Progress) => {
        if (error !== undefined) {
          lines.push(error);
          reject(new BuildError(lines));
          return;
        }
        // What a build step prints as an error the engine colours.
        const said = stripVTControlCharacters(line ?? '').trim();
        if (said === '') return;
        lines.push(said);
        const [, step, of] = /^Step (\d+)\/(\d+) : RUN /.exec(said) ?? [];
        if (step !== undefined) onStep(`step ${step} of ${of ?? '?'}`);
      },
    );
  });
}

function buildFailure(name: ImageName, base: string, error: unknown): MissingCapability {
  const why = text(error);
  // A package manager that ran out of disk says so, and then goes on at length about what follows from it.
  const said = error instanceof BuildError ? error.lines : [why];
  if (said.some((line) => /no space left on device/i.test(line))) {
    return new MissingCapability(
      `the ${name} image cannot be built: no space left on the engine's disk`,
      'free some (docker system df; docker system prune), then: npm run images',
    );
  }
  return new MissingCapability(
    `the ${name} image cannot be built on ${base}: ${why}`,
    'it needs the base image (sudo lab/base-image.sh makes one) and Debian’s package mirrors; then: npm run images',
  );
}

function text(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
