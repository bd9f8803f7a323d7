// A store that a person alone may change: where it is, what is to be done, and the certificate as a file.
import type { TrustStore } from '../../src-main/contract/trust.ts';
import { useCoreState } from '../app-context.ts';
import dialog from '../components/dialog.module.css';
import { PathText } from '../components/PathText.tsx';
import styles from '../components/trust.module.css';
import { storeWords } from '../components/trust-words.ts';
import { useSpeech } from '../i18n.ts';
import { RootExportFrame } from './RootExportFrame.tsx';

export interface ByHandDialogProps {
  readonly store: TrustStore;
  readonly onClose: () => void;
}

export function ByHandDialog({ store, onClose }: ByHandDialogProps) {
  const { say } = useSpeech();
  const { trust } = useCoreState();
  return (
    <RootExportFrame title={say('by-hand.title')} lead={say('by-hand.lead')} onClose={onClose}>
      <div className={dialog['form']}>
        <dl className={styles['facts']}>
          <dt>{say('applications.column.name')}</dt>
          <dd>{store.programs.join(', ')}</dd>
          <dt>{say('by-hand.store')}</dt>
          <dd>
            {storeWords(say, store)}
            <PathText path={store.path} />
          </dd>
          {store.detail !== undefined && (
            <>
              <dt>{say('by-hand.details')}</dt>
              <dd>
                <code className={styles['line']} lang="en">
                  {store.detail}
                </code>
              </dd>
            </>
          )}
          <dt>{say('by-hand.root-file')}</dt>
          <dd>
            <code className={styles['line']}>{trust.caPath}</code>
          </dd>
        </dl>
      </div>
    </RootExportFrame>
  );
}
