// What is minted, judged by the verifiers that mail programs have: OpenSSL, GnuTLS, NSS and Java, where they are installed.
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestKeys, dnsName, ipName, makeTestCertificate } from './authority.fixture.ts';
import { type Certificates, type Leaf, openCertificates } from './authority.ts';

const keysFor = createTestKeys();
const hostName = 'mail.example.org';

function isInstalled(program: string): boolean {
  const isThere = (process.env.PATH ?? '').split(delimiter).some((path) => existsSync(join(path, program)));
  if (!isThere)
    process.stderr.write(`\n${program} is not installed: minted certificates go untested by it\n`);
  return isThere;
}

/** What a program says, and whether it ends well. */
function run(program: string, ...args: readonly string[]): Promise<{ ok: boolean; said: string }> {
  return new Promise((resolve) => {
    execFile(program, args, (error, stdout, stderr) => {
      resolve({ ok: error === null, said: `${stdout}${stderr}` });
    });
  });
}

let directory: string;
let certificates: Certificates;
/** What programs trust: the root and its successor. */
let stores: string;
const leaves: Record<string, string> = {};

/** The leaves that are good: six by the root, and one by its successor. */
const good = ['ec', 'rsa', 'many', 'many-rsa', 'short', 'address', 'successor'];
const names = [...good, 'untrusted'];

const dayMs = 24 * 60 * 60 * 1000;
const afterMs = (ms: number) => new Date(Date.now() + ms);

const certificateOf = ({ certPem }: Leaf) => certPem.slice(0, certPem.indexOf('-----END') + 26);

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'postern-verifiers-'));
  // A root that ends in two months, and a successor, so that both are in the stores.
  let now = afterMs(-3_590 * dayMs);
  certificates = await openCertificates({
    directory: join(directory, 'certificates'),
    hostname: 'desk',
    now: () => now,
  });
  now = new Date();
  await certificates.maintain();
  stores = join(directory, 'stores.pem');
  await copyFile(certificates.caPath, stores);
  await Promise.all(
    certificates.roots().map(({ pem }, index) => writeFile(join(directory, `root${index}.pem`), pem)),
  );
  const server = (altNames: readonly Buffer[], validity: { notAfter?: Date } = {}) =>
    makeTestCertificate({ keys: keysFor('rsa'), subject: hostName, names: altNames, ...validity }).der;
  const plain = server([dnsName(hostName)]);
  const many = server([
    dnsName(hostName),
    dnsName('*.example.org'),
    ipName(127, 0, 0, 1),
    ...Array.from({ length: 50 }, (_, index) => dnsName(`mail${index}.example.net`)),
  ]);
  const short = server([dnsName(hostName)], { notAfter: afterMs(55_000) });
  const nameless = server([
    dnsName(hostName),
    ipName(0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1),
  ]);
  const asked = {
    ec: { der: plain, trusted: true, keyKind: 'ec' },
    rsa: { der: plain, trusted: true, keyKind: 'rsa' },
    many: { der: many, trusted: true, keyKind: 'ec' },
    'many-rsa': { der: many, trusted: true, keyKind: 'rsa' },
    short: { der: short, trusted: true, keyKind: 'rsa' },
    address: { der: nameless, trusted: true, keyKind: 'ec' },
    untrusted: { der: many, trusted: false, keyKind: 'ec' },
  } as const;
  const keep = async (name: string, leaf: Leaf) => {
    const path = join(directory, `${name}.pem`);
    await writeFile(path, certificateOf(leaf));
    await writeFile(join(directory, `${name}-chain.pem`), leaf.certPem);
    await writeFile(join(directory, `${name}-key.pem`), leaf.keyPem);
    leaves[name] = path;
  };
  for (const [name, upstream] of Object.entries(asked)) {
    await keep(name, await certificates.leafFor(upstream));
  }
  await certificates.promote();
  await keep('successor', await certificates.leafFor(asked.many));
});
afterAll(() => rm(directory, { recursive: true }));

it('both roots are in the stores that are asked here', async () => {
  expect((await readFile(stores, 'utf8')).match(/BEGIN CERTIFICATE/g)).toHaveLength(2);
});

describe.skipIf(!isInstalled('openssl'))('OpenSSL, strict', () => {
  const verify = (name: string) =>
    run(
      'openssl',
      ...[
        'verify',
        '-x509_strict',
        '-purpose',
        'sslserver',
        '-verify_hostname',
        hostName,
        '-auth_level',
        '2',
      ],
      ...['-no-CApath', '-CAfile', stores, leaves[name] ?? ''],
    );

  it.each(good)('takes the leaf %s', async (name) => {
    expect(await verify(name)).toEqual({ ok: true, said: expect.stringContaining(': OK') });
  });

  it('refuses the untrusted one', async () => {
    expect((await verify('untrusted')).ok).toBe(false);
  });

  it('takes the root, and refuses an authority below it', async () => {
    const path = join(directory, 'root0.pem');
    expect(await run('openssl', 'verify', '-x509_strict', '-CAfile', stores, path)).toMatchObject({
      ok: true,
    });
    const purposes = (await run('openssl', 'x509', '-in', path, '-noout', '-purpose')).said;
    expect(purposes).toContain('SSL server CA : Yes');
    for (const purpose of ['SSL client CA', 'S/MIME signing CA', 'S/MIME encryption CA', 'Code signing CA']) {
      if (purposes.includes(purpose)) expect(purposes).toContain(`${purpose} : No`);
    }
  });
});

