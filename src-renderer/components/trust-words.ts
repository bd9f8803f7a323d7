// Certificates and their stores in words.
import type { TrustAction, TrustStore } from '../../src-main/contract/trust.ts';
import type { Say } from '../i18n.ts';

/** A fingerprint as mail programs write it, `AB:CD:…`, in pieces of eight octets between which a line may break; each by
 * where it begins. */
export function fingerprintPieces(sha256: string): { readonly from: number; readonly text: string }[] {
  return [...sha256.toUpperCase().matchAll(/.{1,16}/g)].map(({ 0: piece, index }) => ({
    from: index,
    text: piece.replaceAll(/(..)(?=.)/g, '$1:'),
  }));
}

/** A store by its kind and its own name. */
export function storeWords(say: Say, { kind, name }: Pick<TrustStore, 'kind' | 'name'>): string {
  return [say(`stores.kind.${kind}`), name].filter(Boolean).join(' · ');
}

/** One sentence about a store that could not be changed; undefined: it could. */
export function failureWords(say: Say, { store, action, reason, detail }: TrustAction): string | undefined {
  if (action !== 'failed') return undefined;
  const words = reason === undefined ? say('problem.call-failed') : say(`error.${reason}`);
  const sentence = say('root.failed', { store: storeWords(say, store), reason: words });
  return detail === undefined ? sentence : `${sentence} ${detail}`;
}
