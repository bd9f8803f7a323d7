import { afterEach, describe, expect, it } from 'vitest';
import { fakeIcap, type IcapScript, modified, noContent } from './icap.fixture.ts';
import { openIcap, parseIcapUrl } from './icap.ts';
import { bytesOf, manualTime, nobodyAborts, until } from './remote.fixture.ts';

const atEnd: (() => unknown)[] = [];

afterEach(async () => {
  for (const end of atEnd.splice(0).reverse()) await end();
});

async function started(script: IcapScript) {
  const server = await fakeIcap(script);
  const time = manualTime();
  const service = parseIcapUrl(`icap://127.0.0.1:${server.port}/av`);
  if (!service) throw new Error('no URL');
  const engine = openIcap({ service, now: time.now, after: time.after, random: () => 1 });
  atEnd.push(
    () => server.close(),
    () => engine.stop(),
  );
  const scan = (text = 'octets') => engine.scan(bytesOf(text), nobodyAborts);
  return { server, time, engine, scan };
}

describe('a server in the place of an ICAP server', () => {
  it('that accepts and says nothing is away after five seconds', async () => {
    let asked = 0;
    const { time, scan } = await started({
      optionsAnswer: () => {
        asked++;
        return undefined;
      },
    });
    const answer = scan();
    await until(() => asked === 1);
    time.pass(5_000);
    expect(await answer).toEqual({ kind: 'down' });
  });

  it('that speaks HTTP is away', async () => {
    const { scan } = await started({ optionsAnswer: () => 'HTTP/1.1 200 OK\r\n\r\n' });
    expect(await scan()).toEqual({ kind: 'down', detail: 'answer' });
  });

  it('that answers OPTIONS without end is away', async () => {
    const { scan } = await started({
      optionsAnswer: () => `ICAP/1.0 200 OK\r\n${'A: b\r\n'.repeat(100_000)}`,
    });
    expect(await scan()).toEqual({ kind: 'down', detail: 'answer' });
  });

  it('that closes at each message has failed', async () => {
    const { server, scan } = await started({
      answer: (_request, socket) => {
        socket.destroy();
        return undefined;
      },
    });
    expect(await scan()).toEqual({ kind: 'failed', detail: 'closed' });
    expect(server.requests.length).toBe(2);
  });

  it('that closes in its answer has failed', async () => {
    const { scan } = await started({
      answer: (_request, socket) => {
        socket.end(noContent.slice(0, 20));
        return undefined;
      },
    });
    expect(await scan()).toEqual({ kind: 'failed', detail: 'closed' });
  });

  it.each([
    ['garbage', 'garbage\r\n'],
    ['garbage without end', 'x'.repeat(1_000_000)],
    ['a chunk that is none', `${modified([], '200 OK', new Uint8Array(0)).toString().slice(0, -5)}zz\r\n`],
  ])('that says %s has failed, and is asked on a new connection', async (_, text) => {
    const { server, scan } = await started({
      answer: ({ body }) => (`${body}` === 'bad' ? text : noContent),
    });
    expect(await scan('bad')).toEqual({ kind: 'failed', detail: 'answer' });
    expect(await scan()).toEqual({ kind: 'clean' });
    expect(server.connections).toBe(1 + 2);
  });

  it('that answers twice does not answer for the next message', async () => {
    const threat = (name: string) => `ICAP/1.0 204 No\r\nX-Virus-ID: ${name}\r\n\r\n`;
    const { scan } = await started({ answer: ({ body }) => `${threat(`${body}`)}${noContent}` });
    for (const name of ['A', 'B', 'C']) expect(await scan(name)).toMatchObject({ name });
  });

  it('that gives back octets without end has changed them', async () => {
    const { server, scan } = await started({
      answer: (_request, socket) => {
        socket.write(modified([], '200 OK', Buffer.alloc(1), 1).subarray(0, -5));
        const go = () => {
          while (!socket.destroyed && socket.write(`ffff\r\n${'x'.repeat(0xffff)}\r\n`));
        };
        socket.on('drain', go);
        go();
        return undefined;
      },
    });
    expect(await scan()).toMatchObject({ kind: 'found', name: 'Icap.Blocked' });
    await until(() => server.open.size === 0);
  });

  it('that answers in the middle of a large message, and reads no more, has answered', async () => {
    const { scan, server } = await started({
      options: ['Preview: 0'],
      previewed: () => `ICAP/1.0 100 Continue\r\n\r\n${noContent}`,
    });
    expect((await scan('x'.repeat(8_000_000))).kind).toBe('skipped');
    await until(() => server.open.size === 0);
  });

  it('that names something without end or meaning gives a name that may be shown', async () => {
    const { scan } = await started({
      answer: () => `ICAP/1.0 204 No\r\nX-Virus-ID: ${'\u001b[2J'.repeat(1_000)}\r\n\r\n`,
    });
    const answer = await scan();
    expect(answer.kind === 'found' && answer.name).toMatch(/^[ -~]{1,200}$/);
  });

  it.each(['-1', '1e9', 'x', '99999999999999999999'])('may want a preview of %s octets', async (preview) => {
    const { scan } = await started({ options: [`Preview: ${preview}`, `Max-Connections: ${preview}`] });
    expect(await scan()).toEqual({ kind: 'clean' });
  });
});
