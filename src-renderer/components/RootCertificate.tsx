// The root that our certificates are signed by: its facts, and what can be done with it.
import { useState } from 'react';
import type { TrustAction } from '../../src-main/contract/trust.ts';
import { useApp, useCoreState } from '../app-context.ts';
import { RootCertificateDialog } from '../dialogs/RootCertificateDialog.tsx';
import { type Speech, useSpeech } from '../i18n.ts';
import { confirmTrust } from '../state/core-store.ts';
import { ConfirmDialog, type Question } from './ConfirmDialog.tsx';
import controls from './controls.module.css';
import { exportRoot } from './export-root.ts';
import { Fingerprint } from './Fingerprint.tsx';
import { PushButton } from './PushButton.tsx';
import styles from './trust.module.css';
import { failureWords } from './trust-words.ts';
import { useCall } from './use-call.ts';

/** What the last action led to. */
interface Outcome {
  readonly said: string;
  readonly failures: readonly string[];
}

function outcomeOf({ say }: Speech, said: string, actions: readonly TrustAction[]): Outcome {
  return { said, failures: [...new Set(actions.flatMap((action) => failureWords(say, action) ?? []))] };
}

export function RootCertificate() {
  const speech = useSpeech();
  const { say, date, moment } = speech;
  const { core } = useApp();
  const { trust } = useCoreState();
  const [root, next] = trust.roots;
  const call = useCall();
  const [isViewed, setIsViewed] = useState(false);
  const [question, setQuestion] = useState<Question>();
  const [outcome, setOutcome] = useState<Outcome>();

  const run: typeof call.run = (work) => {
    setOutcome(undefined);
    call.run(work);
  };
  const check = () =>
    run(async (client) => {
      confirmTrust(core, await client.trust.status());
      setOutcome({ said: say('root.checked', { time: moment(new Date().toISOString()) }), failures: [] });
    });
  const replace = () =>
    run(async (client) => {
      const actions = await client.trust.replace();
      setOutcome(outcomeOf(speech, say('root.replaced'), actions));
    });
  const remove = () =>
    run(async (client) => {
      const actions = await client.trust.remove({});
      const count = actions.filter(({ action }) => action === 'removed').length;
      setOutcome(outcomeOf(speech, say('root.removed', { count }), actions));
    });

  const isDisabled = !call.isReady;
  return (
    <div className={styles['root']}>
      {root === undefined ? (
        <p className={controls['quiet']}>{say('root.none')}</p>
      ) : (
        <dl className={styles['facts']}>
          <dt>{say('certificate.subject')}</dt>
          <dd>{root.subject}</dd>
          <dt>{say('certificate.sha256')}</dt>
          <dd>
            <Fingerprint sha256={root.sha256} />
          </dd>
          <dt>{say('certificate.not-after')}</dt>
          <dd>
            <time dateTime={root.notAfter}>{date(root.notAfter)}</time>
          </dd>
          {next !== undefined && (
            <>
              <dt>{say('root.next')}</dt>
              <dd>
                <time dateTime={next.notAfter}>{date(next.notAfter)}</time>
              </dd>
            </>
          )}
        </dl>
      )}
      <div className={styles['buttons']}>
        <PushButton isDisabled={isDisabled || root === undefined} onPress={() => setIsViewed(true)}>
          {say('action.view-certificate')}
        </PushButton>
        <PushButton isDisabled={isDisabled || root === undefined} onPress={() => run(exportRoot)}>
          {say('action.export')}
        </PushButton>
        <PushButton isDisabled={isDisabled} onPress={check}>
          {say('action.check-again')}
        </PushButton>
        <PushButton
          isDisabled={isDisabled}
          onPress={() =>
            setQuestion({
              title: say('ask.replace-root.title'),
              text: say('ask.replace-root.text'),
              yes: say('action.replace'),
              no: say('action.cancel'),
              onYes: replace,
            })
          }
        >
          {say('action.replace-more')}
        </PushButton>
        <PushButton
          look="danger"
          isDisabled={isDisabled}
          onPress={() =>
            setQuestion({
              title: say('ask.remove-root.title'),
              text: say('ask.remove-root.text'),
              yes: say('action.remove'),
              no: say('action.cancel'),
              onYes: remove,
            })
          }
        >
          {say('action.remove-everywhere')}
        </PushButton>
      </div>
      <div role="status" className={styles['said']}>
        {call.isBusy && <p>{say('root.busy')}</p>}
        {outcome !== undefined && <p>{outcome.said}</p>}
      </div>
      {(call.problem !== undefined || (outcome?.failures.length ?? 0) > 0) && (
        <div role="alert" className={styles['failures']}>
          {call.problem !== undefined && <p className={controls['sentence']}>{say(call.problem)}</p>}
          {outcome?.failures.map((failure) => (
            <p key={failure}>{failure}</p>
          ))}
        </div>
      )}
      {isViewed && <RootCertificateDialog onClose={() => setIsViewed(false)} />}
      {question && <ConfirmDialog question={question} onClose={() => setQuestion(undefined)} />}
    </div>
  );
}
