import { now } from '../agent/clock';
import { readMessages, report, type ResolverConfig, type ServerCommand } from '../agent/messages';
import { answer, zoneOf } from './answers';
import { listenOnTcp, listenOnUdp, type Asked } from './listeners';

const DNS_PORT = 53;
/** RFC 7766 §6.2.3 leaves it to the server, in the order of a few seconds. */
const IDLE_SECONDS = 5;
/** A peer may send without end; the record stops here and says so. */
const MAX_QUERIES = 20_000;
const MAX_LOG_LINES = 200;

// The process runs inside the resolver's host. The first line of its input is its configuration. When the
// input ends the lab is gone, and so is this resolver.
readMessages<ResolverConfig | ServerCommand>(
  process.stdin,
  (message) => {
    if ('do' in message) {
      report({ type: 'done', at: now(), id: message.id, error: null, closed: false });
      return;
    }
    start(message).then(
      () => {
        report({ type: 'ready', at: now() });
      },
      (error: unknown) => {
        process.stderr.write(`The resolver can't start: ${String(error)}\n`);
        process.exit(1);
      },
    );
  },
  () => process.exit(0),
);

async function start({ address, port = DNS_PORT, names, truncate }: ResolverConfig): Promise<void> {
  const zone = zoneOf(names, truncate);
  const query = bounded(MAX_QUERIES, 'queries');
  const log = bounded(MAX_LOG_LINES, 'what went wrong');
  const trouble = (line: string): void => {
    log(() => {
      report({ type: 'log', at: now(), line });
    });
  };
  const asked: Asked = {
    answer(message, transport, peer) {
      const at = now();
      const answered = answer(message, zone, transport);
      if ('problem' in answered) {
        trouble(`${message.length} bytes from ${peer} over ${transport.toUpperCase()}: ${answered.problem}`);
        return null;
      }
      const { name, reply } = answered;
      query(() => {
        report({ type: 'query', at, name, transport, peer });
      });
      return reply;
    },
    trouble,
  };
  await listenOnUdp(address, port, asked);
  await listenOnTcp(address, port, IDLE_SECONDS, asked);
}

/** Lets so many reports through, then says once that the record stops. */
function bounded(limit: number, what: string): (send: () => void) => void {
  let count = 0;
  return (send) => {
    count += 1;
    if (count <= limit) send();
    if (count === limit) {
      report({ type: 'log', at: now(), line: `the resolver's record of ${what} stops after ${limit}` });
    }
  };
}
