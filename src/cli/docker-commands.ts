import { removeLeftovers } from '../engine/docker/containers';
import { ensureImages, IMAGE_NAMES, imageTag, tagLatest } from '../engine/docker/images';
import { dockerRuntime } from '../engine/docker/runtime';
import { PROJECT_DIRECTORY } from '../paths';
import { jsonText } from '../report/json';
import { EXIT } from './exit-codes';
import { say } from './print';
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
      say(`${imageTag(PROJECT_DIRECTORY, name)}${built.includes(name) ? '  built' : ''}`, process.stdout);
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
    process.stdout.write(jsonText(leftovers));
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
  say(lines.join('\n'), process.stdout);
  return EXIT.held;
}
