// Programs that a test drives from inside, for use in another host: prints what they stored as a JSON list of base64.
// `lab-programs.ts thunderbird PROFILE TASK COUNT ACCOUNT`, the account as JSON, or `lab-programs.ts imapflow HOST PORT`, which
// trusts what its runtime trusts.
import { ImapFlow } from 'imapflow';
import type { Account } from '../support/clients.ts';
import { type ThunderbirdTask, thunderbirdOf } from '../support/thunderbird.ts';

async function imapflow(host: string, port: number): Promise<Buffer[]> {
  const auth = { user: 'alice', pass: 'secret' };
  const client = new ImapFlow({ host, port, secure: true, auth, logger: false });
  await client.connect();
  await client.mailboxOpen('INBOX');
  const stored: Buffer[] = [];
  for (const { source } of await client.fetchAll('1:*', { source: true })) if (source) stored.push(source);
  await client.logout();
  return stored;
}

const tasks: readonly string[] = ['imap-offline', 'imap-view', 'pop3'] satisfies ThunderbirdTask[];
const isTask = (text: string): text is ThunderbirdTask => tasks.includes(text);

async function stored([program, first = '', second = '', count = '', account = '']: readonly string[]) {
  if (program === 'imapflow') return await imapflow(first, Number(second));
  if (program === 'thunderbird' && isTask(second))
    return await thunderbirdOf(first, JSON.parse(account) as Account, second, Number(count));
  throw new Error(`no such program or task: ${program} ${second}`);
}

const messages = await stored(process.argv.slice(2));
process.stdout.write(JSON.stringify(messages.map((message) => message.toString('base64'))));
