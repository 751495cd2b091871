import { setFlagsFromString } from 'node:v8';
import { now } from '../agent/clock';
import { readMessages } from '../agent/messages';
import { loadSystemCalls, NotLoadable } from '../agent/system-calls';
import { RefusedCommand } from '../linux22';
import type { RouterCommand, RouterConfig, RouterReport } from './messages';
import { Router } from './router';
import { serveTools } from './tools';

// V8 would let its young generation grow to many times the size it begins with, for garbage that lives no longer than a
// packet. Told here, and not when Node starts, it still takes the code cache.
setFlagsFromString('--semi-space-growth-factor=1');

// The process runs inside the firewall's host, whose kernel neither forwards nor answers. The first line of its
// input is its configuration, every further one a command. When the input ends the lab is gone, and so is it.
let router: Router | undefined;

readMessages<RouterConfig | RouterCommand>(
  process.stdin,
  (message) => {
    if ('do' in message) obey(message);
    else start(message);
  },
  () => {
    // A thread may be waiting for packets, and an exit would wait for it.
    if (router) process.kill(process.pid, 'SIGKILL');
    else process.exit(0);
  },
);

function start(config: RouterConfig): void {
  try {
    const calls = loadSystemCalls(__dirname);
    const started = new Router(config, calls, report);
    serveTools(config.directory, calls, (line, input) => started.run(line, input));
    router = started;
    started.start();
    report({ type: 'ready', at: now() });
  } catch (error) {
    if (error instanceof RefusedCommand) {
      report({
        type: 'refused',
        row: typeof error.row === 'number' ? error.row : null,
        line: error.place,
        message: error.said,
      });
      return;
    }
    if (error instanceof NotLoadable) {
      report({ type: 'missing', message: error.message, remedy: error.remedy });
      return;
    }
    process.stderr.write(`The router can't start: ${String(error)}\n`);
    process.exit(1);
  }
}

function obey({ id, do: what }: RouterCommand): void {
  if (!router) return;
  // A packet that came before the command was sent before it.
  router.settle();
  if (what === 'counters') report({ type: 'counters', id, rows: router.counters() });
  else if (what === 'started') report({ type: 'started', id, ...router.started() });
  else report({ type: 'told', id, ...router.record() });
}

/** Synchronous on pipes, so nothing is lost when the program is killed next. */
function report(message: RouterReport): void {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}
