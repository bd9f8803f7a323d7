// The small dialog in which one entry of a list is typed: a field with what is wrong with it, more fields of the list's
// own, and a note. Enter in a field is OK.
import { type FormEvent, type ReactNode, useId } from 'react';
import { maxNoteLength } from '../../src-main/contract/settings.ts';
import controls from '../components/controls.module.css';
import { DialogFrame } from '../components/DialogFrame.tsx';
import styles from '../components/dialog.module.css';
import { PushButton } from '../components/PushButton.tsx';
import { useFocusOnOpen } from '../components/use-focus-on-open.ts';
import { useSpeech } from '../i18n.ts';

export interface EntryFormProps {
  readonly title: string;
  readonly label: string;
  readonly value: string;
  readonly onValue: (value: string) => void;
  /** In words; the examples stand in its place while there is none. */
  readonly problem: string | undefined;
  readonly examples: string;
  /** Below the field. */
  readonly warning?: ReactNode;
  readonly noteLabel: string;
  readonly note: string;
  readonly onNote: (note: string) => void;
  readonly onSubmit: () => void;
  readonly onClose: () => void;
  /** Between the field and the note. */
  readonly children?: ReactNode;
}

export function EntryForm(props: EntryFormProps) {
  const { problem, onSubmit, onClose } = props;
  const { say } = useSpeech();
  const id = useId();
  const firstField = useFocusOnOpen<HTMLInputElement>();
  const onForm = (event: FormEvent) => {
    event.preventDefault();
    onSubmit();
  };

  return (
    <DialogFrame
      title={props.title}
      size="small"
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
      <form className={styles['form']} onSubmit={onForm}>
        <div className={controls['labelled']}>
          <label htmlFor={`${id}field`}>{props.label}</label>
          <input
            id={`${id}field`}
            className={controls['field']}
            ref={firstField}
            autoComplete="off"
            spellCheck={false}
            value={props.value}
            aria-invalid={problem !== undefined}
            aria-describedby={`${id}problem`}
            onChange={(event) => props.onValue(event.target.value)}
          />
          <p id={`${id}problem`} className={problem === undefined ? controls['quiet'] : controls['problem']}>
            {problem ?? props.examples}
          </p>
          {props.warning}
        </div>
        {props.children}
        <div className={controls['labelled']}>
          <label htmlFor={`${id}note`}>{props.noteLabel}</label>
          <input
            id={`${id}note`}
            className={controls['field']}
            maxLength={maxNoteLength}
            value={props.note}
            onChange={(event) => props.onNote(event.target.value)}
          />
        </div>
        <button type="submit" hidden />
      </form>
    </DialogFrame>
  );
}

/** The note of an entry as it is stored: not at all when it is empty. */
export function noteOf(note: string): { readonly note?: string } {
  const trimmed = note.trim();
  return trimmed === '' ? {} : { note: trimmed };
}
