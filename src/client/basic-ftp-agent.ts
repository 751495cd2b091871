import { pause } from '../agent/pause';
import { now } from '../agent/clock';
import { readMessages, report, type ClientCommand, type ClientConfig } from '../agent/messages';
import { BasicFtp } from './basic-ftp';

// The process runs inside the client host. The first line of its input is its configuration, every
// further one a command, answered by "done". When the input ends the lab is gone, and so is it.
let client: BasicFtp | undefined;

readMessages<ClientConfig | ClientCommand>(
  process.stdin,
  (message) => {
    if ('program' in message) {
      client = new BasicFtp(message);
      report({ type: 'ready', at: now() });
    } else {
      void obey(message);
    }
  },
  () => process.exit(0),
);

async function obey(command: ClientCommand): Promise<void> {
  report({ type: 'begin', at: now(), id: command.id });
  let error: string | null = null;
  try {
    if (!client) throw new Error('a command came before the configuration');
    if (command.do === 'connect') await client.connect();
    else if (command.do === 'transfer') await client.transfer(command.transfer);
    else if (command.do === 'command') await client.command(command.command);
    else if (command.do === 'idle') await pause(command.seconds);
    else client.close();
  } catch (caught) {
    error = caught instanceof Error ? caught.message : String(caught);
  }
  report({ type: 'done', at: now(), id: command.id, error, closed: client?.closed ?? true });
}
