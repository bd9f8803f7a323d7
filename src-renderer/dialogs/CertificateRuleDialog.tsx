// One certificate rule: what it is called, the conditions that must hold, and what is done then. The conditions can be
// filled in from the certificate of a server or of a file.
import { type FormEvent, useId, useState } from 'react';
import {
  type CertificateRule,
  certificateRuleSchema,
  scanActions,
} from '../../src-main/contract/settings.ts';
import type { CertificateFacts } from '../../src-main/contract/trust.ts';
import { Choice } from '../components/Choice.tsx';
import controls from '../components/controls.module.css';
import { DialogFrame } from '../components/DialogFrame.tsx';
import styles from '../components/dialog.module.css';
import { PushButton } from '../components/PushButton.tsx';
import { ruleProblemText } from '../components/problem-words.ts';
import { useFocusOnOpen } from '../components/use-focus-on-open.ts';
import { useSpeech } from '../i18n.ts';
import { CertificateSource } from './CertificateSource.tsx';
import { type RuleField, readTypedRule, type TypedRule } from './certificate-rule-form.ts';
import { EndTimeFields, untilOf, useEndTime } from './EndTime.tsx';
import type { EntryEditor } from './ListDialog.tsx';

const accesses = certificateRuleSchema.shape.access.options;

type Conditions = Pick<TypedRule, 'name' | 'host' | 'sha256' | 'subject' | 'issuer'>;

const labels = {
  name: 'certificate-rules.name',
  host: 'certificate-rules.host',
  sha256: 'certificate.sha256',
  subject: 'certificate.subject',
  issuer: 'certificate.issuer',
} as const;

export function CertificateRuleDialog({ entry, onSave, onClose }: EntryEditor<CertificateRule>) {
  const { say } = useSpeech();
  const [typed, setTyped] = useState<Conditions>({
    name: entry?.name ?? '',
    host: entry?.host ?? '',
    sha256: entry?.sha256 ?? '',
    subject: entry?.subject ?? '',
    issuer: entry?.issuer ?? '',
  });
  const [access, setAccess] = useState(entry?.access ?? 'auto');
  const [scan, setScan] = useState(entry?.scan ?? 'auto');
  const [isTried, setIsTried] = useState(false);
  const time = useEndTime(entry?.until);
  const id = useId();
  const firstField = useFocusOnOpen<HTMLInputElement>();

  const read = readTypedRule({ ...typed, access, scan, ...(time.end !== 'wrong' && untilOf(time.end)) });
  const problemAt = (field: RuleField) => {
    const problem = read.ok ? undefined : read.problems.get(field);
    // What is empty yet is not called wrong before OK was tried; that "Allow" lacks something is known at once.
    const isShown =
      isTried ||
      problem?.kind === 'allow-needs-fingerprint' ||
      (field !== 'rule' && typed[field].trim() !== '');
    return problem !== undefined && isShown ? ruleProblemText(say, problem) : undefined;
  };

  const onSubmit = () => {
    setIsTried(true);
    if (!read.ok || time.end === 'wrong') return;
    onSave([read.rule]);
    onClose();
  };
  const onForm = (event: FormEvent) => {
    event.preventDefault();
    onSubmit();
  };
  const onFacts = ({ subject, issuer, sha256 }: CertificateFacts, name: string) =>
    setTyped((before) => ({
      ...before,
      name: before.name.trim() === '' ? name : before.name,
      subject,
      issuer,
      sha256,
    }));

  const ruleProblem = problemAt('rule');
  const field = (name: keyof Conditions, example?: string) => {
    const problem = problemAt(name);
    const said = problem ?? example;
    return (
      <div className={controls['labelled']}>
        <label htmlFor={`${id}${name}`}>{say(labels[name])}</label>
        <input
          id={`${id}${name}`}
          className={`${controls['field'] ?? ''} ${name === 'sha256' ? (controls['code'] ?? '') : ''}`}
          ref={name === 'name' ? firstField : undefined}
          autoComplete="off"
          spellCheck={false}
          value={typed[name]}
          aria-invalid={problem !== undefined}
          aria-describedby={said === undefined ? undefined : `${id}${name}said`}
          onChange={(event) => setTyped({ ...typed, [name]: event.target.value })}
        />
        {said !== undefined && (
          <p
            id={`${id}${name}said`}
            className={problem === undefined ? controls['quiet'] : controls['problem']}
          >
            {said}
          </p>
        )}
      </div>
    );
  };

  return (
    <DialogFrame
      title={say(entry === undefined ? 'certificate-rules.add-title' : 'certificate-rules.edit-title')}
      lead={say('certificate-rules.entry-lead')}
      size="wide"
      onClose={onClose}
      buttons={
        <>
          <PushButton look="main" onPress={onSubmit}>
            {say('action.ok')}
          </PushButton>
          <PushButton onPress={onClose}>{say('action.cancel')}</PushButton>
        </>
      }
    >
      <form className={`${styles['form'] ?? ''} ${styles['tall'] ?? ''}`} onSubmit={onForm}>
        <CertificateSource onFacts={onFacts} />
        <div className={styles['pair']}>
          {field('name')}
          {field('host', say('certificate-rules.host-examples'))}
        </div>
        {field('sha256')}
        <div className={styles['pair']}>
          {field('subject')}
          {field('issuer')}
        </div>
        {ruleProblem !== undefined && (
          <p className={controls['problem']} role="alert">
            {ruleProblem}
          </p>
        )}
        <EndTimeFields
          label={say('rules.duration')}
          time={time}
          before={
            <>
              <Choice
                label={say('certificate-rules.column.access')}
                value={access}
                values={accesses}
                wordsOf={(each) => `rules.access.${each}`}
                onValue={setAccess}
              />
              <Choice
                label={say('certificate-rules.column.scan')}
                value={scan}
                values={scanActions}
                wordsOf={(each) => `rules.scan.${each}`}
                onValue={setScan}
              />
            </>
          }
        />
        <button type="submit" hidden />
      </form>
    </DialogFrame>
  );
}
