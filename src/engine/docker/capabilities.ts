import { MissingCapability, type Capability, type Host } from '../host';
import { KERNEL_PROBES } from '../probes';
import { Containers } from './containers';
import { startContainer } from './hosts';
import { BASES, IMAGE_NAMES, imageTag, type ImageName } from './images';
import { dockerRuntime, type DockerRuntime } from './runtime';

/** testcontainers' reaper, as of the version in use. */
const RYUK = 'testcontainers/ryuk:0.14.0';
/** How long a registry may take to say whether it has an image. */
const REGISTRY_SECONDS = 5;
const RUN_IMAGES: readonly ImageName[] = ['client', 'firewall', 'server-ftp-srv'];

/** Tries all that a run on containers needs, in containers of its own. */
export async function probeDocker(project: string): Promise<Capability[]> {
  let runtime: DockerRuntime;
  try {
    runtime = await dockerRuntime();
  } catch (error) {
    if (!(error instanceof MissingCapability)) throw error;
    return [{ name: 'container engine', works: false, why: error.message, remedy: error.remedy }];
  }
  const [rootless, images, ryuk] = await Promise.all([
    probeRootless(runtime),
    probeImages(runtime, project),
    probeRyuk(runtime),
  ]);
  const found = [works('container engine', runtime.name), rootless, images.capability];
  return [...found, ...(images.built ? await probeContainers(runtime, project) : []), ryuk];
}

async function probeRootless({ docker }: DockerRuntime): Promise<Capability> {
  const { SecurityOptions } = (await docker.info()) as { SecurityOptions?: string[] | null };
  const rootless = (SecurityOptions ?? []).some((option) => option.includes('rootless'));
  return { ...works('rootless engine', rootless ? 'yes' : 'no, it runs as root'), optional: true };
}

async function probeImages(
  runtime: DockerRuntime,
  project: string,
): Promise<{ built: boolean; capability: Capability }> {
  const name = 'images';
  const missing: ImageName[] = [];
  for (const image of IMAGE_NAMES) {
    if (!(await isHere(runtime, imageTag(project, image)))) missing.push(image);
  }
  const built = RUN_IMAGES.every((image) => !missing.includes(image));
  if (missing.length === 0) return { built, capability: works(name, 'built') };
  const why = `not built: ${missing.join(', ')}`;
  if (built) return { built, capability: works(name, `${why}; those a run needs are`) };
  const base = await Promise.all(BASES.map((image) => whereabouts(runtime, image)));
  if (base.some((place) => place !== 'cannot be had')) {
    return { built, capability: works(name, `${why}; the first run builds them, or: npm run images`) };
  }
  const remedy = 'make a base from Debian packages (sudo lab/base-image.sh), then: npm run images';
  return { built, capability: { name, works: false, why: `${why}; no base image here or in reach`, remedy } };
}

/** The kernel's part, tried in a firewall container with the capabilities a run gives it. */
async function probeContainers(runtime: DockerRuntime, project: string): Promise<Capability[]> {
  const containers = new Containers(runtime);
  try {
    const [firewall, wiring] = await Promise.all([
      startContainer(containers, 'firewall', 'firewall', project),
      startContainer(containers, 'wiring', 'firewall', project),
    ]);
    const enter = `nsenter --net=/proc/${firewall.pid}/ns/net`;
    const wired = await attempt(
      'wiring from a container',
      wiring.host,
      `${enter} ip link add x type veth peer name y && ${enter} sh -c 'echo 1 > /proc/sys/net/ipv4/ip_forward'`,
      'the engine must allow --pid host with SYS_ADMIN, NET_ADMIN and SYS_PTRACE, unconfined',
    );
    const kernel: Capability[] = [];
    // One after the other: they share the container's rules.
    for (const { name, script, remedy } of KERNEL_PROBES) {
      const clean = `ip link set lo up 2> /dev/null; nft flush ruleset && { ${script.replaceAll('/run/', '/run/lab/')}; }`;
      kernel.push(await attempt(`${name}, in a container`, firewall.host, clean, remedy));
    }
    return [wired, ...kernel];
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const remedy =
      error instanceof MissingCapability ? error.remedy : 'see whether `docker run --network none` works';
    return [{ name: 'containers start', works: false, why, remedy }];
  } finally {
    await containers.stop();
  }
}

async function attempt(name: string, host: Host, script: string, remedy: string): Promise<Capability> {
  const { code, stderr } = await host.exec(['sh', '-c', script]);
  if (code === 0) return works(name, 'works');
  return { name, works: false, why: `failed: ${stderr.trim().split('\n')[0] ?? ''}`, remedy };
}

/** Whether testcontainers' reaper could be had. The lab does without: it would publish a port. */
async function probeRyuk(runtime: DockerRuntime): Promise<Capability> {
  const place = await whereabouts(runtime, RYUK);
  return {
    name: 'Ryuk, the reaper of testcontainers',
    works: place !== 'cannot be had',
    why: `${RYUK} ${place}; the lab does without it, its containers end when it hangs up`,
    remedy: 'none needed',
    optional: true,
  };
}

async function isHere({ docker }: DockerRuntime, image: string): Promise<boolean> {
  return docker
    .getImage(image)
    .inspect()
    .then(
      () => true,
      () => false,
    );
}

async function whereabouts(
  runtime: DockerRuntime,
  image: string,
): Promise<'is here' | 'can be fetched' | 'cannot be had'> {
  if (await isHere(runtime, image)) return 'is here';
  const asked = runtime.docker
    .getImage(image)
    .distribution()
    .then(
      () => 'can be fetched' as const,
      () => 'cannot be had' as const,
    );
  const late = new Promise<'cannot be had'>((resolve) => {
    setTimeout(resolve, REGISTRY_SECONDS * 1000, 'cannot be had').unref();
  });
  return Promise.race([asked, late]);
}

function works(name: string, why: string): Capability {
  return { name, works: true, why, remedy: '' };
}
