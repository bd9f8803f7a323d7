// Sign-in methods that can pass through us. GSSAPI and DIGEST-MD5 can negotiate a security layer, EXTERNAL rests on a
// client certificate, and SCRAM-*-PLUS is bound to the TLS channel, which ends here.

const mechanisms = new Set(
  `PLAIN LOGIN CRAM-MD5 NTLM ANONYMOUS XOAUTH XOAUTH2 OAUTHBEARER PLAIN-CLIENTTOKEN SCRAM-SHA-1 SCRAM-SHA-224
   SCRAM-SHA-256 SCRAM-SHA-384 SCRAM-SHA-512`.split(/\s+/),
);

export function mayAuthenticateBy(mechanism: string): boolean {
  return mechanisms.has(mechanism.toUpperCase());
}

/** Which of the mechanisms that a server offers may be offered on. */
export function offeredMechanisms(offered: readonly string[]): string[] {
  // RFC 5802 §6: a server that offers -PLUS must fail a client that could bind but did not see it offered.
  const scram = !offered.some((name) => /^SCRAM-.*-PLUS$/i.test(name));
  return offered.filter((name) => mayAuthenticateBy(name) && (scram || !/^SCRAM-/i.test(name)));
}
