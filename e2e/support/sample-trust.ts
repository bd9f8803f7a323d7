// What programs trust as a core would tell it, for the tests of the SSL/TLS page: a store of each kind and state.
import type { CertificateFacts, TlsRelay, Trust, TrustStore } from '../../src-main/contract/trust.ts';

export const sampleRoot: CertificateFacts = {
  subject: 'CN=Postern root 4f2a, O=Postern on kontor-pc',
  issuer: 'CN=Postern root 4f2a, O=Postern on kontor-pc',
  sha256: '3b1f9c07d2e84a5566f0a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f6',
  names: [],
  notBefore: '2026-11-01T08:00:00.000Z',
  notAfter: '2036-11-01T08:00:00.000Z',
};

export const sampleServer: CertificateFacts = {
  subject: 'CN=mail.example.org, O=Example',
  issuer: 'CN=Example CA, O=Example',
  sha256: `${'c0ffee'.repeat(10)}abcd`,
  names: ['mail.example.org', 'imap.example.org'],
  notBefore: '2026-06-01T00:00:00.000Z',
  notAfter: '2027-06-01T00:00:00.000Z',
};

export const samplePem = `-----BEGIN CERTIFICATE-----\n${'QUJD'.repeat(16)}\n-----END CERTIFICATE-----\n`;

const accepted = { at: '2026-11-20T10:00:00.000Z', accepted: true, server: 'imap.example.org' };

const sampleStores: readonly TrustStore[] = [
  {
    id: 'system',
    kind: 'system',
    programs: ['mbsync', 'fetchmail', 'curl'],
    path: '/etc/ssl/certs/ca-certificates.crt',
    state: 'trusted',
    fix: 'administrator',
    running: false,
    lastHandshake: accepted,
  },
  {
    id: 'thunderbird-default',
    kind: 'thunderbird',
    programs: ['Thunderbird'],
    name: 'default-esr',
    path: '/home/kari/.thunderbird/k3x9q0ab.default-esr',
    state: 'trusted',
    fix: 'own',
    running: true,
  },
  {
    id: 'thunderbird-work',
    kind: 'thunderbird',
    programs: ['Thunderbird (Flatpak)'],
    name: 'Arbeid',
    path: '/home/kari/.var/app/org.mozilla.Thunderbird/.thunderbird/z81m2n4c.Arbeid',
    state: 'not-trusted',
    fix: 'own',
    running: false,
    lastHandshake: { ...accepted, accepted: false, server: 'imap.example.net' },
  },
  {
    id: 'thunderbird-policy',
    kind: 'thunderbird-policy',
    programs: ['Thunderbird'],
    path: '/etc/thunderbird/policies/policies.json',
    state: 'not-trusted',
    fix: 'administrator',
    running: false,
  },
  {
    id: 'shared-nss',
    kind: 'shared-nss',
    programs: ['Evolution', 'Chromium'],
    path: '/home/kari/.pki/nssdb',
    state: 'partly',
    fix: 'own',
    running: false,
  },
  {
    id: 'mutt',
    kind: 'ca-file',
    programs: ['Mutt'],
    path: '/home/kari/.mutt/certificates',
    state: 'pinned',
    detail: 'set certificate_file = "/home/kari/.local/state/postern/certificates/ca.pem"',
    fix: 'by-hand',
    running: false,
  },
  {
    id: 'java',
    kind: 'java',
    programs: ['DavMail'],
    name: 'openjdk-21',
    path: '/opt/openjdk-21/lib/security/cacerts',
    state: 'unavailable',
    reason: 'trust-tool-missing',
    detail: 'keytool: command not found',
    fix: 'administrator',
    running: false,
  },
  {
    id: 'offlineimap',
    kind: 'ca-file',
    programs: ['OfflineIMAP'],
    path: '/home/kari/.offlineimaprc',
    state: 'not-trusted',
    detail: 'sslcacertfile = /home/kari/.local/state/postern/certificates/ca.pem',
    fix: 'by-hand',
    running: false,
  },
];

const sampleRelays: readonly TlsRelay[] = [
  {
    id: 'relay-1',
    program: '/usr/bin/geary',
    server: 'imap.example.net',
    port: 993,
    reason: 'certificate-refused',
    detail: 'unknown_ca',
    at: '2026-11-20T10:00:00.000Z',
    until: '2026-12-20T10:00:00.000Z',
  },
  {
    id: 'relay-2',
    server: 'secure.example.com',
    port: 995,
    reason: 'client-certificate',
    at: '2026-11-24T09:00:00.000Z',
    until: '2026-11-25T09:00:00.000Z',
  },
  {
    id: 'relay-3',
    program: 'flatpak:org.gnome.Evolution',
    server: 'mail.a-rather-long-host-name.example.org',
    port: 993,
    reason: 'untrusted-certificate-refused',
    detail: 'closed before the handshake was done',
    at: '2026-11-24T09:00:00.000Z',
    until: '2026-12-01T09:00:00.000Z',
  },
];

export const noTrust: Trust = {
  roots: [sampleRoot],
  caPath: '/home/kari/.local/state/postern/certificates/ca.pem',
  homeDir: '/home/kari',
  stores: [],
  relays: [],
};

export const fullTrust: Trust = { ...noTrust, stores: [...sampleStores], relays: [...sampleRelays] };
