// Authorities for tests: ours, as the project makes them, and others made by OpenSSL.
import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { certificatePem, makeAuthority } from '../../certificates/forge.ts';
import { type AuthorityCertificate, authorityOf } from './certificate.ts';

const yearMs = 365 * 24 * 60 * 60 * 1000;

/** PEM of a fresh root of ours that ends after so many years. */
export function ownRoot(years = 10, commonName = 'Postern test'): string {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const notBefore = new Date(Date.now() + Math.min(0, years) * 2 * yearMs - yearMs / 365);
  const validity = { notBefore, notAfter: new Date(Date.now() + years * yearMs) };
  return certificatePem(makeAuthority({ commonName, publicKey, privateKey, validity }));
}

export function ownAuthority(): AuthorityCertificate {
  const authority = authorityOf(ownRoot(), new Date());
  if ('problem' in authority) throw new Error(authority.problem);
  return authority;
}

/** PEM of a self-signed certificate by OpenSSL. `extensions`: as in its configuration, one a line. */
export function foreignRoot({
  subject = '/O=Postern/CN=Postern test',
  extensions = [
    'basicConstraints=critical,CA:TRUE,pathlen:0',
    'keyUsage=critical,keyCertSign',
    'extendedKeyUsage=serverAuth',
    'subjectKeyIdentifier=hash',
    'authorityKeyIdentifier=keyid',
  ],
  key = ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256'],
  options = ['-days', '30', '-sha256'],
}: {
  readonly subject?: string;
  readonly extensions?: readonly string[];
  readonly key?: readonly string[];
  readonly options?: readonly string[];
} = {}): string {
  const directory = mkdtempSync(join(tmpdir(), 'postern-root-'));
  try {
    const config = join(directory, 'config');
    const lines = ['[req]', 'distinguished_name=dn', 'string_mask=utf8only', '[dn]', '[ext]', ...extensions];
    writeFileSync(config, `${lines.join('\n')}\n`);
    const out = join(directory, 'root.pem');
    const files = ['-keyout', join(directory, 'key.pem'), '-out', out];
    const form = ['-x509', '-config', config, '-extensions', 'ext', '-subj', subject, '-nodes', '-utf8'];
    execFileSync('openssl', ['req', ...form, '-newkey', ...key, ...options, ...files], { stdio: 'pipe' });
    return readFileSync(out, 'utf8');
  } finally {
    rmSync(directory, { recursive: true });
  }
}
