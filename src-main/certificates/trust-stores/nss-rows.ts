// Finds a certificate in an NSS database by its octets, whatever it is called there: certutil knows names alone. Reads
// only, and only the attributes of PKCS #11 that NSS has kept as they are since it has kept them in SQLite.
import { DatabaseSync } from 'node:sqlite';

/** How long a writer may keep us waiting; the wait is of the whole process, and NSS writes take a few ms. */
const busyTimeoutMs = 50;

/** `nickname` is undefined when the certificate is there without one. */
export type CertificateRow =
  | { readonly kind: 'found'; readonly nickname: string | undefined }
  | { readonly kind: 'absent' }
  | { readonly kind: 'unreadable'; readonly detail: string };

/** CKA_CLASS of a certificate: CKO_CERTIFICATE as four octets. Columns are named by attribute: a11 CKA_VALUE, a3 CKA_LABEL. */
const statement = "SELECT a3 AS label FROM nssPublic WHERE a0 = x'00000001' AND a11 = ? LIMIT 1";

const maxNicknameBytes = 1_000;

/** Looks into `cert9.db` at this path; it has to be a regular file. */
export function findCertificate(path: string, der: Uint8Array): CertificateRow {
  try {
    const database = new DatabaseSync(path, { readOnly: true, timeout: busyTimeoutMs });
    try {
      const row = database.prepare(statement).get(der);
      return row === undefined ? { kind: 'absent' } : { kind: 'found', nickname: textOf(row['label']) };
    } finally {
      database.close();
    }
  } catch (error) {
    return { kind: 'unreadable', detail: error instanceof Error ? error.message : 'not readable' };
  }
}

function textOf(label: unknown): string | undefined {
  const text = label instanceof Uint8Array ? Buffer.from(label).toString('utf8') : label;
  const isName = typeof text === 'string' && text !== '' && text.length <= maxNicknameBytes;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a name with them can't be told to certutil
  return isName && !/[\0-\x1f\x7f\ufffd]/.test(text) ? text : undefined;
}
