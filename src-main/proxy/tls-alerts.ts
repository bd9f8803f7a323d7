// What a failed handshake tells: alerts of the peer (RFC 8446 §6) and errors of our own, as Node names OpenSSL's.

/** Whether another connection would fare better: see `upstreamFailure`. */
export type UpstreamFailure = 'client-certificate' | 'incompatible' | 'other';

/** A server that asked for a client's certificate and got none says one of these; which one, is its software's choice. */
const clientCertificateAlerts: ReadonlySet<string> = new Set([
  'certificate-required',
  'handshake-failure',
  'bad-certificate',
  'no-certificate',
  'unsupported-certificate',
  'certificate-unknown',
  'unknown-ca',
  'access-denied',
]);

/** The server can't agree with us on versions, suites, groups or extensions, or can't read our offer of them. */
const incompatibleAlerts: ReadonlySet<string> = new Set([
  'handshake-failure',
  'protocol-version',
  'insufficient-security',
  'illegal-parameter',
  'decode-error',
  'missing-extension',
  'unsupported-extension',
]);

/**
 * We can't agree with the server: what it chose or showed is below what OpenSSL speaks at its security level. Not here:
 * what is no TLS at all (WRONG_VERSION_NUMBER), and broken records and signatures, which may be somebody's on the way.
 */
const incompatibleErrors: ReadonlySet<string> = new Set([
  'ERR_SSL_UNSUPPORTED_PROTOCOL',
  'ERR_SSL_WRONG_SSL_VERSION',
  'ERR_SSL_UNKNOWN_CIPHER_RETURNED',
  'ERR_SSL_WRONG_CIPHER_RETURNED',
  'ERR_SSL_UNSUPPORTED_ELLIPTIC_CURVE',
  'ERR_SSL_WRONG_CURVE',
  'ERR_SSL_BAD_KEY_SHARE',
  'ERR_SSL_DH_KEY_TOO_SMALL',
  'ERR_SSL_BAD_DH_VALUE',
  'ERR_SSL_EE_KEY_TOO_SMALL',
  'ERR_SSL_CA_KEY_TOO_SMALL',
  'ERR_SSL_CA_MD_TOO_WEAK',
  'ERR_SSL_BAD_ECC_CERT',
  'ERR_SSL_WRONG_CERTIFICATE_TYPE',
  'ERR_SSL_UNKNOWN_CERTIFICATE_TYPE',
  'ERR_SSL_WRONG_SIGNATURE_TYPE',
  'ERR_SSL_LEGACY_SIGALG_DISALLOWED_OR_UNSUPPORTED',
  // Before RFC 5746: the server can be talked into a handshake in the middle.
  'ERR_SSL_UNSAFE_LEGACY_RENEGOTIATION_DISABLED',
]);

/** Node's code of an error of TLS or of a socket. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/**
 * The peer's last word: "unknown-ca" of ERR_SSL_TLSV1_ALERT_UNKNOWN_CA, "bad-certificate" of
 * ERR_SSL_SSL/TLS_ALERT_BAD_CERTIFICATE, "unrecognized-name" of ERR_SSL_TLSV1_UNRECOGNIZED_NAME. Undefined: the error is
 * none of the peer's.
 */
export function alertOf(error: unknown): string | undefined {
  const [, name] =
    codeOf(error)?.match(/^ERR_SSL_(?:SSL\/TLS|SSLV3|TLSV1|TLSV13)_(?:ALERT_)?([A-Z0-9_]+)$/) ?? [];
  return name?.toLowerCase().replaceAll('_', '-');
}

/**
 * What we found wrong with a peer: "no-shared-cipher" of ERR_SSL_NO_SHARED_CIPHER. Undefined: the error is the peer's own
 * word, or none of TLS. Nor is one that falls back to an older version (RFC 7507): it does so since an earlier connection
 * of it failed, which anyone on the way can bring about.
 */
export function localFault(error: unknown): string | undefined {
  const code = codeOf(error);
  if (alertOf(error) !== undefined || code === 'ERR_SSL_INAPPROPRIATE_FALLBACK') return undefined;
  const [, name] = code?.match(/^ERR_SSL_([A-Z0-9_]+)$/) ?? [];
  return name?.toLowerCase().replaceAll('_', '-');
}

/**
 * Whether a server refuses a connection for lack of a client's certificate, when its own has been seen. In TLS 1.3 the
 * handshake is over for us by then, and the alert is the first thing that is read.
 */
export function isClientCertificateAlert(error: unknown): boolean {
  const alert = alertOf(error);
  return alert !== undefined && clientCertificateAlerts.has(alert);
}

/**
 * Why a server's handshake failed. `incompatible` and `client-certificate` were said by the server or found by us, and
 * will be so again; `other` is a reset, an end, or octets that are no TLS.
 */
export function upstreamFailure(error: unknown, certificateSeen: boolean): UpstreamFailure {
  if (certificateSeen && isClientCertificateAlert(error)) return 'client-certificate';
  const alert = alertOf(error);
  if (alert !== undefined) return incompatibleAlerts.has(alert) ? 'incompatible' : 'other';
  return incompatibleErrors.has(codeOf(error) ?? '') ? 'incompatible' : 'other';
}
