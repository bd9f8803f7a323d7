import { afterEach, describe, expect, it } from 'vitest';
import { type ClamdScript, fakeClamd } from './clamd.fixture.ts';
import { openClamd } from './clamd.ts';
import { bytesOf, manualTime, nobodyAborts, until } from './remote.fixture.ts';

const atEnd: (() => unknown)[] = [];

afterEach(async () => {
  for (const end of atEnd.splice(0).reverse()) await end();
});

async function started(script: ClamdScript) {
  const server = await fakeClamd(script);
  const time = manualTime();
  const endpoint = { host: '127.0.0.1', port: server.port };
  const engine = openClamd({ endpoint, now: time.now, after: time.after, random: () => 1 });
  atEnd.push(
    () => server.close(),
    () => engine.stop(),
  );
  return { server, time, engine };
}

const scan = ({ engine }: Awaited<ReturnType<typeof started>>, text = 'x') =>
  engine.scan(bytesOf(text), nobodyAborts);

describe('a server in the place of clamd', () => {
  it('that accepts and says nothing is away after five seconds', async () => {
    const clamd = await started({ command: () => undefined });
    const answer = scan(clamd);
    await until(() => clamd.server.commands.length === 1);
    clamd.time.pass(5_000);
    expect(await answer).toEqual({ kind: 'down' });
  });

  it('that answers probes and no scan: that scan has no answer in time', async () => {
    const clamd = await started({ answer: () => undefined });
    const answer = scan(clamd);
    await until(() => clamd.server.streams.length === 1);
    let isAnswered = false;
    void answer.then(() => {
      isAnswered = true;
    });
    await until(() => {
      clamd.time.pass(1);
      return isAnswered;
    });
    expect(await answer).toEqual({ kind: 'timeout' });
  });

  it.each(['PANG', '', 'UNKNOWN COMMAND', 'x'.repeat(100_000)])(
    'that says %.20j to a PING is away',
    async (text) => {
      const clamd = await started({ command: () => text });
      expect((await scan(clamd)).kind).toBe('down');
    },
  );

  it('that closes at each PING is away', async () => {
    const clamd = await started({
      command: (_word, socket) => {
        socket.destroy();
        return undefined;
      },
    });
    expect(await scan(clamd)).toEqual({ kind: 'down' });
  });

  it('that closes at each message has failed', async () => {
    const clamd = await started({
      answer: (_bytes, _id, socket) => {
        socket.destroy();
        return undefined;
      },
    });
    expect(await scan(clamd)).toEqual({ kind: 'failed', detail: 'closed' });
    expect(clamd.server.streams.length).toBe(2);
  });

  it.each([
    ['garbage without end', 'x'.repeat(1_000_000)],
    ['an answer without a number', 'stream: OK\0'],
    ['an answer to nobody', '99999: stream: OK\0'],
    ['a number that is none', '1e0: stream: OK\0'],
    ['nothing', '\0'],
  ])('that says %s has failed', async (_, text) => {
    const clamd = await started({
      answer: (_bytes, _id, socket) => {
        socket.write(text);
        return undefined;
      },
    });
    expect(await scan(clamd)).toEqual({ kind: 'failed', detail: 'closed' });
  });

  it('that gives an answer nobody knows has failed', async () => {
    const clamd = await started({ answer: () => 'stream: PERHAPS' });
    expect(await scan(clamd)).toEqual({ kind: 'failed', detail: 'answer' });
  });

  it('that answers twice does not answer for the next message', async () => {
    const clamd = await started({ answer: (bytes) => `stream: ${bytes} FOUND\x001: stream: OK` });
    for (const name of ['A', 'B', 'C']) expect(await scan(clamd, name)).toMatchObject({ name });
  });

  it('that answers before it is asked does not answer for the next message', async () => {
    const clamd = await started({
      answer: (bytes, id) => `stream: ${bytes} FOUND\x00${id + 1}: stream: OK`,
    });
    for (const name of ['A', 'B', 'C']) expect(await scan(clamd, name)).toMatchObject({ name });
  });

  it('that names something without end or meaning gives a name that may be shown', async () => {
    const clamd = await started({ answer: () => `stream: ${'\u001b[2J\n'.repeat(700)} FOUND` });
    const answer = await scan(clamd);
    expect(answer.kind === 'found' && answer.name).toMatch(/^[ -~]{1,200}$/);
  });
});
