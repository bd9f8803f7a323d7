// The servers that the tests of trust meet: what is right or wrong with the TLS of each one.
import { readFileSync } from 'node:fs';
import type { TlsOptions } from 'node:tls';
import type { Issued, IssueOptions, TestAuthority } from './issuing.ts';

export interface ServerCase {
  readonly id: string;
  /** For people. */
  readonly title: string;
  /** What the client is told to connect to. */
  readonly host: string;
  certificate(authority: TestAuthority): { readonly issued: Issued; readonly staple?: Buffer };
  /** More of the server's options. */
  tls?(authority: TestAuthority): TlsOptions;
  /** It closes the connection at the first octet that it gets. */
  readonly drops?: true;
  /** The client must have a certificate of its own. */
  readonly wantsClientCertificate?: true;
}

/** Lets a server use what OpenSSL calls too weak. */
const anyStrength = 'DEFAULT@SECLEVEL=0';

export interface PlainCase {
  readonly id: string;
  readonly title: string;
  readonly host?: string;
  readonly certificate?: Partial<IssueOptions>;
  readonly tls?: TlsOptions;
}

/** A case of a certificate, where nothing else is said for the host of the same name, and of TLS options. */
export function plainCase({
  id,
  title,
  host = `${id}.example.test`,
  certificate,
  tls,
}: PlainCase): ServerCase {
  return {
    id,
    title,
    host,
    certificate: (authority) => ({ issued: authority.issue(id, { names: [`DNS:${host}`], ...certificate }) }),
    ...(tls === undefined ? {} : { tls: () => tls }),
  };
}

function stapled(id: string, title: string, revoked: boolean): ServerCase {
  return {
    ...plainCase({ id, title }),
    certificate(authority) {
      const issued = authority.issue(id, { names: [`DNS:${id}.example.test`] });
      return { issued, staple: authority.ocspAnswer(issued, { revoked }) };
    },
  };
}

function askingForCertificate(id: string, title: string, tls: TlsOptions): ServerCase {
  return {
    ...plainCase({ id, title }),
    tls: ({ caPath }) => ({ requestCert: true, ca: readFileSync(caPath), ...tls }),
    ...(tls.rejectUnauthorized === false ? {} : { wantsClientCertificate: true }),
  };
}

const fifty = Array.from({ length: 50 }, (_, i) => `DNS:san-${i}.example.test`);
const only12: TlsOptions = { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' };
const only13: TlsOptions = { minVersion: 'TLSv1.3' };

export const serverCases: readonly ServerCase[] = [
  plainCase({ id: 'good', title: 'good (RSA)' }),
  plainCase({ id: 'ecdsa', title: 'good (ECDSA)', certificate: { key: 'ec' } }),
  plainCase({ id: 'tls12', title: 'TLS 1.2 only (RSA)', tls: only12 }),
  plainCase({ id: 'tls12-ecdsa', title: 'TLS 1.2 only (ECDSA)', certificate: { key: 'ec' }, tls: only12 }),
  plainCase({ id: 'tls13', title: 'TLS 1.3 only', tls: only13 }),
  plainCase({ id: 'chain', title: 'signed by an intermediate', certificate: { by: 'intermediate-ca' } }),
  plainCase({
    id: 'wildcard',
    title: 'wildcard',
    host: 'mail.wild.example.test',
    certificate: { names: ['DNS:*.wild.example.test'] },
  }),
  plainCase({ id: 'idn', title: 'international name (xn--)', host: 'xn--bcher-kva.example.test' }),
  plainCase({
    id: 'address',
    title: 'address instead of a name',
    host: '127.0.0.1',
    certificate: { names: ['IP:127.0.0.1'] },
  }),
  plainCase({
    id: 'fifty-names',
    title: '50 names',
    host: 'san-49.example.test',
    certificate: { names: fifty },
  }),
  stapled('staple-good', 'OCSP answer: good', false),
  plainCase({
    id: 'dhe',
    title: 'DHE only',
    tls: { ...only12, ciphers: 'DHE-RSA-AES256-GCM-SHA384', dhparam: 'auto' },
  }),
  plainCase({
    id: 'rsa-exchange',
    title: 'RSA key exchange only',
    tls: { ...only12, ciphers: 'AES256-SHA' },
  }),
  plainCase({ id: 'expired', title: 'expired', certificate: { fromDays: -40, toDays: -3 } }),
  plainCase({ id: 'future', title: 'not yet valid', certificate: { fromDays: 5, toDays: 25 } }),
  plainCase({
    id: 'wrong-name',
    title: "another server's name",
    certificate: { names: ['DNS:elsewhere.test'] },
  }),
  plainCase({ id: 'self-signed', title: 'self-signed', certificate: { by: 'itself' } }),
  plainCase({ id: 'unknown', title: 'unknown authority', certificate: { by: 'unknown' } }),
  plainCase({
    id: 'incomplete',
    title: 'intermediate missing',
    certificate: { by: 'intermediate-ca', completeChain: false },
  }),
  plainCase({
    id: 'constrained',
    title: "outside of its authority's names",
    certificate: { by: 'constrained-ca' },
  }),
  stapled('revoked', 'OCSP answer: revoked', true),
  plainCase({
    id: 'must-staple',
    title: 'OCSP answer promised and missing',
    certificate: { extensions: ['tlsfeature=status_request'] },
  }),
  plainCase({
    id: 'sha1',
    title: 'signed with SHA-1',
    certificate: { digest: 'sha1' },
    tls: { ciphers: anyStrength },
  }),
  plainCase({
    id: 'weak-key',
    title: 'RSA key of 1,024 bits',
    certificate: { key: 'weak' },
    tls: { ciphers: anyStrength },
  }),
  plainCase({
    id: 'tls10',
    title: 'TLS 1.0 only',
    tls: { minVersion: 'TLSv1', maxVersion: 'TLSv1', ciphers: anyStrength },
  }),
  plainCase({
    id: 'tls11',
    title: 'TLS 1.1 only',
    tls: { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: anyStrength },
  }),
  plainCase({
    id: 'no-cipher',
    title: 'no cipher in common',
    tls: { ...only12, ciphers: 'ADH-AES256-GCM-SHA384:@SECLEVEL=0', dhparam: 'auto' },
  }),
  askingForCertificate('asks', 'asks for a client certificate', { rejectUnauthorized: false }),
  askingForCertificate('needs-12', 'needs a client certificate (TLS 1.2)', only12),
  askingForCertificate('needs-13', 'needs a client certificate (TLS 1.3)', only13),
  { ...plainCase({ id: 'drops', title: 'closes at the ClientHello' }), drops: true },
];
