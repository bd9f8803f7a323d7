// "Test protection": walks the self-test and shows each step as it comes, by protocol.
import { useEffect, useRef } from 'react';
import { assertNever } from '../../src-main/contract/assert-never.ts';
import type { SelfTestStep } from '../../src-main/contract/state.ts';
import { DialogFrame } from '../components/DialogFrame.tsx';
import dialog from '../components/dialog.module.css';
import { CrossIcon, DashIcon, TickIcon } from '../components/icons.tsx';
import { PushButton } from '../components/PushButton.tsx';
import { type Speech, useSpeech } from '../i18n.ts';
import { countOutcomes, stepsByProtocol } from '../state/self-test.ts';
import styles from './self-test.module.css';
import { type SelfTest, useSelfTest } from './use-self-test.ts';

const icons = { passed: TickIcon, failed: CrossIcon, skipped: DashIcon } as const;

/** How it stands, for the foot of the dialog. */
function summary({ say }: Speech, { steps, progress }: SelfTest): string {
  const counts = countOutcomes(steps);
  const counted = (['passed', 'failed', 'skipped'] as const)
    .filter((outcome) => counts[outcome] > 0)
    .map((outcome) => say(`self-test.${outcome}`, { count: counts[outcome] }))
    .join(', ');
  switch (progress) {
    case 'running':
      return say('self-test.running');
    case 'broken':
      return say('self-test.broken');
    case 'done':
      return counted === '' ? say('self-test.nothing') : counted;
    default:
      return assertNever(progress);
  }
}

export function SelfTestDialog({ onClose }: { readonly onClose: () => void }) {
  const speech = useSpeech();
  const { say } = speech;
  const { runAgain, ...test } = useSelfTest();
  const isRunning = test.progress === 'running';
  const list = useRef<HTMLElement>(null);
  const count = test.steps.length;
  // The newest step stays in sight as long as they come; then the first that failed.
  useEffect(() => {
    if (count > 0) list.current?.scrollTo({ top: list.current.scrollHeight });
  }, [count]);
  useEffect(() => {
    if (!isRunning)
      list.current?.querySelector('[data-outcome="failed"]')?.scrollIntoView({ block: 'center' });
  }, [isRunning]);
  return (
    <DialogFrame
      title={say('self-test.title')}
      lead={say('self-test.lead')}
      size="wide"
      onClose={onClose}
      said={summary(speech, test)}
      buttons={
        <>
          <PushButton isDisabled={isRunning} onPress={runAgain}>
            {say('action.run-again')}
          </PushButton>
          <PushButton look="main" autoFocus onPress={onClose}>
            {say(isRunning ? 'action.cancel' : 'action.close')}
          </PushButton>
        </>
      }
    >
      <section
        ref={list}
        className={`${dialog['scroll'] ?? ''} ${styles['steps'] ?? ''}`}
        role="log"
        aria-label={say('self-test.steps')}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be scrolled by keys, too
        tabIndex={0}
      >
        {stepsByProtocol(test.steps).map(({ protocol, steps }) => (
          <div key={protocol}>
            <h3>{say(`self-test.protocol.${protocol}`)}</h3>
            <ul>
              {steps.map((step) => (
                <Step key={step.step} {...step} />
              ))}
            </ul>
          </div>
        ))}
      </section>
    </DialogFrame>
  );
}

function Step({ step, outcome, ms, detail }: SelfTestStep) {
  const { say, number } = useSpeech();
  const Icon = icons[outcome];
  return (
    <li className={styles['step']} data-outcome={outcome}>
      <span className={styles['icon']}>
        <Icon />
      </span>
      <span>{say(`self-test.step.${step}`)}</span>
      <span className={styles['outcome']}>{say(`self-test.outcome.${outcome}`)}</span>
      <span className={styles['time']}>
        {outcome !== 'skipped' && say('self-test.ms', { ms: number(Math.round(ms)) })}
      </span>
      {detail !== undefined && (
        <span className={styles['detail']} lang="en">
          {detail}
        </span>
      )}
    </li>
  );
}
