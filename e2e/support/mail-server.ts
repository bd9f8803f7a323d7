// What every mail server of the tests has in common: its ports, the wait for its greeting, and its end.
import { type ChildProcess, execFileSync } from 'node:child_process';
import { createConnection } from 'node:net';
import { freePort } from './core.ts';
import type { TestMessage } from './messages.ts';

export interface MailServerPorts {
  readonly imap: number;
  readonly imaps: number;
  readonly pop3: number;
  readonly pop3s: number;
}

export interface MailServer {
  readonly ports: MailServerPorts;
  stop(): Promise<void>;
}

/** The mailbox of each user; the password is "secret". */
export type Mailboxes = Readonly<Record<string, readonly TestMessage[]>>;

export async function freeMailPorts(): Promise<MailServerPorts> {
  return {
    imap: await freePort(),
    imaps: await freePort(),
    pop3: await freePort(),
    pop3s: await freePort(),
  };
}

/** Whose processes the servers run as. */
export function nobody(): { readonly uid: number; readonly gid: number } {
  const id = (flag: string) => Number(execFileSync('id', [flag, 'nobody'], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}

/** Whether something there speaks first. */
export async function greets(host: string, port: number): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = createConnection({ host, port });
    socket.on('data', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
    socket.on('close', () => resolve(false));
  });
}

/** A server takes two to four seconds; a busy machine may need more. */
const maxTries = 200;

/** Waits for a server to be up. `hint` ends the sentence of a failure: what to look at. */
export async function waitUntilUp(
  child: ChildProcess,
  isUp: () => Promise<boolean>,
  hint: string,
): Promise<void> {
  for (let tries = 0; !(await isUp()); tries++) {
    if (tries === maxTries) throw new Error(`the mail server gives no greeting; ${hint}`);
    if (child.exitCode !== null) throw new Error(`the mail server ended with ${child.exitCode}; ${hint}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** SIGTERM, and its end. May be called twice. */
export async function endChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await gone;
}
