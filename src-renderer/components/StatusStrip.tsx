// The state of the protection and its counters, live. "Not scanned" opens its reasons.
import { useId, useState } from 'react';
import { Button, DialogTrigger, Popover } from 'react-aria-components';
import { notScannedReasons, type State } from '../../src-main/contract/state.ts';
import { useCore, useCoreState } from '../app-context.ts';
import { useSpeech } from '../i18n.ts';
import controls from './controls.module.css';
import { ShieldIcon } from './icons.tsx';
import styles from './status.module.css';

type ProtectionLook = 'protected' | 'partly' | 'not-protected' | 'off' | 'unknown';

/** One word for the whole: `partly` when the kernel redirects nothing but fixed listeners scan. */
function protectionLook({ settings, protection, interception, listeners }: State): ProtectionLook {
  if (!settings.mailTransport.enabled || protection.state === 'off') return 'off';
  if (protection.state === 'unavailable') return 'not-protected';
  if (interception.state === 'active') return 'protected';
  return listeners.length > 0 ? 'partly' : 'not-protected';
}

const shields = {
  protected: 'ok',
  partly: 'warn',
  'not-protected': 'warn',
  off: 'off',
  unknown: 'off',
} as const;

export function StatusStrip() {
  const { say, number, date } = useSpeech();
  const state = useCoreState();
  const { counters } = state;
  // What was true before the core was lost may not be true now.
  const isLive = useCore(({ link }) => link === 'live');
  const look = isLive ? protectionLook(state) : 'unknown';
  return (
    <section className={styles['strip']} aria-label={say('status.label')}>
      <div className={styles['state']} data-look={look} role="status">
        <ShieldIcon kind={shields[look]} />
        <span>{say(`status.${look}`)}</span>
      </div>
      <div title={say('status.since', { date: date(counters.since) })}>
        <b>{number(counters.scanned)}</b>
        <small>{say('status.scanned', { count: counters.scanned })}</small>
      </div>
      <div className={counters.infected > 0 ? styles['bad'] : undefined}>
        <b>{number(counters.infected)}</b>
        <small>{say('status.harmless')}</small>
      </div>
      <div className={counters.notScanned > 0 ? styles['warn'] : undefined}>
        <b>{number(counters.notScanned)}</b>
        <small>{say('status.not-scanned')}</small>
        {counters.notScanned > 0 && <Reasons />}
      </div>
      <div>
        <b>{number(state.openConnections)}</b>
        <small>{say('status.connections', { count: state.openConnections })}</small>
      </div>
    </section>
  );
}

function Reasons() {
  const { say, number } = useSpeech();
  const { counters } = useCoreState();
  const [isOpen, setIsOpen] = useState(false);
  const id = useId();
  const counted = notScannedReasons.flatMap((reason) => {
    const count = counters.notScannedByReason[reason] ?? 0;
    return count > 0 ? [{ reason, count }] : [];
  });
  if (counted.length === 0) return null;
  return (
    <DialogTrigger isOpen={isOpen} onOpenChange={setIsOpen}>
      <Button
        className={`${controls['info'] ?? ''} ${styles['why'] ?? ''}`}
        aria-label={say('status.reasons')}
      >
        i
      </Button>
      <Popover className={controls['popover'] ?? ''} placement="bottom end" aria-labelledby={id}>
        <h4 id={id}>{say('status.reasons')}</h4>
        <ul className={styles['reasons']}>
          {counted.map(({ reason, count }) => (
            <li key={reason}>
              <span>{say(`limit.${reason}`)}</span>
              <b>{number(count)}</b>
            </li>
          ))}
        </ul>
      </Popover>
    </DialogTrigger>
  );
}
