import type { Plan } from '../plan/plan';
import type { Started } from '../router/messages';
import { OLD_ROOT, SCRIPT_FILE, TRACE_FILE } from '../router/tool-directory';
import { RefusedRows, type Host, type RunScript } from './host';
import { must } from './process';

/**
 * Runs the start script of a Linux 2.2 firewall on its host, by a real shell, in a root of its own. In there
 * all of the system is read-only, /etc and what is written to are copies or empty, /proc is the old firewall's
 * where that differs, its tools stand in front of today's, and nobody has a capability: whatever a script from
 * somewhere does, it does to this root and to the router.
 *
 * The shell is bash, which /bin/sh was on every Linux of the time.
 *
 * @param directory the router's own
 * @param started asks the router what has become of the firewall
 * @returns the plan's firewall as the script made it, and what script and kernel printed
 *
 * @throws RefusedRows for what a tool or the shell did not take and the script did not silence
 */
export async function runStartScript(
  { firewall: planned }: Plan,
  { host, mount }: { readonly host: Host; readonly mount: RunScript },
  directory: string,
  started: () => Promise<Started>,
): Promise<{ readonly firewall: Plan['firewall']; readonly said: string }> {
  const root = `${directory}/${OLD_ROOT}`;
  await must('make a root for the start script', mount(rootScript(root)));
  const { text } = planned.ruleset;
  const { stdout, stderr } = await host.exec(['sh', '-c', RUN, 'sh', root, ...shellCommand(planned)], {
    input: text,
  });
  const now = await started();
  const refused = [...refusedByTools(now, stderr), ...refusedByShell(stderr), ...wrongSwitches(now, text)];
  const firewall = asStarted(planned, now);
  if (refused.length > 0) throw new RefusedRows(refused);
  if (firewall.policy !== planned.policy) throw new RefusedRows([refusal(0, policyMessage(planned, now))]);
  const logged = now.log.map((line) => `kernel: ${line}\n`).join('');
  return { firewall, said: `${stdout.toString('utf8')}${stderr}${logged}` };
}

/** Keeps the script from its standard input, and runs it. Who is not root becomes it, in there only. */
const RUN = `root=$1
shift
cat > "$root/${SCRIPT_FILE}" || exit
if test "$(id -u)" = 0; then exec chroot "$root" "$@"; fi
exec unshare --user --map-root-user chroot "$root" "$@"`;

/** Tells each command it is about to run, with its line, on a descriptor of its own: the router reads it there. */
const TRACED = `exec 9> '/${TRACE_FILE}'
BASH_XTRACEFD=9
PS4='+$LINENO:'
set -x
. '/${SCRIPT_FILE}'`;

function shellCommand({ ruleset }: Plan['firewall']): string[] {
  const environment = {
    PATH: '/tools:/sbin:/usr/sbin:/bin:/usr/bin',
    HOME: '/root',
    TERM: 'dumb',
    ...ruleset.environment,
  };
  const isBash = /^#!.*\bbash\b/.test(ruleset.text);
  return [
    ...['setpriv', '--no-new-privs', '--inh-caps=-all', '--ambient-caps=-all', '--bounding-set=-all'],
    ...['env', '-i', ...Object.entries(environment).map(([name, value]) => `${name}=${value}`)],
    ...['bash', ...(isBash ? [] : ['--posix']), '-c', TRACED, `/${SCRIPT_FILE}`],
  ];
}

