// A SHA-256 fingerprint in groups, to be compared by eye.
import { Fragment } from 'react';
import styles from './trust.module.css';
import { fingerprintPieces } from './trust-words.ts';

export function Fingerprint({ sha256 }: { readonly sha256: string }) {
  return (
    <code className={styles['code']}>
      {fingerprintPieces(sha256).map(({ from, text }) => (
        <Fragment key={from}>
          {from > 0 && ':'}
          <wbr />
          {text}
        </Fragment>
      ))}
    </code>
  );
}
