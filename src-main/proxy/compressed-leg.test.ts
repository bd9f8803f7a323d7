import { once } from 'node:events';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { constants, createDeflateRaw, createInflateRaw, deflateRawSync } from 'node:zlib';
import { afterEach, expect, test, vi } from 'vitest';
import { compressedLeg } from './compressed-leg.ts';
import { socketPair } from './testing.fixture.ts';

const teardown: (() => void)[] = [];
afterEach(() => {
  for (const undo of teardown.splice(0)) undo();
});

async function legs(rest: Uint8Array = Buffer.alloc(0)) {
  const { outer, inner } = await socketPair();
  const leg = compressedLeg(inner, rest);
  leg.on('error', () => leg.destroy());
  teardown.push(
    () => outer.destroy(),
    () => leg.destroy(),
  );
  return { outer, leg };
}

/** What a peer that speaks the compressed form reads and writes. */
function peer(socket: Socket) {
  const inflate = createInflateRaw();
  const deflate = createDeflateRaw();
  let text = '';
  inflate.on('data', (bytes: Buffer) => {
    text += bytes.toString('latin1');
  });
  socket.pipe(inflate);
  deflate.pipe(socket);
  return {
    text: () => text,
    write(octets: string) {
      deflate.write(octets);
      deflate.flush(constants.Z_SYNC_FLUSH);
    },
    end: () => deflate.end(),
  };
}

const closed = (leg: Duplex) => new Promise((resolve) => leg.once('close', resolve));

test('both directions, as they come, without waiting for more', async () => {
  const { outer, leg } = await legs();
  const far = peer(outer);
  let got = '';
  leg.on('data', (bytes: Buffer) => {
    got += bytes.toString('latin1');
  });
  leg.write('* OK hello\r\n');
  await vi.waitFor(() => expect(far.text()).toBe('* OK hello\r\n'));
  far.write('a NOOP\r\n');
  await vi.waitFor(() => expect(got).toBe('a NOOP\r\n'));
  leg.cork();
  leg.write('one ');
  leg.write('two');
  leg.uncork();
  await vi.waitFor(() => expect(far.text()).toBe('* OK hello\r\none two'));
});

test('octets that were read before, and an end without the last block', async () => {
  const rest = deflateRawSync('early ', { finishFlush: constants.Z_SYNC_FLUSH });
  const { outer, leg } = await legs(rest);
  let got = '';
  leg.on('data', (bytes: Buffer) => {
    got += bytes.toString('latin1');
  });
  const ended = once(leg, 'end');
  outer.end();
  await ended;
  expect(got).toBe('early ');
});

test('passes its own end on behind all octets', async () => {
  const { outer, leg } = await legs();
  const far = peer(outer);
  const ended = once(outer, 'end');
  leg.end('last words');
  await ended;
  await vi.waitFor(() => expect(far.text()).toBe('last words'));
});

test('large octets arrive whole against a slow reader, and no more of a bomb than is read', async () => {
  const { outer, leg } = await legs();
  const sizeBytes = 64 * 1024 * 1024;
  outer.end(deflateRawSync(Buffer.alloc(sizeBytes)));
  await once(leg, 'readable');
  expect(leg.readableLength).toBeLessThan(1024 * 1024);
  let size = 0;
  for await (const bytes of leg) size += (bytes as Buffer).length;
  expect(size).toBe(sizeBytes);
});

test('what is not deflated, and a peer that vanishes, destroy it', async () => {
  const garbage = await legs();
  const broken = closed(garbage.leg);
  garbage.leg.resume();
  garbage.outer.write(Buffer.from([0xff, 0xff, 0xff]));
  await broken;
  const vanishing = await legs();
  const gone = closed(vanishing.leg);
  vanishing.leg.resume();
  vanishing.outer.resetAndDestroy();
  await gone;
});
