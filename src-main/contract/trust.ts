// What programs trust: the root that our certificates are signed by, the stores that it may be put into, and the programs
// and servers that TLS is not opened for.
import { z } from 'zod';
import { relayReasons } from './connection.ts';
import { errorCodes } from './error-codes.ts';

const errorCodeSchema = z.enum(errorCodes);

/** A certificate as people compare it. */
export const certificateFactsSchema = z.object({
  /** Distinguished names as one line each: `CN=mail.example.org, O=Example`. */
  subject: z.string(),
  issuer: z.string(),
  /** Of the DER; 64 lower-case hex digits. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  /** DNS names and addresses that it is for. */
  names: z.array(z.string()),
  notBefore: z.iso.datetime(),
  notAfter: z.iso.datetime(),
});
export type CertificateFacts = z.infer<typeof certificateFactsSchema>;

const trustStoreKinds = [
  /** What OpenSSL, GnuTLS, p11-kit and Debian's Java read: one bundle for the machine. */
  'system',
  /** The certificates of one Thunderbird profile (NSS). */
  'thunderbird',
  /** `policies.json` of the machine's Thunderbird, for all of its profiles. */
  'thunderbird-policy',
  /** `~/.pki/nssdb`: Chromium, Evolution. */
  'shared-nss',
  /** A Java installation with a store of its own. */
  'java',
  /** A file that the configuration of one program names; reported, never edited. */
  'ca-file',
] as const;

const trustStoreSchema = z.object({
  /** Stable as long as the store lies where it lies; names it in requests. */
  id: z.string().max(5_000),
  kind: z.enum(trustStoreKinds),
  /** The programs that ask this store, as people call them. */
  programs: z.array(z.string()),
  /** The store's own name where one kind has many: a profile's. */
  name: z.string().optional(),
  path: z.string(),
  /** `partly`: a root that is to follow the present one is missing yet. `pinned`: the program compares fingerprints and
   *  asks no store. */
  state: z.enum(['trusted', 'not-trusted', 'partly', 'pinned', 'unavailable']),
  /** Why it is unavailable. */
  reason: errorCodeSchema.optional(),
  /** Technical words: a line to write into a configuration, what a tool said. */
  detail: z.string().optional(),
  /** How the root gets in: by us, with an administrator's consent, or by a person alone. */
  fix: z.enum(['own', 'administrator', 'by-hand']),
  /** A program that uses it runs now, and may read it only at its next start. */
  running: z.boolean(),
  /** The last handshake of such a program with a certificate of ours. */
  lastHandshake: z.object({ at: z.iso.datetime(), accepted: z.boolean(), server: z.string() }).optional(),
});
export type TrustStore = z.infer<typeof trustStoreSchema>;

/** What was done with one store. */
export const trustActionSchema = z.object({
  store: trustStoreSchema.pick({ id: true, kind: true, name: true, path: true }),
  action: z.enum(['installed', 'removed', 'unchanged', 'failed']),
  reason: errorCodeSchema.optional(),
  detail: z.string().optional(),
});
export type TrustAction = z.infer<typeof trustActionSchema>;

/** A program and a server whose TLS is relayed unopened from what was learnt. */
export const tlsRelaySchema = z.object({
  /** Names it in requests. */
  id: z.string(),
  /** Absent: whatever the program. */
  program: z.string().optional(),
  /** Whose program it is; absent: whoever's. */
  uid: z.number().optional(),
  server: z.string(),
  port: z.number(),
  reason: z.enum(relayReasons),
  /** What was seen: an alert's name, or that the connection was closed. */
  detail: z.string().optional(),
  at: z.iso.datetime(),
  /** When it is tried again. */
  until: z.iso.datetime(),
});
export type TlsRelay = z.infer<typeof tlsRelaySchema>;

export const trustSchema = z.object({
  /** The root of today, then the one that follows it before it ends. */
  roots: z.array(certificateFactsSchema),
  /** PEM file of them. */
  caPath: z.string(),
  /** Whose programs' stores are looked after, beside the machine's. */
  homeDir: z.string(),
  stores: z.array(trustStoreSchema),
  relays: z.array(tlsRelaySchema),
});
export type Trust = z.infer<typeof trustSchema>;
