// A server certificate of ours with its key, as PEM.

/** What a TLS server needs to be taken for another one. */
export interface Leaf {
  /** The leaf, then the authority that signed it. */
  readonly certPem: string;
  /** PKCS #8. */
  readonly keyPem: string;
}
