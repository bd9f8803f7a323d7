import { describe, expect, it } from 'vitest';
import { createRoots, makePlace, openAll, type Place } from './trust-stores.fixture.ts';

const newRoot = createRoots();
const root = newRoot('present');
const successor = newRoot('successor');

async function stateOf(place: Place, roots = [root]) {
  const status = await openAll(place).stores.status(roots);
  return status.filter(({ kind }) => kind === 'ca-file');
}

const bundle = '/etc/ssl/certs/ca-certificates.crt';

describe('files that configurations name', () => {
  it.each([
    ['.mbsyncrc', 'IMAPAccount a\nPass geheim\nCertificateFile ~/ca.pem\n', 'mbsync'],
    ['.config/isyncrc', 'IMAPStore a\nSystemCertificates no\nCertificateFile "~/ca.pem"\n', 'mbsync'],
    ['.muttrc', 'set imap_pass=geheim ssl_ca_certificates_file="~/ca.pem" # set ssl_force_tls\n', 'mutt'],
    ['.config/neomutt/neomuttrc', "set certificate_file = '~/ca.pem'\nunset ssl_usesystemcerts\n", 'NeoMutt'],
    ['.msmtprc', 'defaults\ntls on\ntls_trust_file ~/ca.pem\npassword geheim\n', 'msmtp'],
    ['.mpoprc', 'account a\ntls_trust_file ~/ca.pem\n', 'mpop'],
    ['.fetchmailrc', 'poll x proto imap user a password "geheim" ssl sslcertfile "~/ca.pem"\n', 'fetchmail'],
    ['.offlineimaprc', '[Repository a]\nremotepass = geheim\nsslcacertfile = ~/ca.pem\n', 'OfflineIMAP'],
    ['.config/getmail/getmailrc', '[retriever]\npassword = geheim\nca_certs = ~/ca.pem\n', 'getmail'],
  ])(
    '%s is trusted when the file holds the root, and says what to add otherwise',
    async (path, text, program) => {
      const place = makePlace();
      place.home(path, text);
      const other = place.home('ca.pem', newRoot('x', 'Another').pem);
      const [found, ...others] = await stateOf(place);
      expect(others).toEqual([]);
      expect(found).toMatchObject({ state: 'not-trusted', fix: 'by-hand', programs: [program] });
      expect(found?.detail).toContain('~/ca.pem: append the exported certificate');
      expect(JSON.stringify(found)).not.toContain('geheim');
      place.home('ca.pem', root.pem);
      expect(await stateOf(place)).toMatchObject([{ state: 'trusted' }]);
      expect(await stateOf(place, [root, successor])).toMatchObject([{ state: 'partly' }]);
      expect(other).toBe(place.home('ca.pem', root.pem));
    },
  );

  it.each([
    ['.msmtprc', 'account a\ntls_fingerprint 00:11\n', 'tls_fingerprint'],
    ['.fetchmailrc', 'poll x sslfingerprint "00:11"\n', 'sslfingerprint'],
    ['.offlineimaprc', '[Repository a]\ncert_fingerprint = 0011\n', 'cert_fingerprint'],
  ])('%s pins the certificate of the server', async (path, text, detail) => {
    const place = makePlace();
    place.home(path, text);
    expect(await stateOf(place)).toMatchObject([{ state: 'pinned', detail, fix: 'by-hand' }]);
  });

  it('counts the bundle of the machine where the configuration asks that as well', async () => {
    const place = makePlace();
    place.put(bundle, root.pem);
    place.home('ca.pem', '');
    place.home('.mbsyncrc', 'IMAPAccount a\nCertificateFile ~/ca.pem\n');
    expect(await stateOf(place)).toMatchObject([{ state: 'trusted' }]);
    place.home('.mbsyncrc', 'IMAPAccount a\nCertificateFile ~/ca.pem\nSystemCertificates no\n');
    expect(await stateOf(place)).toMatchObject([{ state: 'not-trusted' }]);
    place.home('.mbsyncrc', 'IMAPAccount a\n\nIMAPAccount b\nSystemCertificates no\n');
    expect(await stateOf(place)).toMatchObject([
      { state: 'not-trusted', detail: 'CertificateFile: name the exported certificate' },
    ]);
    place.home('.mbsyncrc', `IMAPAccount a\nCertificateFile ${bundle}\nSystemCertificates no\n`);
    expect(await stateOf(place)).toMatchObject([{ state: 'trusted' }]);
  });

  it('says nothing of a configuration that says nothing of certificates', async () => {
    const place = makePlace();
    place.home('.mbsyncrc', 'IMAPAccount a\n# CertificateFile /x\nPassCmd "CertificateFile /x"\n');
    place.home('.muttrc', 'set folder=imaps://x\n');
    place.home('.msmtprc', 'defaults\ntls_trust_file system\n');
    place.home('.fetchmailrc', 'poll x password "sslcertfile /x nosslcertck" # sslfingerprint\n');
    expect(await stateOf(place)).toEqual([]);
  });

  it('tells of one that checks nothing', async () => {
    const place = makePlace();
    place.home('.fetchmailrc', 'poll x nosslcertck\n');
    expect(await stateOf(place)).toMatchObject([{ state: 'trusted', detail: 'nosslcertck' }]);
  });

  it('never edits one', async () => {
    const place = makePlace();
    const path = place.home('.mbsyncrc', 'IMAPAccount a\nCertificateFile ~/ca.pem\n');
    const { stores } = openAll(place);
    expect(await stores.install([root], 'own')).toEqual([]);
    expect(await stores.install([root], [`ca-file:${path}`])).toMatchObject([
      { action: 'failed', reason: 'trust-denied', detail: expect.stringContaining('CertificateFile') },
    ]);
    expect(await stores.remove([root], [`ca-file:${path}`])).toMatchObject([{ action: 'unchanged' }]);
  });
});
