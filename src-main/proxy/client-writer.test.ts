import { Duplex } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { ClientWriter } from './client-writer.ts';

/** A client that takes octets only when it is told to. */
function slowClient() {
  const taken: string[] = [];
  const waiting: (() => void)[] = [];
  const socket = new Duplex({
    highWaterMark: 1,
    read: () => undefined,
    write(chunk, _encoding, done) {
      taken.push(String(chunk));
      waiting.push(done);
    },
  });
  return { socket, taken, takeOne: () => waiting.shift()?.() };
}

async function* chunks(...texts: string[]) {
  for (const each of texts) yield Buffer.from(each);
}

async function takeAll(client: ReturnType<typeof slowClient>) {
  for (let i = 0; i < 40; i++) {
    client.takeOne();
    await turn();
  }
}

describe('the order of what goes to the client', () => {
  test('octets, streams and what comes after them keep their turns', async () => {
    const client = slowClient();
    const writer = new ClientWriter(client.socket, {
      onBacklog: () => undefined,
      onFlood: () => undefined,
      onFailure: () => undefined,
    });
    writer.write(Buffer.from('1'));
    writer.stream(() => chunks('2', '3'));
    writer.write(Buffer.from('4'));
    writer.after(() => client.taken.push('then'));
    writer.stream(() => chunks('5'));
    await takeAll(client);
    expect(client.taken).toEqual(['1', '2', '3', '4', 'then', '5']);
  });

  test('says when it waits for the client, and when no more', async () => {
    const client = slowClient();
    const said: boolean[] = [];
    const writer = new ClientWriter(client.socket, {
      onBacklog: (waiting) => said.push(waiting),
      onFlood: () => undefined,
      onFailure: () => undefined,
    });
    writer.write(Buffer.from('first'));
    expect(said).toEqual([true]);
    await takeAll(client);
    expect(said).toEqual([true, false]);
  });

  test('a stream that breaks is reported, and what stood behind it is not sent', async () => {
    const client = slowClient();
    let failed = 0;
    const writer = new ClientWriter(client.socket, {
      onBacklog: () => undefined,
      onFlood: () => undefined,
      onFailure: () => failed++,
    });
    writer.stream(async function* () {
      yield Buffer.from('half');
      throw new Error('disk');
    });
    await takeAll(client);
    expect(failed).toBe(1);
    expect(client.taken).toEqual(['half']);
  });

  test('a client that vanishes while it is waited for ends the waiting', async () => {
    const client = slowClient();
    client.socket.on('error', () => undefined);
    const said: boolean[] = [];
    const writer = new ClientWriter(client.socket, {
      onBacklog: (waiting) => said.push(waiting),
      onFlood: () => undefined,
      onFailure: () => undefined,
    });
    writer.write(Buffer.from('first'));
    writer.write(Buffer.from('second'));
    client.socket.destroy();
    await turn();
    await turn();
    expect(said).toEqual([true, false]);
    expect(client.taken).toEqual(['first']);
  });

  test('says when the client leaves a mebibyte of answers unread, and when it has read half of them', async () => {
    const client = slowClient();
    const said: boolean[] = [];
    const writer = new ClientWriter(client.socket, {
      onBacklog: () => undefined,
      onFlood: (flooded) => said.push(flooded),
      onFailure: () => undefined,
    });
    const answer = Buffer.alloc(128 * 1024);
    for (let i = 0; i < 9; i++) writer.write(answer);
    expect(said).toEqual([]);
    writer.write(answer);
    expect(said).toEqual([true]);
    await takeAll(client);
    expect(said).toEqual([true, false]);
  });
});
