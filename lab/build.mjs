// Bundles the lab into dist/: the CLI, the worker that runs in the sandbox, and one file per host
// program. Bundles start several times faster than the packages they are made of.
import { build } from 'esbuild';

const entries = {
  lab: 'src/cli/lab.ts',
  worker: 'src/worker.ts',
  'client-basic-ftp': 'src/client/basic-ftp-agent.ts',
  'server-ftp-srv': 'src/server/ftp-srv-agent.ts',
};

await build({
  entryPoints: entries,
  outdir: 'dist',
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  minify: true,
  keepNames: true,
  // bunyan (ftp-srv's logger) tries these and does without.
  external: ['dtrace-provider', 'mv', 'safe-json-stringify', 'source-map-support'],
  logLevel: 'warning',
});
