// Reads the one request of the trust helper: exactly the fields that there are, and a certificate that is one of ours.
import type { MachineRequest } from '../../certificates/trust-stores/store.ts';
import { type AuthorityCertificate, authorityOf } from './certificate.ts';

/** A certificate of ours takes a kilobyte. */
export const maxRequestBytes = 64 * 1024;

export interface StoreChange {
  readonly action: MachineRequest['action'];
  readonly authority: AuthorityCertificate;
}

export interface TrustRequest extends StoreChange {
  readonly store: MachineRequest['store'];
}

/** The request in a line without its end, or what is wrong with it. */
export function requestOf(line: Uint8Array, now: Date): TrustRequest | { readonly problem: string } {
  let given: unknown;
  try {
    given = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(line));
  } catch {
    return { problem: 'not a line of JSON' };
  }
  if (
    typeof given !== 'object' ||
    given === null ||
    Object.keys(given).sort().join() !== 'action,certificate,store'
  )
    return { problem: 'not action, store and certificate alone' };
  const { action, store, certificate }: { action?: unknown; store?: unknown; certificate?: unknown } = given;
  if (action !== 'install' && action !== 'remove') return { problem: 'no such action' };
  if (store !== 'system' && store !== 'thunderbird-policy') return { problem: 'no such store' };
  if (typeof certificate !== 'string') return { problem: 'no certificate' };
  const authority = authorityOf(certificate, now);
  if ('problem' in authority) return authority;
  if (action === 'install' && authority.notAfter <= now) return { problem: 'the certificate has ended' };
  return { action, store, authority };
}
