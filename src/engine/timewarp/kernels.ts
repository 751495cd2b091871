import { readdirSync, existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { MissingCapability } from '../host';

/** A kernel for time travel that lab/timewarp/build.sh has built. */
export interface WarpKernel {
  /** as `--kernel` names it, e.g. 6.1 */
  readonly version: string;
  /** of uname(2), e.g. 6.1.192 */
  readonly release: string;
  /** its folder: `linux`, and `lib/modules` */
  readonly directory: string;
}

/** Where kernels are kept; build.sh has the same rule. */
export function kernelDirectory(): string {
  const { LAB_CACHE: own, XDG_CACHE_HOME: users } = process.env;
  return join(own ?? join(users ?? join(homedir(), '.cache'), 'ftp-firewall-lab'), 'timewarp');
}

/** All that have been built, the newest first. */
export function builtKernels(): WarpKernel[] {
  const directory = kernelDirectory();
  const names = existsSync(directory) ? readdirSync(directory) : [];
  return names
    .filter((name) => existsSync(join(directory, name, 'built-from')))
    .map((version) => ({
      version,
      release: readdirSync(join(directory, version, 'lib/modules'))[0] ?? version,
      directory: join(directory, version),
    }))
    .sort((a, b) => b.version.localeCompare(a.version, 'en', { numeric: true }));
}

/**
 * The kernel asked for, or the lab's own choice: the one that `npm run timewarp:build` builds by itself,
 * else the newest there is.
 *
 * @param version null: none was asked for
 *
 * @throws MissingCapability when it has not been built
 */
export function findKernel(version: string | null): WarpKernel {
  const built = builtKernels();
  const found =
    version === null
      ? (built.find((kernel) => kernel.version === DEFAULT_VERSION) ?? built[0])
      : built.find((kernel) => kernel.version === version);
  if (found) return found;
  const others = built.length === 0 ? '' : `; built are: ${built.map((kernel) => kernel.version).join(', ')}`;
  throw new MissingCapability(
    `the kernel for time travel${version === null ? '' : `, Linux ${version},`} has not been built${others}`,
    `npm run timewarp:build${version === null || version === DEFAULT_VERSION ? '' : ` -- --kernel ${version}`} (three to ten minutes)`,
  );
}

/** The release of the kernel that a run would have; the version asked for when it has not been built. */
export function releaseOf(version: string | null): string {
  const wanted = version ?? DEFAULT_VERSION;
  return builtKernels().find((kernel) => kernel.version === wanted)?.release ?? wanted;
}

/** What build.sh builds when it is asked for no other. */
const DEFAULT_VERSION = '6.1';
