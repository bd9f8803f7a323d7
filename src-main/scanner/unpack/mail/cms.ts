// CMS (RFC 5652), as S/MIME has it (RFC 8551): messages that are signed around their content, compressed, or encrypted.
// Signatures beside their content and lists of certificates hold nothing to look into.
import { inflate } from '../archives/inflate.ts';
import { memberOf } from '../documents/members.ts';
import type { UnpackContext, Unpacked } from '../unpacker.ts';
import {
  childrenOf,
  constructed,
  type Element,
  elementAt,
  octetStringTag,
  octetsOf,
  sequenceTag,
} from './der.ts';

/** Kinds within each other without a message between them. */
const maxNested = 8;

/** 1.2.840.113549.1 and what follows for CMS: .7 (RFC 5652) and .9.16.1 (RFC 3274, RFC 5083). */
type ContentType = 'data' | 'signed' | 'encrypted' | 'authenticated' | 'compressed';

const contentTypes: Readonly<Record<string, ContentType>> = {
  '2a864886f70d010701': 'data',
  '2a864886f70d010702': 'signed',
  '2a864886f70d010703': 'encrypted',
  '2a864886f70d010704': 'encrypted',
  '2a864886f70d010705': 'signed',
  '2a864886f70d010706': 'encrypted',
  '2a864886f70d0109100102': 'authenticated',
  '2a864886f70d0109100109': 'compressed',
  '2a864886f70d0109100117': 'encrypted',
};

const oidTag = 0x06;
/** `[0]`, constructed. */
const explicitTag = 0xa0;

/** Octets of an object identifier that are compared. */
const oidBytes = 16;

function typeAt(bytes: Buffer, oid: Element | undefined): ContentType | undefined {
  if (oid?.tag !== oidTag) return undefined;
  return contentTypes[bytes.toString('hex', oid.start, Math.min(oid.end, oid.start + oidBytes))];
}

export function isCms(bytes: Buffer): boolean {
  if (bytes[0] !== sequenceTag) return false;
  const outer = elementAt(bytes, 0);
  return outer !== undefined && typeAt(bytes, elementAt(bytes, outer.start, outer.end)) !== undefined;
}

/** The first child of `parent`, if it has the tag. */
function explicitContent(bytes: Buffer, wrapper: Element | undefined): Element | undefined {
  if (wrapper?.tag !== explicitTag) return undefined;
  return elementAt(bytes, wrapper.start, wrapper.end);
}

/** EncapsulatedContentInfo (RFC 5652 §5.2): the first sequence in `content` that begins with a known or other type. */
function encapsulated(
  bytes: Buffer,
  content: Element,
): { oid: Element; wrapper: Element | undefined } | undefined {
  for (const child of childrenOf(bytes, content)) {
    if (child.tag !== sequenceTag) continue;
    const [oid, wrapper] = childrenOf(bytes, child);
    // An AlgorithmIdentifier, as CompressedData and AuthenticatedData have before it, has no `[0]`.
    if (oid?.tag === oidTag && (wrapper?.tag === explicitTag || typeAt(bytes, oid) !== undefined))
      return { oid, wrapper };
  }
  return undefined;
}

/** What a content of a type that is not encrypted holds, and the type of that. */
interface Inner {
  readonly type: ContentType;
  readonly bytes: Buffer;
  readonly complete: boolean;
}

function innerOf(bytes: Buffer, type: ContentType, content: Element): Inner | undefined {
  if (type === 'data') return { type, ...octetsOf(bytes, content) };
  const info = encapsulated(bytes, content);
  const inner = info && explicitContent(bytes, info.wrapper);
  if (!info || !inner) return undefined;
  const innerType = typeAt(bytes, info.oid) ?? 'data';
  // PKCS #7 (RFC 2315 §7) has any element here, CMS an octet string.
  if ((inner.tag & ~constructed) === octetStringTag) return { type: innerType, ...octetsOf(bytes, inner) };
  return { type: innerType, bytes: bytes.subarray(inner.start, inner.end), complete: !inner.isCut };
}

/** Unpacks `bytes`, a ContentInfo. */
export function* unpackCms(bytes: Buffer, { budget }: UnpackContext): Generator<Unpacked> {
  const outer = elementAt(bytes, 0);
  if (!outer) return;
  const [oid, wrapper] = childrenOf(bytes, outer);
  let type = typeAt(bytes, oid);
  let within = bytes;
  let content = explicitContent(bytes, wrapper);
  for (let depth = 0; depth < maxNested; depth++) {
    if (type === 'encrypted') {
      yield { kind: 'limit', code: 'encrypted' };
      return;
    }
    const inner = type && content && innerOf(within, type, content);
    if (!inner) return;
    if (!inner.complete) yield { kind: 'limit', code: 'damaged-archive' };
    within = inner.bytes;
    if (type === 'compressed') {
      // RFC 3274 §2: zlib, whose header has two octets.
      const inflated = inflate(within.subarray(2), budget);
      if (inflated.kind === 'limit') yield { kind: 'limit', code: inflated.code };
      else if (inflated.kind === 'damaged' || inflated.truncated)
        yield { kind: 'limit', code: 'damaged-archive' };
      within = inflated.bytes;
    }
    if (inner.type === 'data') {
      if (within.length > 0) yield memberOf('smime.eml', within, budget);
      return;
    }
    type = inner.type;
    content = elementAt(within, 0);
  }
  yield { kind: 'limit', code: 'archive-depth' };
}
