// The state of the protection and its counters, live. What was not scanned opens its reasons.
import { useId, useState } from 'react';
import { Button, DialogTrigger, Popover } from 'react-aria-components';
import { relayReasons } from '../../src-main/contract/connection.ts';
import type { TextKey } from '../../src-main/contract/locales.ts';
import { protectionLook } from '../../src-main/contract/protection-look.ts';
import { notScannedReasons } from '../../src-main/contract/state.ts';
import { useCore, useCoreState } from '../app-context.ts';
import { useSpeech } from '../i18n.ts';
import controls from './controls.module.css';
import { ShieldIcon } from './icons.tsx';
import styles from './status.module.css';

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
  const notScanned = reasonsOf(notScannedReasons, counters.notScannedByReason, (code) => `limit.${code}`);
  const relayed = reasonsOf(relayReasons, counters.relayedByReason, (code) => `relay.${code}`);
  const relayedCount = relayed.reduce((sum, { count }) => sum + count, 0);
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
        <small>{say('status.detected')}</small>
      </div>
      <div className={counters.notScanned > 0 ? styles['warn'] : undefined}>
        <b>{number(counters.notScanned)}</b>
        <small>{say('status.not-scanned')}</small>
        <Reasons title={say('status.reasons')} reasons={notScanned} />
      </div>
      <div>
        <b>{number(state.openConnections)}</b>
        <small>{say('status.connections', { count: state.openConnections })}</small>
      </div>
      {relayedCount > 0 && (
        <div>
          <b>{number(relayedCount)}</b>
          <small>{say('status.relayed', { count: relayedCount })}</small>
          <Reasons title={say('status.relay-reasons')} reasons={relayed} />
        </div>
      )}
    </section>
  );
}

interface Reason {
  readonly label: TextKey;
  readonly count: number;
}

/** Those that have been counted, in the order of the contract. */
function reasonsOf<Code extends string>(
  codes: readonly Code[],
  counts: Readonly<Partial<Record<Code, number>>>,
  labelOf: (code: Code) => TextKey,
): Reason[] {
  return codes.flatMap((code) => {
    const count = counts[code] ?? 0;
    return count > 0 ? [{ label: labelOf(code), count }] : [];
  });
}

function Reasons({ title, reasons }: { readonly title: string; readonly reasons: readonly Reason[] }) {
  const { say, number } = useSpeech();
  const [isOpen, setIsOpen] = useState(false);
  const id = useId();
  if (reasons.length === 0) return null;
  return (
    <DialogTrigger isOpen={isOpen} onOpenChange={setIsOpen}>
      <Button className={`${controls['info'] ?? ''} ${styles['why'] ?? ''}`} aria-label={title}>
        i
      </Button>
      <Popover className={controls['popover'] ?? ''} placement="bottom end" aria-labelledby={id}>
        <h4 id={id}>{title}</h4>
        <ul className={styles['reasons']}>
          {reasons.map(({ label, count }) => (
            <li key={label}>
              <span>{say(label)}</span>
              <b>{number(count)}</b>
            </li>
          ))}
        </ul>
      </Popover>
    </DialogTrigger>
  );
}
