// One address, range or subnet of "Excluded IPs", with its note and the time for which it is excluded.
import { useId, useState } from 'react';
import { parseAddressEntry } from '../../src-main/contract/address-list.ts';
import type { ExcludedAddress } from '../../src-main/contract/settings.ts';
import controls from '../components/controls.module.css';
import styles from '../components/dialog.module.css';
import { ChevronIcon } from '../components/icons.tsx';
import { addressProblemText } from '../components/problem-words.ts';
import { useSpeech } from '../i18n.ts';
import { EntryForm, noteOf } from './EntryForm.tsx';
import type { EntryEditor } from './ListDialog.tsx';

const durations = ['always', 'hour', 'day', 'until'] as const;
type Duration = (typeof durations)[number];

const hourMs = 3_600_000;

/** An instant as the local time that a datetime field shows: `2026-11-24T13:05`. */
function localTime(instant: Date): string {
  const shifted = new Date(instant.getTime() - instant.getTimezoneOffset() * 60_000);
  return shifted.toISOString().slice(0, 16);
}

/** The end as an ISO instant; undefined: none; `wrong`: not a time to come. */
function endOf(duration: Duration, until: string, now: number): string | undefined | 'wrong' {
  if (duration === 'always') return undefined;
  if (duration === 'hour') return new Date(now + hourMs).toISOString();
  if (duration === 'day') return new Date(now + 24 * hourMs).toISOString();
  const end = new Date(until);
  return Number.isNaN(end.getTime()) || end.getTime() <= now ? 'wrong' : end.toISOString();
}

export function AddressEntryDialog({ entry, present, onSave, onClose }: EntryEditor<ExcludedAddress>) {
  const { say } = useSpeech();
  const [address, setAddress] = useState(entry?.address ?? '');
  const [note, setNote] = useState(entry?.note ?? '');
  const [duration, setDuration] = useState<Duration>(entry?.until === undefined ? 'always' : 'until');
  const [until, setUntil] = useState(() => localTime(new Date(entry?.until ?? Date.now() + hourMs)));
  const [isTried, setIsTried] = useState(false);
  const id = useId();

  const parsed = parseAddressEntry(address);
  const addressProblem = parsed.ok
    ? present.includes(address.trim())
      ? say('problem.already', { text: address.trim() })
      : undefined
    : addressProblemText(say, parsed.problem);
  const end = endOf(duration, until, Date.now());
  // An empty new field is not called wrong before OK was tried.
  const shownProblem = isTried || address.trim() !== '' ? addressProblem : undefined;

  const onSubmit = () => {
    setIsTried(true);
    if (addressProblem !== undefined || end === 'wrong') return;
    onSave([
      {
        address: address.trim(),
        ...noteOf(note),
        ...(end !== undefined && { until: end }),
      },
    ]);
    onClose();
  };

  return (
    <EntryForm
      title={say(entry === undefined ? 'addresses.add-title' : 'addresses.edit-title')}
      label={say('addresses.field')}
      value={address}
      onValue={setAddress}
      problem={shownProblem}
      examples={say('addresses.examples')}
      noteLabel={say('addresses.note')}
      note={note}
      onNote={setNote}
      onSubmit={onSubmit}
      onClose={onClose}
    >
      <div className={styles['pair']}>
        <div className={controls['labelled']}>
          <label htmlFor={`${id}duration`}>{say('addresses.duration')}</label>
          <span className={controls['select']}>
            <select
              id={`${id}duration`}
              value={duration}
              onChange={(event) =>
                setDuration(durations.find((each) => each === event.target.value) ?? 'always')
              }
            >
              {durations.map((each) => (
                <option key={each} value={each}>
                  {say(`addresses.duration.${each}`)}
                </option>
              ))}
            </select>
            <ChevronIcon />
          </span>
        </div>
        {duration === 'until' && (
          <div className={controls['labelled']}>
            <label htmlFor={`${id}until`}>{say('addresses.until')}</label>
            <input
              id={`${id}until`}
              className={controls['field']}
              type="datetime-local"
              value={until}
              aria-invalid={end === 'wrong'}
              aria-describedby={end === 'wrong' ? `${id}end` : undefined}
              onChange={(event) => setUntil(event.target.value)}
            />
          </div>
        )}
      </div>
      {end === 'wrong' && (
        <p id={`${id}end`} className={controls['problem']} role="alert">
          {say('problem.until')}
        </p>
      )}
    </EntryForm>
  );
}
