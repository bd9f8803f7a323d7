// One banner: a tone, a drawing, words, and what can be done about it at its right edge.
import type { ReactNode } from 'react';
import styles from './status.module.css';

export interface BannerProps {
  readonly tone: 'bad' | 'warn' | 'quiet';
  readonly icon: ReactNode;
  readonly children: ReactNode;
  readonly action?: ReactNode;
}

export function Banner({ tone, icon, children, action }: BannerProps) {
  return (
    <div className={styles['banner']} data-tone={tone} role={tone === 'quiet' ? 'status' : 'alert'}>
      {icon}
      <div className={styles['words']}>{children}</div>
      {action}
    </div>
  );
}
