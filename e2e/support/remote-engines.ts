// What the tests of both remote engines share: messages, and many scans at once.
import { openClamd, parseClamdAddress } from '../../src-main/scanner/engines/clamd.ts';
import { openIcap, parseIcapUrl } from '../../src-main/scanner/engines/icap.ts';
import type { RemoteAnswer, RemoteEngine } from '../../src-main/scanner/engines/remote-engine.ts';
import { attachment, eicar, multipart, textPart, zip } from '../../src-main/scanner/test-messages.ts';
import { clamdFile } from './clamd.ts';

export const realTime = {
  now: () => performance.now(),
  after(delayMs: number, callback: () => void): () => void {
    const timer = setTimeout(callback, delayMs);
    timer.unref();
    return () => clearTimeout(timer);
  },
};

const settings = { ...realTime, random: Math.random };

export function clamdAt(address: string, timeoutMs = 30_000): RemoteEngine {
  const endpoint = parseClamdAddress(address);
  if (!endpoint) throw new Error(`no address: ${address}`);
  return openClamd({ endpoint, timeoutMs, ...settings });
}

export function icapAt(url: string): RemoteEngine {
  const service = parseIcapUrl(url);
  if (!service) throw new Error(`no URL: ${url}`);
  return openIcap({ service, ...settings });
}

export async function scanned(engine: RemoteEngine, bytes: Uint8Array): Promise<RemoteAnswer> {
  return await engine.scan({ kind: 'bytes', bytes }, new AbortController().signal);
}

/** Small messages, each of its own, every fifth with something in it that clamd knows. */
export function manyMessages(
  count: number,
): readonly { readonly bytes: Buffer; readonly isFound: boolean }[] {
  return Array.from({ length: count }, (_, at) => {
    const isFound = at % 5 === 0;
    const text = Buffer.from(`Message ${at} of ${count}, ${Math.random()}\r\n`.repeat(20));
    const attached = attachment('a.bin', isFound ? clamdFile : text);
    return { bytes: multipart(`b${at}`, [textPart, attached]), isFound };
  });
}

export interface ManyAnswers {
  readonly right: number;
  /** By kind: those that are no verdict. */
  readonly none: Readonly<Record<string, number>>;
  readonly wrong: readonly RemoteAnswer[];
}

/** Scans all of them at once. `at`: called with the number of answers so far. */
export async function scanMany(
  engine: RemoteEngine,
  messages: ReturnType<typeof manyMessages>,
  at: (answered: number) => void = () => undefined,
): Promise<ManyAnswers> {
  let answered = 0;
  const answers = await Promise.all(
    messages.map(async ({ bytes, isFound }) => {
      const answer = await scanned(engine, bytes);
      at(++answered);
      return { answer, isFound };
    }),
  );
  const none: Record<string, number> = {};
  const wrong: RemoteAnswer[] = [];
  let right = 0;
  for (const { answer, isFound } of answers) {
    if (answer.kind === 'down' || answer.kind === 'timeout') none[answer.kind] = (none[answer.kind] ?? 0) + 1;
    else if (answer.kind === (isFound ? 'found' : 'clean')) right++;
    else wrong.push(answer);
  }
  return { right, none, wrong };
}

/** Resolves when the engine is as it should be. */
export async function untilUp(engine: RemoteEngine, isUp = true): Promise<void> {
  for (let tries = 0; engine.isUp !== isUp; tries++) {
    if (tries === 400) throw new Error(`the engine is ${isUp ? 'not up' : 'still up'}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Infected in a way, by name: what clamd should say of each. */
export const sampleMessages: Readonly<Record<string, Buffer>> = {
  clean: multipart('b', [textPart, attachment('a.txt', Buffer.from('nothing\n'))]),
  'an attachment': multipart('b', [textPart, attachment('eicar.com', eicar)]),
  'a zip': multipart('b', [textPart, attachment('e.zip', zip([{ name: 'eicar.com', bytes: eicar }]))]),
  'a known file': multipart('b', [textPart, attachment('a.bin', clamdFile)]),
  'an encrypted zip': multipart('b', [
    textPart,
    attachment(
      'c.zip',
      zip([
        {
          name: 'a',
          bytes: Buffer.alloc(200, 'x'),
          stored: true,
          local: { flags: 1 },
          central: { flags: 1 },
        },
      ]),
    ),
  ]),
};
