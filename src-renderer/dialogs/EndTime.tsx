// How long an entry of a list applies: always, for an hour or a day, or until a time that is typed; and that time as a
// cell of a table.
import { type ReactNode, useId, useState } from 'react';
import { Choice } from '../components/Choice.tsx';
import controls from '../components/controls.module.css';
import styles from '../components/dialog.module.css';
import { useSpeech } from '../i18n.ts';

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

export interface EndTime {
  readonly duration: Duration;
  readonly setDuration: (duration: Duration) => void;
  /** What the field shows. */
  readonly until: string;
  readonly setUntil: (until: string) => void;
  /** See `endOf`. */
  readonly end: string | undefined | 'wrong';
}

/** `initial`: the end of the entry as an ISO instant; absent: it has none. */
export function useEndTime(initial: string | undefined): EndTime {
  const [duration, setDuration] = useState<Duration>(initial === undefined ? 'always' : 'until');
  const [until, setUntil] = useState(() => localTime(new Date(initial ?? Date.now() + hourMs)));
  return { duration, setDuration, until, setUntil, end: endOf(duration, until, Date.now()) };
}

/** The end of an entry as it is stored: not at all when it has none. */
export function untilOf(end: string | undefined): { readonly until?: string } {
  return end === undefined ? {} : { until: end };
}

export interface EndTimeFieldsProps {
  readonly label: string;
  readonly time: EndTime;
  /** Fields in the same line, before these. */
  readonly before?: ReactNode;
}

export function EndTimeFields({ label, time, before }: EndTimeFieldsProps) {
  const { say } = useSpeech();
  const { duration, setDuration, until, setUntil, end } = time;
  const id = useId();
  return (
    <>
      <div className={styles[before === undefined ? 'pair' : 'line']}>
        {before}
        <Choice
          label={label}
          value={duration}
          values={durations}
          wordsOf={(each) => `addresses.duration.${each}`}
          onValue={setDuration}
        />
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
    </>
  );
}

export function EndOf({ until }: { readonly until: string | undefined }) {
  const { say, moment } = useSpeech();
  if (until === undefined) return say('addresses.always');
  const isOver = Date.parse(until) <= Date.now();
  return (
    <time dateTime={until} className={isOver ? controls['quiet'] : undefined}>
      {isOver ? say('addresses.expired', { date: moment(until) }) : moment(until)}
    </time>
  );
}
