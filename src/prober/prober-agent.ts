import { now } from '../agent/clock';
import {
  readMessages,
  report,
  type ProbeCommand,
  type ProberConfig,
  type ServerCommand,
} from '../agent/messages';
import { RawSocket } from '../agent/raw-socket';
import { loadSystemCalls, NotLoadable, type SystemCalls } from '../agent/system-calls';
import { addressBytes } from './probe-packet';
import { proberPace, sendProbes, type ProberState } from './send-probes';

// The process runs inside the prober's host. The first line of its input is its configuration, every
// further one a command, answered by "done", one after the other. When the input ends the lab is gone,
// and so is it.
//
// Its host's kernel knows nothing of these packets: to a SYN/ACK that comes back it answers with RST, as
// to any segment for a connection that is not there (RFC 9293 §3.5.2).
let config: ProberConfig | undefined;
let calls: SystemCalls | undefined;
let state: ProberState | undefined;
let turn = Promise.resolve();

readMessages<ProberConfig | ProbeCommand | ServerCommand>(
  process.stdin,
  (message) => {
    if ('program' in message) start(message);
    else turn = turn.then(() => obey(message));
  },
  () => process.exit(0),
);

function start(message: ProberConfig): void {
  try {
    addressBytes(message.address);
    calls = loadSystemCalls(__dirname);
    config = message;
    report({ type: 'ready', at: now() });
  } catch (error) {
    if (error instanceof NotLoadable) {
      report({ type: 'missing', message: error.message, remedy: error.remedy });
      return;
    }
    process.stderr.write(`The prober can't start: ${String(error)}\n`);
    process.exit(1);
  }
}

async function obey(command: ProbeCommand | ServerCommand): Promise<void> {
  let error: string | null = null;
  if (command.do === 'probe') {
    report({ type: 'begin', at: now(), id: command.id });
    try {
      await sendProbes(command, opened(), report);
    } catch (caught) {
      error = caught instanceof Error ? caught.message : String(caught);
    }
  }
  report({ type: 'done', at: now(), id: command.id, error, closed: false });
}

/** The socket is opened by the first probe: a command can be answered with what is wrong. */
function opened(): ProberState {
  if (!config || !calls) throw new Error('a command came before the configuration');
  state ??= {
    address: config.address,
    socket: new RawSocket(calls),
    pace: proberPace(),
  };
  return state;
}
