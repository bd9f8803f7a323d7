// The look-up of owners alone, as a program for the tests: a server that says who is at the other end of each connection, and
// says it again when a line of its input names the connection by its port. With a uid it becomes that user first.
import { once } from 'node:events';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { identify } from '../../src-main/applications/identity.ts';
import { openSocketOwners } from '../../src-main/interception/linux/socket-owner.ts';

const [port = '', user] = process.argv.slice(2);

function say(line: Readonly<Record<string, unknown>>): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

const uid = user === undefined ? (process.getuid?.() ?? -1) : Number(user);
const owners = await openSocketOwners({ identify, uid });

async function tell(clientPort: number): Promise<void> {
  const at = (each: number) => ({ address: '127.0.0.1', port: each });
  say({ event: 'owner', port: clientPort, owner: await owners.find(at(clientPort), at(Number(port))) });
}

// A connection stays open on this side whatever the client does.
const server = createServer({ allowHalfOpen: true }, (socket) => {
  socket.on('error', () => socket.destroy()).resume();
  const { remotePort = 0 } = socket;
  void tell(remotePort);
});
server.listen(Number(port), '127.0.0.1');
await once(server, 'listening');
if (user !== undefined) {
  process.setgroups?.([]);
  process.setgid?.(uid);
  process.setuid?.(uid);
}
say({ event: 'ready' });
for await (const line of createInterface({ input: process.stdin })) await tell(Number(line));
