// What connections share of TLS: the roots that servers are judged by, and contexts, one for all clients of one server
// and one for all that offer the same.
import { constants, X509Certificate } from 'node:crypto';
import { createSecureContext, getCACertificates, type SecureContext } from 'node:tls';
import type { Leaf } from '../certificates/leaf.ts';
import {
  cipherSuites,
  isStrong,
  maxVersionOf,
  type TlsVersion,
  type UpstreamTerms,
} from './cipher-suites.ts';

export interface TlsContexts {
  upstream(terms: UpstreamTerms): SecureContext;
  /** `strongFirst`: what of the client's offer has a key of 256 bits comes first. */
  forLeaf(leaf: Leaf, minVersion: TlsVersion, strongFirst: boolean): SecureContext;
  /** What servers' certificates are trusted by. */
  roots(): readonly X509Certificate[];
}

/** A desktop has a few kinds of mail programs, each of which offers the same at each connection. One is about 1 MiB. */
const maxUpstreamContexts = 16;

/**
 * What a context with the system's roots takes outside of the heap. The collector doesn't see it, and would leave a
 * thousand dead ones lying (1 GB) when a program offers something else each time; it sees an array that nobody touches,
 * and that takes no memory therefore.
 */
const contextBytes = 1024 * 1024;

/**
 * A resumed session would skip the checks of both legs; a handshake in the middle of a session would show a certificate
 * that nobody judges, and no mail program starts one.
 */
const secureOptions = constants.SSL_OP_NO_TICKET | constants.SSL_OP_NO_RENEGOTIATION;

const strongest = [...cipherSuites.values()].toSorted(
  (one, other) => Number(isStrong(other)) - Number(isStrong(one)),
);

/**
 * The system's roots, as the client would have used them: what its administrator took out must stay out. The ones
 * that come with Node serve only where the system has none.
 */
function systemRoots(): string[] {
  // A system's store names each root several times over.
  const roots = [...new Set(getCACertificates('system'))];
  return roots.length > 0 ? roots : getCACertificates('default');
}

function parseRoot(pem: string): X509Certificate[] {
  try {
    return [new X509Certificate(pem)];
  } catch {
    // OpenSSL left it out of the store as well.
    return [];
  }
}

/** Contexts that trust these authorities (PEM, one or more each). */
function upstreamContexts(ca: readonly string[]): Pick<TlsContexts, 'upstream' | 'roots'> {
  const latest = new Map<string, SecureContext>();
  const weights = new WeakMap<SecureContext, ArrayBuffer>();
  let roots: readonly X509Certificate[] | undefined;
  return {
    upstream(terms) {
      const { minVersion, ciphers, sigalgs, groups } = terms;
      const name = JSON.stringify(terms);
      const context =
        latest.get(name) ??
        createSecureContext({
          ca: [...ca],
          minVersion,
          maxVersion: maxVersionOf(terms),
          ciphers,
          ...(sigalgs === undefined ? {} : { sigalgs }),
          ...(groups === undefined ? {} : { ecdhCurve: groups }),
          secureOptions,
        });
      if (!weights.has(context)) weights.set(context, new ArrayBuffer(contextBytes));
      // The one used last goes to the end.
      latest.delete(name);
      latest.set(name, context);
      const [oldest] = latest.keys();
      if (latest.size > maxUpstreamContexts && oldest !== undefined) latest.delete(oldest);
      return context;
    },
    roots() {
      roots ??= ca
        .flatMap((text) => text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [])
        .flatMap(parseRoot);
      return roots;
    },
  };
}

/**
 * `extraCa`: PEM of one more authority for servers. Takes some 50 ms, to read the system's roots; each context for a
 * server takes another 8 ms once.
 */
export function createTlsContexts(options: { readonly extraCa?: string | undefined } = {}): TlsContexts {
  const extra = options.extraCa === undefined ? [] : [options.extraCa];
  const byLeaf = new WeakMap<Leaf, Map<string, SecureContext>>();
  return {
    ...upstreamContexts([...systemRoots(), ...extra]),
    forLeaf(leaf, minVersion, strongFirst) {
      const contexts = byLeaf.get(leaf) ?? new Map<string, SecureContext>();
      byLeaf.set(leaf, contexts);
      const name = `${minVersion} ${strongFirst}`;
      const context =
        contexts.get(name) ??
        createSecureContext({
          cert: leaf.certPem,
          key: leaf.keyPem,
          minVersion,
          // Of what the client offers the first one counts (OpenSSL's default), not the first one here, unless its server
          // chose a strong one: so it gets nothing weaker than without us.
          ciphers: (strongFirst ? strongest : [...cipherSuites.values()]).join(':'),
          honorCipherOrder: strongFirst,
          dhparam: 'auto',
          secureOptions,
        });
      contexts.set(name, context);
      return context;
    },
  };
}

/** The same contexts for clients, and for servers ones that trust nothing but an authority of its own (PEM). */
export function trustingOnly(ca: string, contexts: TlsContexts): TlsContexts {
  return {
    ...upstreamContexts([ca]),
    forLeaf: (leaf, minVersion, strongFirst) => contexts.forLeaf(leaf, minVersion, strongFirst),
  };
}
