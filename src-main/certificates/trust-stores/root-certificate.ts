// Our root as stores name it, and whether a text or a file holds it.
import { X509Certificate } from 'node:crypto';
import type { Root } from './store.ts';

/** certutil lists names in a column of 60. */
const maxNameLength = 50;

const digits = 8;

const shortHash = (root: Root) => root.facts.sha256.slice(0, digits);

/**
 * The name that NSS databases know it by: two roots of one machine have different ones. A colon would make NSS take
 * what is before it for the name of a token.
 */
export function nicknameOf(root: Root): string {
  const subject = new X509Certificate(root.pem).subject.split('\n');
  const named = subject.find((line) => line.startsWith('CN='))?.slice('CN='.length) ?? 'Postern';
  const name = named.replaceAll(/[^\p{L}\p{N} ._-]/gu, '').slice(0, maxNameLength);
  return `${name.trim() || 'Postern'} ${shortHash(root)}`;
}

/** The name that Thunderbird gives a root that it takes in by itself: by its policy, or from a file. */
export function ownNicknameOf(root: Root): string {
  const fields = new Map(
    new X509Certificate(root.pem).subject.split('\n').map((line) => {
      const at = line.indexOf('=');
      return [line.slice(0, at), line.slice(at + 1)] as const;
    }),
  );
  return `${fields.get('CN')} - ${fields.get('O')}`;
}

/** The name in Java stores, which know lower case alone. */
export const aliasOf = (root: Root): string => `postern-${shortHash(root)}`;

export const derOf = (root: Root): Buffer => new X509Certificate(root.pem).raw;

/** Whether a PEM bundle, or DER, holds it. */
export function holdsRoot(bytes: Buffer, root: Root): boolean {
  const der = derOf(root);
  if (bytes.includes(der)) return true;
  const joined = bytes.toString('latin1').replaceAll(/\s+/g, '');
  return joined.includes(`-----BEGINCERTIFICATE-----${der.toString('base64')}-----END`);
}
