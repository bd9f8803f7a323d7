// Chromium asks the shared NSS database: a root that was put into it is believed, and one that was taken out is not.
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openCertificates } from '../../src-main/certificates/authority.ts';
import { openTrustStores } from '../../src-main/certificates/trust-stores/trust-stores.ts';
import { makeCertificates } from '../support/authority.ts';
import { chromiumPath, launchBrowser } from '../support/browser.ts';
import { atHome } from '../support/core.ts';
import { makeDirectory } from '../support/directory.ts';
import { missingTools } from '../support/tools.ts';

const missing = missingTools(['certutil', 'chromium', 'openssl']);

describe.skipIf(missing !== undefined)(`Chromium${missing ?? ''}`, () => {
  let server: Server;
  const home = makeDirectory('chromium-home');

  async function open(): Promise<string> {
    const browser = await launchBrowser(chromiumPath, atHome(home));
    try {
      const page = await browser.newPage();
      const { port } = server.address() as AddressInfo;
      return await page.goto(`https://localhost:${port}/`).then(
        async (response) => (await response?.text()) ?? '',
        (error: Error) => error.message.match(/net::\w+/)?.[0] ?? error.message,
      );
    } finally {
      await browser.close();
    }
  }

  const certificates = openCertificates({
    directory: join(home, 'ca'),
    hostname: 'host',
    now: () => new Date(),
  });
  const stores = openTrustStores({
    homeDir: home,
    uid: process.geteuid?.() ?? 0,
    journalFile: join(home, 'journal.json'),
    now: () => new Date(),
    log: () => undefined,
  });

  beforeAll(async () => {
    const { server: real } = makeCertificates(makeDirectory('chromium-server'));
    const der = new X509Certificate(readFileSync(real.certPath)).raw;
    const leaf = await (await certificates).leafFor({ der, trusted: true, keyKind: 'ec' });
    server = createServer({ cert: leaf.certPem, key: leaf.keyPem }, (_, response) => response.end('mail'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterAll(() => server.close());

  test('believes the root once it is in the store, and no longer when it is out', async () => {
    const roots = (await certificates).roots();
    expect(await open()).toBe('net::ERR_CERT_AUTHORITY_INVALID');
    const id = `shared-nss:${join(home, '.pki/nssdb')}`;
    expect(await stores.install(roots, [id])).toMatchObject([{ action: 'installed' }]);
    expect(await open()).toBe('mail');
    expect(await stores.remove(roots, [id])).toMatchObject([{ action: 'removed' }]);
    expect(await open()).toBe('net::ERR_CERT_AUTHORITY_INVALID');
  });
});
