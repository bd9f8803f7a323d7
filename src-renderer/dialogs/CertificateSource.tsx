// Where the conditions of a certificate rule can come from: the certificate that a server shows, or one in a file.
import { type KeyboardEvent, useId, useState } from 'react';
import { FileTrigger } from 'react-aria-components';
import type { CertificateFacts } from '../../src-main/contract/trust.ts';
import controls from '../components/controls.module.css';
import styles from '../components/dialog.module.css';
import { PushButton } from '../components/PushButton.tsx';
import { useCall } from '../components/use-call.ts';
import { useFocusOnOpen } from '../components/use-focus-on-open.ts';
import { useSpeech } from '../i18n.ts';
import { certificateText, maxCertificateFileBytes } from './certificate-file.ts';

const types = ['.pem', '.crt', '.cer', '.der', 'application/x-x509-ca-cert', 'application/pkix-cert'];

export interface CertificateSourceProps {
  /** `name`: what to call it. */
  readonly onFacts: (facts: CertificateFacts, name: string) => void;
}

/** The common name of a subject, else the first name that it is for. */
function nameOf({ subject, names }: CertificateFacts): string | undefined {
  return /(?:^|, ?)CN=([^,]+)/.exec(subject)?.[1] ?? names[0];
}

export function CertificateSource({ onFacts }: CertificateSourceProps) {
  const { say, date } = useSpeech();
  const call = useCall();
  const [isServerOpen, setIsServerOpen] = useState(false);
  const [filled, setFilled] = useState<CertificateFacts>();
  const [isTooLarge, setIsTooLarge] = useState(false);

  const fill = (facts: CertificateFacts, name: string) => {
    setFilled(facts);
    onFacts(facts, name);
  };
  const begin = () => {
    setFilled(undefined);
    setIsTooLarge(false);
    call.clear();
  };
  const ask = (host: string, port: number) => {
    begin();
    call.run(async (client) => fill(await client.trust.ofServer({ host, port }), host));
  };
  const open = (file: File | undefined) => {
    if (file === undefined) return;
    begin();
    if (file.size > maxCertificateFileBytes) {
      setIsTooLarge(true);
      return;
    }
    call.run(async (client) => {
      const text = certificateText(new Uint8Array(await file.arrayBuffer()));
      const facts = await client.trust.ofFile({ text });
      fill(facts, nameOf(facts) ?? file.name);
    });
  };

  const problem = isTooLarge ? 'problem.file-too-large' : call.problem;
  return (
    <div className={styles['source']}>
      <div className={styles['sources']}>
        <PushButton
          aria-expanded={isServerOpen}
          onPress={() => {
            begin();
            setIsServerOpen(!isServerOpen);
          }}
        >
          {say('action.from-server')}
        </PushButton>
        <FileTrigger acceptedFileTypes={types} onSelect={(files) => open(files?.[0])}>
          <PushButton isDisabled={!call.isReady || call.isBusy}>{say('action.from-file')}</PushButton>
        </FileTrigger>
      </div>
      {isServerOpen && <ServerFields isDisabled={!call.isReady || call.isBusy} onAsk={ask} />}
      <p className={controls['quiet']} role="status">
        {call.isBusy && say('certificate-rules.asking')}
        {filled && say('certificate-rules.filled', { date: date(filled.notAfter) })}
      </p>
      {problem !== undefined && (
        <p className={`${controls['problem'] ?? ''} ${controls['sentence'] ?? ''}`} role="alert">
          {say(problem)}
        </p>
      )}
    </div>
  );
}

interface ServerFieldsProps {
  readonly isDisabled: boolean;
  readonly onAsk: (host: string, port: number) => void;
}

function ServerFields({ isDisabled, onAsk }: ServerFieldsProps) {
  const { say } = useSpeech();
  const [host, setHost] = useState('');
  const [portText, setPortText] = useState('993');
  const [isTried, setIsTried] = useState(false);
  const id = useId();
  const firstField = useFocusOnOpen<HTMLInputElement>();
  const port = /^[0-9]{1,5}$/.test(portText.trim()) ? Number(portText) : 0;
  const problem =
    host.trim() === '' || host.trim().length > 253
      ? 'problem.server'
      : port < 1 || port > 65_535
        ? 'problem.server-port'
        : undefined;
  const ask = () => {
    setIsTried(true);
    if (problem === undefined && !isDisabled) onAsk(host.trim(), port);
  };
  // Enter here gets the certificate; it is not yet the OK of the rule.
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== 'Enter') return;
    event.preventDefault();
    ask();
  };
  const isWrong = (which: typeof problem) => isTried && problem === which;
  return (
    <>
      <div className={styles['server']}>
        <div className={controls['labelled']}>
          <label htmlFor={`${id}host`}>{say('certificate-rules.server')}</label>
          <input
            id={`${id}host`}
            className={controls['field']}
            ref={firstField}
            autoComplete="off"
            spellCheck={false}
            value={host}
            aria-invalid={isWrong('problem.server')}
            aria-describedby={isTried && problem !== undefined ? `${id}problem` : undefined}
            onChange={(event) => setHost(event.target.value)}
            onKeyDown={onKeyDown}
          />
        </div>
        <div className={controls['labelled']}>
          <label htmlFor={`${id}port`}>{say('certificate-rules.port')}</label>
          <input
            id={`${id}port`}
            className={controls['field']}
            inputMode="numeric"
            autoComplete="off"
            value={portText}
            aria-invalid={isWrong('problem.server-port')}
            aria-describedby={isTried && problem !== undefined ? `${id}problem` : undefined}
            onChange={(event) => setPortText(event.target.value)}
            onKeyDown={onKeyDown}
          />
        </div>
        <PushButton isDisabled={isDisabled} onPress={ask}>
          {say('action.get-certificate')}
        </PushButton>
      </div>
      {isTried && problem !== undefined && (
        <p id={`${id}problem`} className={controls['problem']} role="alert">
          {say(problem)}
        </p>
      )}
    </>
  );
}