describe.skipIf(!isInstalled('certtool'))('GnuTLS', () => {
  const verify = (name: string) =>
    run(
      'certtool',
      ...['--verify', '--verify-profile', 'medium', '--verify-purpose', '1.3.6.1.5.5.7.3.1'],
      ...['--verify-hostname', hostName, '--load-ca-certificate', stores],
      ...['--infile', leaves[name] ?? ''],
    );

  it.each(good)('takes the leaf %s', async (name) => {
    expect(await verify(name)).toMatchObject({ ok: true });
  });

  it('refuses the untrusted one', async () => {
    expect((await verify('untrusted')).ok).toBe(false);
  });
});

/** Debian's wget is a client by GnuTLS, and there where certtool is not. */
const isWgetByGnutls = isInstalled('wget') && (await run('wget', '--version')).said.includes('+ssl/gnutls');

describe.skipIf(!isWgetByGnutls)('a client by GnuTLS', () => {
  async function fetchFrom(name: string): Promise<string> {
    const [cert, key] = await Promise.all(
      ['chain', 'key'].map((part) => readFile(join(directory, `${name}-${part}.pem`), 'utf8')),
    );
    const server = createServer({ cert, key }, (_, response) => response.end('fetched'));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const port = address !== null && typeof address === 'object' ? address.port : 0;
    const trust = ['--ca-directory=/nonexistent', `--ca-certificate=${stores}`];
    const url = `https://127.0.0.1:${port}/`;
    const { said } = await run('wget', '-q', '-O-', '--no-proxy', '--no-hsts', '--tries=1', ...trust, url);
    server.close();
    server.closeAllConnections();
    return said;
  }

  it.each(['many', 'many-rsa', 'successor'])('takes the leaf %s', async (name) => {
    expect(await fetchFrom(name)).toBe('fetched');
  });

  it('refuses the untrusted one', async () => {
    expect(await fetchFrom('untrusted')).toBe('');
  });
});

describe.skipIf(!isInstalled('certutil') || !isInstalled('vfychain'))('NSS', () => {
  let database: string;
  beforeAll(async () => {
    database = `sql:${await mkdtemp(join(directory, 'nss-'))}`;
    await run('certutil', '-N', '-d', database, '--empty-password');
    for (const index of [0, 1]) {
      const path = join(directory, `root${index}.pem`);
      await run('certutil', '-A', '-d', database, '-n', `root ${index}`, '-t', 'C,,', '-i', path);
    }
  });
  // -u 1: as a TLS server; -pp: by libpkix, as Thunderbird's verifier it builds paths.
  const verify = (name: string, ...how: readonly string[]) =>
    run('vfychain', '-d', database, ...how, '-u', '1', '-a', leaves[name] ?? '');

  it.each(good)('takes the leaf %s', async (name) => {
    for (const how of [[], ['-pp']]) {
      expect(await verify(name, ...how)).toEqual({ ok: true, said: expect.stringContaining('is good') });
    }
  });

  it('refuses the untrusted one', async () => {
    expect((await verify('untrusted')).ok).toBe(false);
    expect((await verify('untrusted', '-pp')).ok).toBe(false);
  });

  it('keeps both roots apart by their names', async () => {
    const { said } = await run('certutil', '-L', '-d', database);
    expect(said).toMatch(/^root 0 .*C,,\s*$/m);
    expect(said).toMatch(/^root 1 .*C,,\s*$/m);
  });
});

/** Prints what the default trust manager says of each chain. */
const javaProgram = `
import java.io.*;
import java.nio.file.*;
import java.security.KeyStore;
import java.security.cert.*;
import javax.net.ssl.*;

public class Verify {
  public static void main(String[] args) throws Exception {
    CertificateFactory factory = CertificateFactory.getInstance("X.509");
    KeyStore store = KeyStore.getInstance("PKCS12");
    store.load(null, null);
    int count = 0;
    try (InputStream in = Files.newInputStream(Path.of(args[0]))) {
      for (Certificate root : factory.generateCertificates(in)) store.setCertificateEntry("root" + count++, root);
    }
    TrustManagerFactory managers = TrustManagerFactory.getInstance("PKIX");
    managers.init(store);
    X509TrustManager manager = (X509TrustManager) managers.getTrustManagers()[0];
    for (int index = 1; index < args.length; index++) {
      String said = "good";
      try (InputStream in = Files.newInputStream(Path.of(args[index]))) {
        X509Certificate[] chain = factory.generateCertificates(in).toArray(new X509Certificate[0]);
        String key = chain[0].getPublicKey().getAlgorithm();
        manager.checkServerTrusted(chain, key.equals("RSA") ? "ECDHE_RSA" : "ECDHE_ECDSA");
      } catch (CertificateException refused) {
        said = "refused";
      }
      System.out.println(index + " " + said);
    }
  }
}
`;

describe.skipIf(!isInstalled('java') || !isInstalled('javac'))('Java', () => {
  it('takes the good leaves with their chains, and refuses the untrusted one', async () => {
    const program = join(directory, 'Verify.java');
    await writeFile(program, javaProgram);
    const chains = names.map((name) => join(directory, `${name}-chain.pem`));
    const { said } = await run('java', '-Xshare:auto', '-XX:TieredStopAtLevel=1', program, stores, ...chains);
    expect(said.trim().split('\n')).toEqual(
      names.map((name, index) => `${index + 1} ${name === 'untrusted' ? 'refused' : 'good'}`),
    );
  });
});
