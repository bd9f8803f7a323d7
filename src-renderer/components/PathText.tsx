// A path that breaks after its slashes rather than within its names.
import { Fragment } from 'react';
import styles from './trust.module.css';

export function PathText({ path }: { readonly path: string }) {
  return (
    <code className={styles['path']}>
      {[...path.matchAll(/[^/]+\/*|\/+/g)].map(({ 0: piece, index }) => (
        <Fragment key={index}>
          {piece}
          <wbr />
        </Fragment>
      ))}
    </code>
  );
}
