// One direction of flow: a folder imports earlier folders only. `run`, `engines`, `experiment`, `worker`,
// `docker-runner` and the CLI put the stages together and alone see the whole.
const ORDER = [
  'firewall',
  'agent',
  'client',
  'server',
  'prober',
  'resolver',
  'linux22',
  'router',
  'scenario',
  'plan',
  'engine',
  'session',
  'observe',
  'verdict',
  'report',
];

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    ...ORDER.slice(0, -1).map((room, index) => ({
      name: `${room}-looks-ahead`,
      comment: `src/${room} may import only from earlier rooms: ${ORDER.slice(0, index).join(', ') || 'none'}`,
      severity: 'error',
      from: { path: `^src/${room}/` },
      to: { path: `^src/(${ORDER.slice(index + 1).join('|')}|cli)/` },
    })),
    {
      name: 'rooms-do-not-see-the-whole',
      comment: 'only the files that put the stages together import them all',
      severity: 'error',
      from: { path: `^src/(${ORDER.join('|')})/` },
      to: { path: '^src/(cli/|(run|engines|docker-runner|experiment|worker|paths)\\.ts)' },
    },
    {
      name: 'verdict-and-report-touch-no-host',
      comment:
        'after observe/ nothing touches a host: verdicts and reports can be made again from saved results',
      severity: 'error',
      from: { path: '^src/(verdict|report)/' },
      to: { path: '^src/(engine|session)/' },
    },
    {
      name: 'nothing-after-plan-reads-scenario-files',
      severity: 'error',
      from: { path: '^src/(engine|session|observe|verdict|report)/' },
      to: { path: '^src/scenario/(load|document|schema|catalogue)' },
    },
    { name: 'no-circles', severity: 'error', from: {}, to: { circular: true } },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
  },
};
