// The push button of the house.
import { Button, type ButtonProps } from 'react-aria-components';
import styles from './controls.module.css';

export interface PushButtonProps extends Omit<ButtonProps, 'className'> {
  readonly look?: 'main' | 'plain' | 'danger';
}

export function PushButton({ look = 'plain', ...rest }: PushButtonProps) {
  const extra = look === 'plain' ? '' : ` ${styles[look] ?? ''}`;
  return <Button {...rest} className={`${styles['button'] ?? ''}${extra}`} />;
}
