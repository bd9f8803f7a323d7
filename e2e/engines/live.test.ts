// The engines in the running product: cores in front of a mail server, one of them with a clamd that alone knows some
// strings, while settings, rules and clamd itself change around them.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeArchive } from '../../src-main/scanner/sandbox/archives.fixture.ts';
import {
  attachment,
  eicar,
  message,
  multipart,
  textPart,
  zip,
} from '../../src-main/scanner/test-messages.ts';
import { type Clamd, type ClamdFront, clamdPattern, makeClamd, openClamdFront } from '../support/clamd.ts';
import { curlImapMessage, curlPop3 } from '../support/clients.ts';
import { postern, quarantinedOriginals, type RunningCore, startCore } from '../support/core.ts';
import { makeDirectory } from '../support/directory.ts';
import { type Dovecot, startMailServer } from '../support/dovecot.ts';
import { type ScannedServer, startScannedServer } from '../support/fixed-listeners.ts';
import { openImapTalker } from '../support/imap-talker.ts';
import { bigMessage, containsVirus } from '../support/messages.ts';
import { clamdAt, scanned } from '../support/remote-engines.ts';
import { missingTools } from '../support/tools.ts';

const missing = missingTools(['clamd', 'dovecot', 'curl', 'openssl'], { root: true });

/** Known to nobody at first. */
const unknown = (name: string) => Buffer.from(['POSTERN-E2E-', 'LATER-KNOWN-', name].join(''), 'latin1');
const late = unknown('to-clamd');
const listed = unknown('by-its-hash');
const ruled = unknown('by-a-rule');

const text = (name: string, body = `Only text, of ${name}.`) =>
  message([`Subject: ${name}`, `Message-ID: <${name}@example.test>`], `${body}\r\n`);
const withFile = (name: string, bytes: Buffer) =>
  multipart('b', [textPart, attachment(name, bytes), textPart]);

/** Takes seconds to unpack, and has the virus behind what takes so long. */
async function slowArchive(): Promise<Buffer> {
  const slow = Buffer.from(bigMessage('slow', 16_000_000).wire);
  return await makeArchive('7z', { 'a.txt': slow, 'eicar.com': eicar }, ['-m0=BZip2', '-mx=1', '-ms=off']);
}

const mail = {
  clean: text('clean'),
  known: withFile('a.bin', clamdPattern),
  whileDown: text('while-down'),
  withheld: text('withheld'),
  late: text('late', `What is ${late}?`),
  listed: withFile('a.bin', listed),
  ruled: withFile('a.bin', ruled),
  zip: withFile('a.zip', zip([{ name: 'eicar.com', bytes: eicar }])),
} as const;
type Name = keyof typeof mail | 'slow';