/** Makes the root. What is bound read-only stays so: nobody in there may mount. */
function rootScript(root: string): string {
  return `set -e
r='${root}'
cd "$r"
bound() { mkdir -p "$2" && mount --no-mtab --rbind "$1" "$2" && mount --no-mtab -o remount,bind,ro "$2"; }
mkdir -p etc/rc.d etc/init.d dev tmp root home var/lock/subsys var/log var/run var/tmp run/lab
chmod 1777 tmp var/tmp
ln -s / run/lab/${OLD_ROOT}
bound /usr usr
bound /proc .proc
for name in bin sbin lib lib32 lib64 libx32; do
  if test -h /$name; then cp -P /$name $name; elif test -d /$name; then bound /$name $name; fi
done
# The old firewall's tools stand where scripts look for them, and all others are where they were.
for directory in /sbin /usr/sbin; do
  test -d $directory && test ! -h $directory || continue
  bound $directory .today$directory
  mkdir -p .both$directory
  set --
  for file in tools/*; do test ! -x $file || set -- "$@" /$file; done
  ln -s "$@" .both$directory
  set --
  for file in $directory/*; do test -h .both$directory/\${file##*/} || set -- "$@" /.today$file; done
  ln -s "$@" .both$directory
  mount --no-mtab --bind .both$directory .$directory
done
for directory in . sys sys/net net; do
  set --
  for file in /proc/$directory/[a-z]*; do
    name=\${file##*/}
    test -e proc/$directory/$name || set -- "$@" /.proc/$directory/$name
  done
  test $# = 0 || ln -s "$@" proc/$directory
done
find proc -type d -exec chmod 555 {} +
for name in null zero full random urandom tty; do
  : > dev/$name
  mount --no-mtab --bind /dev/$name dev/$name
done
ln -s /proc/self/fd dev/fd
ln -s fd/0 dev/stdin
ln -s fd/1 dev/stdout
ln -s fd/2 dev/stderr
for file in services protocols hosts host.conf nsswitch.conf resolv.conf passwd group ld.so.cache ld.so.conf alternatives; do
  test ! -e /etc/$file || cp -rP /etc/$file etc/
done
`;
}

/** What tools refused and the script let be seen. */
function refusedByTools({ failures }: Started, stderr: string): RefusedRows['rows'] {
  return failures
    .filter(({ message }) => message !== '' && stderr.includes(message))
    .map(({ line, command, message }) => refusal(line, `${message} (typed: ${command})`));
}

/** What the shell itself could not do: what it has no program for, and what it cannot read as a script. */
function refusedByShell(stderr: string): RefusedRows['rows'] {
  const said = new RegExp(`^/${SCRIPT_FILE}: line (\\d+): (.+)$`, 'gm');
  return [...stderr.matchAll(said)].map(([, line, message = '']) => refusal(Number(line) - 1, message));
}

/** A switch's file takes anything; that it was wrong is seen later, so its line is the last that names it. */
function wrongSwitches({ wrongSwitches: wrong }: Started, script: string): RefusedRows['rows'] {
  const lines = script.split('\n');
  return wrong.map(({ path, message }) => {
    const index = lines.findLastIndex((line) => line.includes(path.split('/').at(-1) ?? path));
    return refusal(Math.max(0, index), `/proc/sys/net/ipv4/${path}: ${message}`);
  });
}

function policyMessage({ policy }: Plan['firewall'], { policies }: Started): string {
  const left = Object.entries(policies).map(([chain, target]) => `${chain} ${target}`);
  return `policy: is ${policy}, but the script leaves ${left.join(', ')}; they must agree (drop: one of them DENY or REJECT)`;
}

/** @param line of the script, from 0 */
function refusal(line: number, message: string): RefusedRows['rows'][number] {
  return { row: null, line, message, column: 0 };
}

function asStarted(planned: Plan['firewall'], now: Started): Plan['firewall'] {
  const { rulesAt } = planned;
  return {
    ...planned,
    policy: now.policy,
    rows: now.rows.map((row) => ({
      ...row,
      column: 0,
      position: rulesAt && { ...rulesAt, line: rulesAt.line + row.line },
    })),
    helper: {
      ...planned.helper,
      ports: now.ftp?.ports ?? [],
      openedBy: 'inside',
      ...(now.ftp && now.ftp.inPorts.length > 0 && { inPorts: now.ftp.inPorts }),
    },
    forward: now.forwarded.map((port) => [port, port] as const),
  };
}
