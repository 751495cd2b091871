import { now } from '../agent/clock';
import { readMessages, report, type ServerCommand, type ServerConfig } from '../agent/messages';
import { startFtpSrv } from './ftp-srv';

// The process runs inside the server host. The first line of its input is its configuration. When the
// input ends the lab is gone, and so is this server.
readMessages<ServerConfig | ServerCommand>(
  process.stdin,
  (message) => {
    if ('do' in message) {
      report({ type: 'done', at: now(), id: message.id, error: null, closed: false });
      return;
    }
    startFtpSrv(message).then(
      () => {
        report({ type: 'ready', at: now() });
      },
      (error: unknown) => {
        process.stderr.write(`ftp-srv can't start: ${String(error)}\n`);
        process.exit(1);
      },
    );
  },
  () => process.exit(0),
);
