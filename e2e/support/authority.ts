// Certificates for the test servers, made by openssl: an authority, a good server certificate, and one of an authority
// that nobody knows.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface TestCertificates {
  readonly caPath: string;
  readonly server: { readonly certPath: string; readonly keyPath: string };
  readonly rogue: { readonly certPath: string; readonly keyPath: string };
}

/** Loopback, and the addresses of the server host in the lab of two namespaces. */
const names =
  'DNS:localhost,DNS:mail.example.test,DNS:mail6.example.test,DNS:one.example.test,DNS:two.example.test,IP:127.0.0.1,IP:::1,IP:10.77.0.2,IP:fd77::2,IP:203.0.113.10,IP:203.0.113.11,IP:fd99::10';

/** Writes them into `directory`; keys are readable by all, as dovecot's processes need it. */
export function makeCertificates(directory: string): TestCertificates {
  const openssl = (...args: string[]) =>
    execFileSync('openssl', args, { cwd: directory, stdio: ['ignore', 'ignore', 'pipe'] });
  /** A new key, and what is asked of it: a request, or with `-x509` a certificate signed by itself. */
  const request = (name: string, out: string, subject: string, ...more: string[]) => {
    const key = ['-newkey', 'rsa:2048', '-nodes', '-keyout', `${name}.key`];
    openssl('req', ...key, '-out', out, '-subj', subject, ...more);
  };
  const authority = (name: string, subject: string) => {
    const uses = ['basicConstraints=critical,CA:TRUE', 'keyUsage=critical,keyCertSign,cRLSign'];
    const extensions = uses.flatMap((use) => ['-addext', use]);
    request(name, `${name}.pem`, subject, '-x509', '-days', '30', ...extensions);
  };
  const server = (name: string, ca: string) => {
    request(name, `${name}.csr`, '/CN=localhost');
    writeFileSync(
      join(directory, `${name}.ext`),
      `subjectAltName=${names}\nextendedKeyUsage=serverAuth\nbasicConstraints=CA:FALSE\n`,
    );
    openssl(
      'x509',
      '-req',
      '-in',
      `${name}.csr`,
      '-CA',
      `${ca}.pem`,
      '-CAkey',
      `${ca}.key`,
      '-CAcreateserial',
      '-days',
      '20',
      '-extfile',
      `${name}.ext`,
      '-out',
      `${name}.pem`,
    );
    return { certPath: join(directory, `${name}.pem`), keyPath: join(directory, `${name}.key`) };
  };
  authority('ca', '/CN=Test CA');
  authority('rogue-ca', '/CN=Unknown CA');
  return {
    caPath: join(directory, 'ca.pem'),
    server: server('server', 'ca'),
    rogue: server('rogue', 'rogue-ca'),
  };
}