describe.skipIf(missing !== undefined)(`engines in the running core${missing ?? ''}`, () => {
  let directory = '';
  let clamd: Clamd;
  let front: ClamdFront;
  /** One core that clamd is set for, and one that looks alone. */
  let asking: ScannedServer<Dovecot>;
  let alone: ScannedServer<Dovecot>;
  const messages = new Map<Name, Buffer>(Object.entries(mail) as [Name, Buffer][]);

  const dataDirOf = ({ listeners }: ScannedServer<Dovecot>) => listeners.core.ready.dataDir;
  const set = (at: ScannedServer<Dovecot>, name: string, value: string) =>
    postern(dataDirOf(at), 'settings', 'set', `scanning.${name}`, value);
  const status = (at: ScannedServer<Dovecot>) => postern(dataDirOf(at), 'status').toString();
  const counters = (at: ScannedServer<Dovecot>) =>
    JSON.parse(postern(dataDirOf(at), 'status', '--json').toString()).counters;
  const quarantine = (at: ScannedServer<Dovecot>) =>
    JSON.parse(postern(dataDirOf(at), 'quarantine', 'list', '--json').toString());
  const original = (name: Name) => messages.get(name) ?? Buffer.alloc(0);
  const uidOf = (name: Name) => String([...messages.keys()].indexOf(name) + 1);
  const accountAt = (at: ScannedServer<Dovecot>) => at.listeners.account('tls', 'imap');
  const fetched = async (at: ScannedServer<Dovecot>, name: Name) =>
    await curlImapMessage(accountAt(at), uidOf(name));
  /** What became of a message on its way. */
  async function fate(at: ScannedServer<Dovecot>, name: Name): Promise<'as it was' | 'harmless' | 'spoilt'> {
    const came = await fetched(at, name);
    if (came.equals(original(name))) return 'as it was';
    const harmful = [clamdPattern, late, listed, ruled].some((each) => came.includes(each));
    return came.length === original(name).length && !harmful && !containsVirus(came) ? 'harmless' : 'spoilt';
  }

  beforeAll(async () => {
    messages.set(
      'slow',
      multipart('b', [
        textPart,
        attachment('a.7z', await slowArchive()),
        attachment('b.bin', bigMessage('big', 8_000_000).wire),
      ]),
    );
    directory = makeDirectory('live-clamd');
    clamd = await makeClamd({ directory });
    await clamd.start();
    front = await openClamdFront(clamd, join(directory, 'front.ctl'), 'ClamAV 1.0/1/a day');
    const users = {
      alice: [...messages].map(([name, wire]) => ({ name, wire, infected: false })),
    };
    const start = (name: string) => startScannedServer(name, (place) => startMailServer({ ...place, users }));
    asking = await start('live-asking');
    alone = await start('live-alone');
  });
  afterAll(async () => {
    await asking?.stop();
    await alone?.stop();
    front?.stop();
    await clamd?.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  const saysOfClamd = async (words: RegExp, timeout = 20_000) =>
    await expect.poll(() => status(asking), { timeout, interval: 300 }).toMatch(words);

  test('clamd, set on the running core, finds what it alone knows', async () => {
    expect(await fate(asking, 'known')).toBe('as it was');
    set(asking, 'clamd', clamd.socketPath);
    await saysOfClamd(/^engine +clamd ClamAV [\d.]+$/m);
    expect(await fate(asking, 'known')).toBe('harmless');
    const [entry, ...others] = quarantine(asking);
    expect(others).toEqual([]);
    expect(entry.verdict.detections).toMatchObject([
      { engine: 'clamd', name: 'Mail.Test.Pattern.UNOFFICIAL', category: 'malware' },
    ]);
    expect(quarantinedOriginals(dataDirOf(asking))).toEqual([original('known').toString('latin1')]);
    expect(await fate(asking, 'clean')).toBe('as it was');
  });

  test('killed, it holds no mail up, is counted, and the status says so', async () => {
    clamd.signal('SIGKILL');
    const startedAt = performance.now();
    expect(await fate(asking, 'whileDown')).toBe('as it was');
    expect(performance.now() - startedAt).toBeLessThan(5_000);
    expect(counters(asking).notScannedByReason).toEqual({ 'engine-down': 1 });
    await saysOfClamd(/^engine +clamd .*: does not answer$/m);
  });

  test('what it could not be asked about stays on the server, where that is wished, until it is back', async () => {
    set(asking, 'whenEngineDown', 'withhold');
    const { caPath, port } = accountAt(asking);
    const talker = await openImapTalker(port, caPath);
    await talker.command('LOGIN alice secret');
    await talker.command('SELECT INBOX');
    const fetch = () => talker.command(`UID FETCH ${uidOf('withheld')} BODY.PEEK[]`);
    expect((await fetch()).toString()).toMatch(/^t3 NO \[UNAVAILABLE\] /);
    expect((await talker.command('UID SEARCH ALL')).toString()).toContain(` ${uidOf('withheld')} `);
    // What the engines here find is no question for clamd.
    const came = await curlPop3(asking.listeners.account('tls', 'pop3'));
    expect(came.map(({ length }) => length).sort()).toEqual(
      (['clean', 'zip', 'slow'] as const).map((name) => original(name).length).sort(),
    );
    // Found clean before, by an engine that is as it was.
    expect(await fate(asking, 'clean')).toBe('as it was');
    await clamd.start();
    await saysOfClamd(/^engine +clamd ClamAV [\d.]+$/m);
    expect((await fetch()).includes(original('withheld'))).toBe(true);
    talker.close();
    set(asking, 'whenEngineDown', 'deliver');
  });

  test('what it learns is found in what was clean before, too, as soon as its version is another one', async () => {
    set(asking, 'clamd', front.socketPath);
    await saysOfClamd(/^engine +clamd ClamAV 1.0\/1\/a day$/m);
    expect(await fate(asking, 'late')).toBe('as it was');
    clamd.addPattern('Mail.Test.Late', late);
    await clamd.reload();
    const engine = clamdAt(clamd.socketPath);
    await expect
      .poll(() => scanned(engine, original('late')), { timeout: 10_000, interval: 100 })
      .toMatchObject({ kind: 'found' });
    await engine.stop();
    // It would be found now, but it is not asked about: for all that is known, nothing has changed.
    expect(await fate(asking, 'late')).toBe('as it was');
    front.setVersion('ClamAV 1.0/2/a day');
    // Its version is asked for once a minute, and when it is set.
    set(asking, 'clamd', 'off');
    set(asking, 'clamd', front.socketPath);
    await saysOfClamd(/^engine +clamd ClamAV 1.0\/2\/a day$/m);
    expect(await fate(asking, 'late')).toBe('harmless');
  });

  test('rules and hash lists that are put into the data directory count within seconds, and no longer when gone', async () => {
    const rules = join(dataDirOf(alone), 'rules.d');
    mkdirSync(rules, { recursive: true });
    expect(await fate(alone, 'listed')).toBe('as it was');
    expect(await fate(alone, 'ruled')).toBe('as it was');
    const md5 = createHash('md5').update(listed).digest('hex');
    writeFileSync(join(rules, 'own.hdb'), `${md5}:${listed.length}:Test.Own.Listed\n`);
    writeFileSync(
      join(rules, 'own.yar'),
      `rule own {\n  meta:\n    name = "Test.Own.Ruled"\n    category = "malware"\n  strings:\n    $a = "${ruled}"\n  condition:\n    $a\n}\n`,
    );
    writeFileSync(join(rules, 'broken.yar'), 'rule broken {\n  condition:\n    $nowhere\n}\n');
    const startedAt = performance.now();
    await expect.poll(() => fate(alone, 'listed'), { timeout: 20_000, interval: 200 }).toBe('harmless');
    await expect.poll(() => fate(alone, 'ruled'), { timeout: 10_000, interval: 200 }).toBe('harmless');
    expect(performance.now() - startedAt).toBeLessThan(12_000);
    expect(quarantine(alone).map((each: never) => each['verdict']['detections'][0]['name'])).toEqual(
      expect.arrayContaining(['Test.Own.Listed', 'Test.Own.Ruled']),
    );
    expect(status(alone)).toMatch(/^rules +left out: broken\.yar:3: /m);
    for (const name of readdirSync(rules)) rmSync(join(rules, name));
    await expect.poll(() => fate(alone, 'listed'), { timeout: 20_000, interval: 200 }).toBe('as it was');
    await expect.poll(() => fate(alone, 'ruled'), { timeout: 10_000, interval: 200 }).toBe('as it was');
    expect(status(alone)).not.toContain('left out');
  });

  test('an archive that is not to be looked into is delivered and counted, and found when it is', async () => {
    for (const round of [1, 2]) {
      set(alone, 'archives', 'false');
      expect(await fate(alone, 'zip')).toBe('as it was');
      expect(counters(alone).notScannedByReason).toEqual({ 'by-setting': round });
      set(alone, 'archives', 'true');
      expect(await fate(alone, 'zip')).toBe('harmless');
    }
  });

  /** The unpacking processes of a core. */
  function unpackersOf(pid: number): number[] {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
      .filter((each) => isChildOf(each, pid) && commandOf(each).includes('seven-zip-child'));
  }

  test('a core that is killed while it unpacks leaves no process, and the mail comes after its restart', async () => {
    const { core } = alone.listeners;
    const account = accountAt(alone);
    const started = curlImapMessage(account, uidOf('slow'));
    const ended = expect(started).rejects.toThrow();
    let [unpacker] = unpackersOf(core.ready.pid);
    await expect
      .poll(
        () => {
          [unpacker] = unpackersOf(core.ready.pid);
          return unpacker === undefined ? 0 : processorTicks(unpacker);
        },
        { timeout: 20_000, interval: 10 },
      )
      .toBeGreaterThan(60);
    core.child.kill('SIGKILL');
    await ended;
    await expect.poll(() => existsSync(`/proc/${unpacker}`), { timeout: 2_000, interval: 20 }).toBe(false);
    let again: RunningCore | undefined;
    try {
      again = await startCore({ args: core.child.spawnargs.slice(2) });
      const came = await curlImapMessage(account, uidOf('slow'));
      expect(came.length).toBe(original('slow').length);
      expect(came.equals(original('slow'))).toBe(false);
      const originals = quarantinedOriginals(dataDirOf(alone));
      expect(originals.includes(original('slow').toString('latin1'))).toBe(true);
    } finally {
      await again?.stop();
    }
  });
});

const commandOf = (pid: number) => readProc(pid, 'cmdline');

function readProc(pid: number, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'latin1');
  } catch {
    // It has ended meanwhile.
    return '';
  }
}

/** proc_pid_stat(5), from the third field on: the second may hold anything. */
function statOf(pid: number): string[] {
  return readProc(pid, 'stat')
    .replace(/^.*\) /s, '')
    .split(' ');
}

function isChildOf(pid: number, parent: number): boolean {
  return statOf(pid)[1] === String(parent);
}

/** Of user code, in hundredths of a second. */
function processorTicks(pid: number): number {
  return Number(statOf(pid)[11]);
}
