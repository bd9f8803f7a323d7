// Many entries at once, typed, pasted or read from a file; says which of them are wrong and why.
import { useId, useState } from 'react';
import type { TextKey } from '../../src-main/contract/locales.ts';
import { maxListEntries } from '../../src-main/contract/settings.ts';
import controls from '../components/controls.module.css';
import { DialogFrame } from '../components/DialogFrame.tsx';
import styles from '../components/dialog.module.css';
import { PushButton } from '../components/PushButton.tsx';
import { useFocusOnOpen } from '../components/use-focus-on-open.ts';
import { useSpeech } from '../i18n.ts';
import { type Checked, checkEntries, type TypedEntry } from './entry-lines.ts';

export interface MultipleValuesProps<Entry> {
  readonly initial: string;
  readonly label: TextKey;
  readonly present: readonly string[];
  readonly room: number;
  readonly check: (typed: TypedEntry) => Checked<Entry>;
  readonly keyOf: (entry: Entry) => string;
  readonly onAdd: (entries: readonly Entry[]) => void;
  readonly onClose: () => void;
}

/** Enough of what is wrong to mend it; the rest shows when these are mended. */
const maxShownProblems = 50;

export function MultipleValuesDialog<Entry>(props: MultipleValuesProps<Entry>) {
  const { label, present, room, check, keyOf, onAdd, onClose } = props;
  const { say, number } = useSpeech();
  const [text, setText] = useState(props.initial);
  const id = useId();
  const firstField = useFocusOnOpen<HTMLTextAreaElement>();
  const { entries, wrong } = checkEntries(text, present, check, keyOf);
  const isTooMany = entries.length > room;
  const canAdd = entries.length > 0 && wrong.length === 0 && !isTooMany;
  return (
    <DialogFrame
      title={say('addresses.multiple.title')}
      lead={say('addresses.multiple.lead')}
      size="small"
      onClose={onClose}
      said={entries.length > 0 && say('addresses.multiple.ready', { count: entries.length })}
      buttons={
        <>
          <PushButton
            look="main"
            isDisabled={!canAdd}
            onPress={() => {
              onAdd(entries);
              onClose();
            }}
          >
            {say('action.add')}
          </PushButton>
          <PushButton onPress={onClose}>{say('action.cancel')}</PushButton>
        </>
      }
    >
      <div className={styles['form']}>
        <div className={controls['labelled']}>
          <label htmlFor={`${id}text`}>{say(label)}</label>
          <textarea
            id={`${id}text`}
            className={controls['field']}
            rows={8}
            ref={firstField}
            spellCheck={false}
            value={text}
            aria-invalid={wrong.length > 0 || isTooMany}
            aria-describedby={`${id}wrong`}
            onChange={(event) => setText(event.target.value)}
          />
        </div>
        <div
          id={`${id}wrong`}
          role="alert"
          className={`${controls['problem'] ?? ''} ${styles['wrong'] ?? ''}`}
        >
          {isTooMany && <p>{say('problem.list-full', { limit: number(maxListEntries) })}</p>}
          {wrong.length > 0 && (
            <>
              <p>{say('addresses.multiple.wrong', { count: wrong.length })}</p>
              <ul>
                {wrong.slice(0, maxShownProblems).map((each) => (
                  <li key={each.text}>{each.problem}</li>
                ))}
              </ul>
            </>
          )}
        </div>
      </div>
    </DialogFrame>
  );
}
