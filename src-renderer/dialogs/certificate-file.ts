// A certificate file of this computer in the form in which the core takes one: PEM as it is, DER in base64. Pure.

/** In base64 that is less than the core takes at once; a chain of certificates has a few kilobytes. */
export const maxCertificateFileBytes = 700_000;

/** DER begins with a SEQUENCE (X.690 §8.9); no text begins with that octet and a length after it in PEM. */
export function certificateText(bytes: Uint8Array): string {
  if (bytes[0] !== 0x30) return new TextDecoder().decode(bytes);
  return btoa(Array.from(bytes, (octet) => String.fromCharCode(octet)).join(''));
}
