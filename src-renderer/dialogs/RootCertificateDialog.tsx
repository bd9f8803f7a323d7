// All facts of the root's certificate.
import { useEffect, useState } from 'react';
import type { CertificateFacts } from '../../src-main/contract/trust.ts';
import { useApp, useCoreState } from '../app-context.ts';
import controls from '../components/controls.module.css';
import dialog from '../components/dialog.module.css';
import { Fingerprint } from '../components/Fingerprint.tsx';
import styles from '../components/trust.module.css';
import { useSpeech } from '../i18n.ts';
import { RootExportFrame } from './RootExportFrame.tsx';

function useRootFacts(): CertificateFacts | 'loading' | 'failed' {
  const { core } = useApp();
  const [facts, setFacts] = useState<CertificateFacts | 'loading' | 'failed'>('loading');
  useEffect(() => {
    let isCurrent = true;
    const show = (next: typeof facts) => {
      if (isCurrent) setFacts(next);
    };
    const { client } = core.getState();
    if (client === undefined) show('failed');
    else
      client.trust.certificate().then(
        (certificate) => show(certificate.facts),
        () => show('failed'),
      );
    return () => {
      isCurrent = false;
    };
  }, [core]);
  return facts;
}

export function RootCertificateDialog({ onClose }: { readonly onClose: () => void }) {
  const { say, date } = useSpeech();
  const { trust } = useCoreState();
  const facts = useRootFacts();
  return (
    <RootExportFrame
      title={say('section.root-certificate')}
      canExport={typeof facts === 'object'}
      onClose={onClose}
    >
      <div className={dialog['form']} aria-live="polite">
        {facts === 'loading' && <p className={controls['quiet']}>{say('root.loading')}</p>}
        {facts === 'failed' && <p className={controls['problem']}>{say('problem.call-failed')}</p>}
        {typeof facts === 'object' && (
          <dl className={styles['facts']}>
            <dt>{say('certificate.subject')}</dt>
            <dd>{facts.subject}</dd>
            <dt>{say('certificate.issuer')}</dt>
            <dd>{facts.issuer}</dd>
            <dt>{say('certificate.sha256')}</dt>
            <dd>
              <Fingerprint sha256={facts.sha256} />
            </dd>
            {facts.names.length > 0 && (
              <>
                <dt>{say('certificate.names')}</dt>
                <dd>{facts.names.join(', ')}</dd>
              </>
            )}
            <dt>{say('certificate.not-before')}</dt>
            <dd>
              <time dateTime={facts.notBefore}>{date(facts.notBefore)}</time>
            </dd>
            <dt>{say('certificate.not-after')}</dt>
            <dd>
              <time dateTime={facts.notAfter}>{date(facts.notAfter)}</time>
            </dd>
            <dt>{say('certificate.file')}</dt>
            <dd>
              <code className={styles['code']}>{trust.caPath}</code>
            </dd>
          </dl>
        )}
      </div>
    </RootExportFrame>
  );
}
