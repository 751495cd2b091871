import { removeLeftovers } from '../engine/docker/containers';
import { ensureImages, IMAGE_NAMES, imageTag, tagLatest } from '../engine/docker/images';
import { dockerRuntime } from '../engine/docker/runtime';
import { PROJECT_DIRECTORY } from '../paths';
import { EXIT } from './exit-codes';
import { Progress } from './terminal';

/** `lab images`: builds the images that are not there yet. */
export async function imagesCommand(flags: { base?: string; cache: boolean; quiet?: true }): Promise<number> {
  const progress = new Progress(process.stderr, flags.quiet ?? false);
  const runtime = await dockerRuntime();
  try {
    const built = await ensureImages(runtime, IMAGE_NAMES, {
      project: PROJECT_DIRECTORY,
      base: flags.base ?? null,
      anew: !flags.cache,
      onProgress: (text) => {
        progress.show(text);
      },
    });
    await tagLatest(runtime, IMAGE_NAMES, PROJECT_DIRECTORY);
    progress.clear();
    for (const name of IMAGE_NAMES) {
      process.stdout.write(`${imageTag(PROJECT_DIRECTORY, name)}${built.includes(name) ? '  built' : ''}\n`);
    }
  } finally {
    progress.clear();
  }
  return EXIT.held;
}

/** `lab down --all`: removes the containers of labs that have ended. */
export async function downCommand(flags: { json?: true }): Promise<number> {
  const leftovers = await removeLeftovers(await dockerRuntime());
  if (flags.json) {
    process.stdout.write(`${JSON.stringify(leftovers, null, 2)}\n`);
    return EXIT.held;
  }
  const { removed, living, foreign } = leftovers;
  const lines = [
    removed.length === 0 ? 'no container of a dead lab' : `removed ${removed.join(', ')}`,
    ...(living > 0 ? [`left alone: ${living} of labs that run`] : []),
    ...(foreign > 0
      ? [`left alone: ${foreign} of labs on other machines, of which nothing can be known from here`]
      : []),
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
  return EXIT.held;
}
