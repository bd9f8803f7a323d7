// The interception backend alone, as a program for the tests: answers each redirected connection with one line about it and
// gives back what it hears. Takes commands, and says what happens, as JSON lines.
import { createConnection } from 'node:net';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { defaultSettings, type MailTransportSettings } from '../../src-main/contract/settings.ts';
import { createNetfilterBackend } from '../../src-main/interception/linux/netfilter.ts';
import { openSocketOwners } from '../../src-main/interception/linux/socket-owner.ts';
import { planFrom } from '../../src-main/interception/plan.ts';

export type Command =
  | { readonly do: 'apply'; readonly settings: Partial<MailTransportSettings> }
  | { readonly do: 'release' }
  | { readonly do: 'stop' }
  /** Connects as an upstream connection would, from `localPort`. */
  | { readonly do: 'dial'; readonly host: string; readonly port: number; readonly localPort: number };

function say(line: Readonly<Record<string, unknown>>): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

const helper = resolve(import.meta.dirname, '../../src-main/hosts/netfilter-helper/main.ts');
const owners = await openSocketOwners({ identify: (pid) => ({ path: `/proc/${pid}/exe` }) });
const backend = createNetfilterBackend({
  uid: process.getuid?.() ?? -1,
  route: () => ({
    kind: 'start',
    argv: [process.execPath, helper, '--all-users', '--core-uid', '0'],
    asks: false,
  }),
  findOwner: owners.find,
  onStateChange: (state) => say({ event: 'state-changed', ...state }),
  log: (event, fields) => say({ event, ...fields }),
  onConnection: ({ socket, destination, owner }) => {
    socket.on('error', () => socket.destroy());
    socket.write(`${JSON.stringify({ via: 'proxied', destination, owner })}\n`);
    socket.pipe(socket);
  },
});

function dial({ host, port, localPort }: Extract<Command, { do: 'dial' }>): Promise<string> {
  return new Promise((heard, failed) => {
    const socket = createConnection({ host, port, localPort });
    socket.once('data', (bytes) => {
      socket.destroy();
      heard(bytes.toString());
    });
    socket.once('error', failed);
  });
}

async function obey(command: Command): Promise<void> {
  switch (command.do) {
    case 'apply': {
      const plan = planFrom({ ...defaultSettings.mailTransport, ...command.settings }, [], new Date());
      say({ event: 'applied', ...(await backend.apply(plan)) });
      return;
    }
    case 'release':
      await backend.release();
      say({ event: 'released' });
      return;
    case 'stop':
      await backend.stop();
      await backend.stop();
      owners.close();
      say({ event: 'stopped' });
      return;
    case 'dial':
      say({ event: 'dialled', said: await dial(command) });
  }
}

for await (const line of createInterface({ input: process.stdin })) await obey(JSON.parse(line) as Command);
