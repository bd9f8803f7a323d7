// `node e2e/trust/matrix-doc.ts [CLIENT…]`: walks every server case with every client and writes docs/tls.md from what
// they said. Takes some minutes, for Thunderbird.
import { rmSync, writeFileSync } from 'node:fs';
import { makeDirectory } from '../support/directory.ts';
import type { Outcome } from '../support/tls-clients.ts';
import { applies, type MatrixRow, startMatrix } from '../support/tls-matrix.ts';

const lead = `# TLS through Postern

Postern opens the TLS of a mail connection to scan it. It shakes hands with the server first, with what the client offered
and nothing else (its server name, its protocols, its versions, cipher suites, signatures and groups, without what is
weak), judges the server's certificate by the system's roots, and then shows the client a certificate of its own with the
same names: signed by the root that the mail programs trust where the server is trusted, and by an authority that nobody
trusts where it is not, so that the client warns its user as it would have. The client's side is as strong as what the server
chose. What can't be opened is relayed unopened, within the same connection where nothing was said to the client yet (a
server that wants another TLS, a client that can verify none of our keys), else from the next connection on: a client that
refuses our certificate then judges the server's own, so a client with a policy of its own (a pinned certificate, a key
that we call weak) keeps it. Such a connection is not scanned, is counted, and is listed with its reason by
\`postern trust status\`; \`postern trust forget\` takes that back.

The table is measured: a server of each kind, each client directly, then twice through Postern. *scanned*: taken, and the
test virus was made harmless; *unscanned*: taken, relayed unopened.
`;

/** NSS gives its errors as 0x805A0000 plus what its own number lies below zero. */
const nssWords: Readonly<Record<string, string>> = {
  '1ff5': 'SEC_ERROR_EXPIRED_CERTIFICATE',
  '1ff4': 'SEC_ERROR_REVOKED_CERTIFICATE',
  '1ff3': 'SEC_ERROR_UNKNOWN_ISSUER',
  '1f90': 'SEC_ERROR_CERT_NOT_IN_NAME_SPACE',
  '1f50': 'SEC_ERROR_CERT_SIGNATURE_ALGORITHM_DISABLED',
  '2ffe': 'SSL_ERROR_NO_CYPHER_OVERLAP',
  '2fc3': 'SSL_ERROR_HANDSHAKE_FAILURE_ALERT',
  '2f4b': 'SSL_ERROR_RX_CERTIFICATE_REQUIRED_ALERT',
  '2ff4': 'SSL_ERROR_BAD_CERT_DOMAIN',
  '2f9e': 'SSL_ERROR_UNSUPPORTED_VERSION',
  '3ffb': 'MOZILLA_PKIX_ERROR_NOT_YET_VALID_CERTIFICATE',
  '3ff6': 'MOZILLA_PKIX_ERROR_REQUIRED_TLS_FEATURE_MISSING',
  '3ff2': 'MOZILLA_PKIX_ERROR_SELF_SIGNED_CERT',
};

/** Words without what changes from run to run. */
function tidy(words: string): string {
  const nss = /0x805a([0-9a-f]{4})/.exec(words)?.[1];
  if (nss !== undefined) return nssWords[nss] ?? `0x805a${nss}`;
  return words
    .replace(/^num=\d+:/, '')
    .replace(/^curl: \((\d+)\) (?:SSL certificate problem: |OpenSSL\/[\d.]+: )?/, '')
    .replace(/^[0-9A-F]{8,}:/, '')
    .replace(/.*error:[0-9A-F]+:SSL routines:[^:]*:([^:]*).*/, '$1')
    .replace(/^SSL routines:[^:]*:/, '')
    .replace(/ \(127\.0\.0\.1:\d+\)|:\d{4,5}\b/g, '')
    .replaceAll('|', '\\|');
}

function cell(outcome: Outcome | undefined): string {
  if (outcome === undefined) return '';
  if (outcome.kind === 'refused') return `refused: ${tidy(outcome.words)}`;
  const scanned = outcome.scanned ? 'scanned' : 'unscanned';
  const { version, cipher } = outcome;
  return version === undefined ? scanned : `${scanned}, ${version}, ${cipher}`;
}

/** Why it is so. */
function why({ direct, through: [first, second] }: MatrixRow): string {
  if (direct.kind === 'refused') {
    return second?.kind === 'refused' && first?.kind === 'refused' ? 'refused either way' : 'DIFFERS';
  }
  if (first?.kind === 'accepted' && first.scanned) return 'opened';
  if (first?.kind === 'accepted') return 'relayed at once, in the same connection';
  if (second?.kind === 'accepted') return 'refused once, then relayed: the client judges the server itself';
  return 'DIFFERS';
}

const wanted = process.argv.slice(2);
const directory = makeDirectory('matrix-doc');
const matrix = await startMatrix(directory);
const sections: string[] = [];
try {
  const clients = matrix.clients.filter(({ id }) => wanted.length === 0 || wanted.includes(id));
  for (const server of matrix.servers.servers) {
    const { serverCase } = server;
    for (const client of clients) {
      if (!applies(client, serverCase)) continue;
      const row = await matrix.row(server, client);
      // The direct one is never scanned: that it was taken says it all.
      const direct = cell(row.direct).replace('unscanned', 'taken');
      const [first, second] = row.through.map(cell);
      sections.push(
        `| ${serverCase.title} | ${client.title} | ${direct} | ${first} | ${second} | ${why(row)} |`,
      );
      process.stderr.write(`${sections.at(-1)}\n`);
    }
  }
} finally {
  await matrix.stop();
  rmSync(directory, { recursive: true, force: true });
}
const head = '| server | client | direct | through Postern, 1st | 2nd | why |\n|---|---|---|---|---|---|\n';
writeFileSync('docs/tls.md', `${lead}\n${head}${sections.join('\n')}\n`);
