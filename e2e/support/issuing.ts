// An authority for tests that need certificates which no honest authority would sign: any dates, names, digests and keys,
// revocation, and OCSP answers to staple. All by openssl's own commands, so that nothing of the product judges itself.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** What a server shows and signs with; PEM. */
export interface Issued {
  /** The certificate, and what was asked for behind it. */
  readonly chain: string;
  readonly key: string;
  readonly keyPath: string;
  /** File of the certificate alone. */
  readonly certPath: string;
}

/** The intermediate ones are below the root; the constrained one may sign for elsewhere.test alone. */
type SignedBy = 'root' | 'unknown' | 'intermediate-ca' | 'constrained-ca' | 'itself';

export interface IssueOptions {
  /** As openssl writes them: `DNS:mail.example.test`. */
  readonly names: readonly string[];
  readonly key?: 'rsa' | 'ec' | 'weak';
  readonly by?: SignedBy;
  readonly use?: 'serverAuth' | 'clientAuth';
  readonly digest?: 'sha256' | 'sha1';
  /** Days from now; below zero: in the past. */
  readonly fromDays?: number;
  readonly toDays?: number;
  /** More lines of openssl's extension section. */
  readonly extensions?: readonly string[];
  /** Whether the intermediate stands behind it, where one signed it. */
  readonly completeChain?: boolean;
}

export interface TestAuthority {
  /** Of the root that clients trust. */
  readonly caPath: string;
  issue(name: string, options: IssueOptions): Issued;
  /** Marks it as revoked, if asked to, and gives the root's OCSP answer about it (DER), good for a day. */
  ocspAnswer(issued: Issued, options: { readonly revoked: boolean }): Buffer;
}

const dayMs = 24 * 60 * 60 * 1000;

const configuration = (directory: string) => `[ca]
default_ca = test
[test]
database = ${directory}/index.txt
new_certs_dir = ${directory}/issued
serial = ${directory}/serial
default_md = sha256
policy = any
unique_subject = no
copy_extensions = none
[any]
commonName = supplied
`;

const authorityUses = [
  'basicConstraints=critical,CA:TRUE',
  'keyUsage=critical,keyCertSign,cRLSign,digitalSignature',
];

/** `20261124210000Z`, as openssl ca wants it. */
function asn1Time(days: number): string {
  const text = new Date(Date.now() + days * dayMs).toISOString();
  return `${text.slice(0, 19).replaceAll(/[-:T]/g, '')}Z`;
}

/** Writes its files into a directory, which exists. */
export function openTestAuthority(directory: string): TestAuthority {
  const path = (file: string) => join(directory, file);
  const openssl = (...args: string[]) =>
    execFileSync('openssl', args, { cwd: directory, stdio: ['ignore', 'ignore', 'pipe'] });
  writeFileSync(path('ca.cnf'), configuration(directory));
  writeFileSync(path('index.txt'), '');
  mkdirSync(path('issued'));

  const newKey = (name: string, ...how: string[]) => openssl('genpkey', ...how, '-out', `${name}.key`);
  const rsa = (bits: number) => ['-algorithm', 'RSA', '-pkeyopt', `rsa_keygen_bits:${bits}`];
  const ec = ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256'];
  for (const name of ['root', 'unknown', 'rsa']) newKey(name, ...rsa(2048));
  for (const name of ['intermediate-ca', 'constrained-ca', 'ec']) newKey(name, ...ec);
  newKey('weak', ...rsa(1024));

  const selfSigned = (name: string, key: string, subject: string, extensions: readonly string[]) =>
    openssl(
      ...[
        'req',
        '-x509',
        '-new',
        '-key',
        `${key}.key`,
        '-out',
        `${name}.pem`,
        '-subj',
        subject,
        '-days',
        '30',
      ],
      ...extensions.flatMap((extension) => ['-addext', extension]),
    );
  const sign = (name: string, key: string, by: string, lines: readonly string[], more: readonly string[]) => {
    openssl('req', '-new', '-key', `${key}.key`, '-subj', `/CN=${name}`, '-out', `${name}.csr`);
    writeFileSync(path(`${name}.ext`), `${lines.join('\n')}\n`);
    openssl(
      ...['ca', '-config', 'ca.cnf', '-batch', '-notext', '-rand_serial', '-in', `${name}.csr`],
      ...['-out', `${name}.pem`, '-cert', `${by}.pem`, '-keyfile', `${by}.key`, '-extfile', `${name}.ext`],
      ...more,
    );
  };
  const lifetime = (fromDays: number, toDays: number) => [
    ...['-startdate', asn1Time(fromDays)],
    ...['-enddate', asn1Time(toDays)],
  ];

  selfSigned('root', 'root', '/CN=Test root', authorityUses);
  selfSigned('unknown', 'unknown', '/CN=Unknown root', authorityUses);
  const below = ['-md', 'sha256', ...lifetime(-2, 29)];
  sign('intermediate-ca', 'intermediate-ca', 'root', authorityUses, below);
  const elsewhere = 'nameConstraints=critical,permitted;DNS:elsewhere.test';
  sign('constrained-ca', 'constrained-ca', 'root', [...authorityUses, elsewhere], below);

  return {
    caPath: path('root.pem'),
    issue(name, options) {
      const { names, key = 'rsa', by = 'root', digest = 'sha256', fromDays = -1, toDays = 20 } = options;
      const extensions = [
        `subjectAltName=${names.join(',')}`,
        `extendedKeyUsage=${options.use ?? 'serverAuth'}`,
        'basicConstraints=CA:FALSE',
        ...(options.extensions ?? []),
      ];
      if (by === 'itself') selfSigned(name, key, `/CN=${name}`, extensions);
      else sign(name, key, by, extensions, ['-md', digest, ...lifetime(fromDays, toDays)]);
      const hasIntermediate = by === 'intermediate-ca' || by === 'constrained-ca';
      const files = hasIntermediate && options.completeChain !== false ? [name, by] : [name];
      return {
        chain: files.map((file) => readFileSync(path(`${file}.pem`), 'utf8')).join(''),
        key: readFileSync(path(`${key}.key`), 'utf8'),
        keyPath: path(`${key}.key`),
        certPath: path(`${name}.pem`),
      };
    },
    ocspAnswer({ certPath }, { revoked }) {
      const root = ['-cert', 'root.pem', '-keyfile', 'root.key'];
      if (revoked) openssl('ca', '-config', 'ca.cnf', ...root, '-revoke', certPath);
      openssl(
        ...['ocsp', '-index', 'index.txt', '-CA', 'root.pem', '-rsigner', 'root.pem', '-rkey', 'root.key'],
        ...['-issuer', 'root.pem', '-cert', certPath, '-ndays', '1', '-respout', 'answer.der'],
      );
      return readFileSync(path('answer.der'));
    },
  };
}
