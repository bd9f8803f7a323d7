// Makes a message harmless in which a remote engine found something: in steps from the parts in which it finds it to
// everything, each proven by another look of the engines that found something.

import { piecesOf } from './engines/remote-source.ts';
import { fillAll, noticeFor } from './fill.ts';
import { isHarmful } from './findings.ts';
import type { KnownFinding } from './known-findings.ts';
import { differences, type Overwrite } from './neutralise.ts';
import { distinctParts, type RemoteLook } from './remote-look.ts';
import { type ScanOptions, type ScanResult, sizeOf } from './scan-job.ts';
import type { Scanner } from './scanner.ts';
import type { ScanSource } from './worker-messages.ts';

export interface FoundMessage {
  readonly scanner: Scanner;
  readonly source: ScanSource;
  /** What was asked for. */
  readonly options: ScanOptions;
  /** What the built-in engines made of it. */
  readonly result: ScanResult;
  /** Of the engines that found something harmful. */
  readonly looks: readonly RemoteLook[];
  /** Aborts when the time of the remote engines is over. */
  readonly over: AbortSignal;
}

type Made = Pick<ScanResult, 'overwrites' | 'tags'>;

/** What can go along with another scan of the same message: it was followed once. */
function again({ signal, name, sha256 }: ScanOptions): ScanOptions {
  return {
    ...(signal && { signal }),
    ...(name !== undefined && { name }),
    ...(sha256 !== undefined && { sha256 }),
  };
}

/** The message as it would be delivered. */
async function changedForm(source: ScanSource, { overwrites, tags }: Made): Promise<Buffer> {
  const message = Buffer.allocUnsafe(sizeOf(source));
  let at = 0;
  for await (const piece of piecesOf(source, 0, message.length)) {
    message.set(piece, at);
    at += piece.length;
  }
  message.fill(0, at);
  for (const { offset, bytes } of [...overwrites, ...tags]) message.set(bytes, offset);
  return message;
}

/** All of a message but its line ends, should no worker be able to say what else: nothing harmful is left of it. */
async function everything(source: ScanSource, name: string): Promise<Made> {
  const overwrites: Overwrite[] = [];
  let notice = noticeFor(name);
  let at = 0;
  for await (const piece of piecesOf(source, 0, sizeOf(source))) {
    const changed = Buffer.from(piece);
    fillAll(changed, { start: 0, end: changed.length }, notice);
    for (const { offset, bytes } of differences(Buffer.from(piece), changed))
      overwrites.push({ offset: at + offset, bytes });
    at += piece.length;
    notice = Buffer.alloc(0);
    // A large message leaves others their turn.
    await new Promise((next) => setImmediate(next));
  }
  return { overwrites, tags: [] };
}

/** Where the engines find in parts what they found in the whole. */
async function locate({ scanner, source, options, looks }: FoundMessage): Promise<void> {
  const lost = looks.filter(({ isUnlocated }) => isUnlocated);
  if (lost.length === 0) return;
  const { leaves } = await scanner.scan(source, { ...again(options), leaves: 'all' });
  const { parts } = distinctParts(leaves);
  await Promise.all(lost.map((look) => look.parts(parts)));
}

/** What all of `looks` say together of the changed form: of the whole, and with its decoded parts, where these count. */
async function proof(
  found: FoundMessage,
  made: Made,
  withParts: boolean,
): Promise<'harmless' | 'harmful' | 'unknown'> {
  const { scanner, source, options, looks, over } = found;
  if (over.aborted) return 'unknown';
  const bytes = await changedForm(source, made);
  const forms: Uint8Array[] = [bytes];
  if (withParts) {
    const { signal } = options;
    const { leaves } = await scanner.scan(
      { kind: 'bytes', bytes },
      { ...(signal && { signal }), leaves: 'all' },
    );
    forms.push(...distinctParts(leaves).parts.map((part) => part.bytes));
  }
  const answers = await Promise.all(
    looks.flatMap((look) => forms.map((form) => look.again({ kind: 'bytes', bytes: form }))),
  );
  if (answers.includes('harmful')) return 'harmful';
  return answers.includes('unknown') ? 'unknown' : 'harmless';
}

async function harmlessForm(found: FoundMessage): Promise<Made> {
  const { scanner, source, options, result, looks, over } = found;
  // Mostly all engines find the same, and the built-in ones have said how it goes away.
  const isOnlyWhole = looks.every(({ findings }) => findings.every(({ part }) => part === ''));
  if (isOnlyWhole && result.overwrites.length > 0 && (await proof(found, result, false)) === 'harmless')
    return result;
  if (!over.aborted) await locate(found);
  const known: KnownFinding[] = looks.flatMap(({ findings }) =>
    findings.filter(isHarmful).map(({ name, part, category }) => ({ name, part, category })),
  );
  const name = known[0]?.name ?? '';
  // Parts alone are no answer where nobody can prove it.
  const isInParts = known.some(({ part }) => part !== '') && !over.aborted;
  const inAll = known.map((each) => ({ ...each, part: '' }));
  const inHeader = known.map((each) => ({ ...each, part: '*' }));
  for (const step of isInParts ? [known, inAll, inHeader] : [inAll, inHeader]) {
    const { tag } = options;
    const made = await scanner.scan(source, {
      ...again(options),
      neutralise: true,
      known: [...(options.known ?? []), ...step],
      ...(tag && { tag }),
    });
    // No worker came to an end with it.
    if (made.overwrites.length === 0) break;
    if (step === inHeader) return made;
    const said = await proof(found, made, isInParts);
    if (said === 'harmless' || (said === 'unknown' && step === inAll)) return made;
  }
  return await everything(source, name);
}

/**
 * The overwrites and tags of a message in which `looks` found something harmful, as far as they were asked for.
 * Rejects as a scan does.
 */
export async function neutraliseFound(found: FoundMessage): Promise<Made> {
  const { scanner, source, options, result, looks } = found;
  if (options.neutralise) return await harmlessForm(found);
  if (!options.tag || result.tags.length > 0) return result;
  const known = looks.flatMap(({ findings }) => findings);
  return await scanner.scan(source, { ...again(options), tag: options.tag, known });
}
