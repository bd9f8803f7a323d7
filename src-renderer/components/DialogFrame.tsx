// The frame of every dialog: veil, title, lead, content and the buttons at its foot. Esc is Cancel.
import type { ReactNode } from 'react';
import { Dialog, Heading, Modal, ModalOverlay } from 'react-aria-components';
import styles from './dialog.module.css';

export interface DialogFrameProps {
  readonly title: string;
  readonly lead?: string;
  readonly size: 'small' | 'wide';
  readonly role?: 'dialog' | 'alertdialog';
  readonly onClose: () => void;
  readonly children: ReactNode;
  /** Left of the buttons. */
  readonly said?: ReactNode;
  readonly buttons: ReactNode;
}

export function DialogFrame({
  title,
  lead,
  size,
  role = 'dialog',
  onClose,
  children,
  said,
  buttons,
}: DialogFrameProps) {
  return (
    <ModalOverlay
      isOpen
      className={styles['veil'] ?? ''}
      onOpenChange={(isOpen) => {
        if (!isOpen) onClose();
      }}
    >
      <Modal className={`${styles['box'] ?? ''} ${styles[size] ?? ''}`}>
        <Dialog role={role} className={styles['dialog'] ?? ''}>
          <Heading slot="title" level={2} className={styles['title'] ?? ''}>
            {title}
          </Heading>
          {lead !== undefined && <p className={styles['lead']}>{lead}</p>}
          {children}
          <div className={styles['ends']}>
            <span className={styles['said']} role="status">
              {said}
            </span>
            {buttons}
          </div>
        </Dialog>
      </Modal>
    </ModalOverlay>
  );
}
