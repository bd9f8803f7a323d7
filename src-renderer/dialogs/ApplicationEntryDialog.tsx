// One entry of "Excluded applications", edited by hand: its path or identity, and a note.
import { type FormEvent, useId, useState } from 'react';
import { isInterpreter, parseApplicationRule } from '../../src-main/contract/application-rule.ts';
import { type ExcludedApplication, maxNoteLength } from '../../src-main/contract/settings.ts';
import controls from '../components/controls.module.css';
import { DialogFrame } from '../components/DialogFrame.tsx';
import styles from '../components/dialog.module.css';
import { PushButton } from '../components/PushButton.tsx';
import { applicationProblemText } from '../components/problem-words.ts';
import { useFocusOnOpen } from '../components/use-focus-on-open.ts';
import { useSpeech } from '../i18n.ts';
import rows from './applications.module.css';
import type { EntryEditor } from './ListDialog.tsx';

export function ApplicationEntryDialog({
  entry,
  present,
  onSave,
  onClose,
}: EntryEditor<ExcludedApplication>) {
  const { say } = useSpeech();
  const [application, setApplication] = useState(entry?.application ?? '');
  const [note, setNote] = useState(entry?.note ?? '');
  const id = useId();
  const firstField = useFocusOnOpen<HTMLInputElement>();

  const text = application.trim();
  const parsed = parseApplicationRule(text);
  const problem = parsed.ok
    ? present.includes(text)
      ? say('problem.already', { text })
      : undefined
    : applicationProblemText(say, parsed.problem);

  const onSubmit = (event?: FormEvent) => {
    event?.preventDefault();
    if (problem !== undefined) return;
    const trimmed = note.trim();
    onSave([{ application: text, ...(trimmed !== '' && { note: trimmed }) }]);
    onClose();
  };

  return (
    <DialogFrame
      title={say('applications.edit-title')}
      size="small"
      onClose={onClose}
      buttons={
        <>
          <PushButton look="main" onPress={() => onSubmit()}>
            {say('action.ok')}
          </PushButton>
          <PushButton onPress={onClose}>{say('action.cancel')}</PushButton>
        </>
      }
    >
      <form className={styles['form']} onSubmit={onSubmit}>
        <div className={controls['labelled']}>
          <label htmlFor={`${id}application`}>{say('applications.field')}</label>
          <input
            id={`${id}application`}
            className={controls['field']}
            ref={firstField}
            autoComplete="off"
            spellCheck={false}
            value={application}
            aria-invalid={problem !== undefined}
            aria-describedby={`${id}problem`}
            onChange={(event) => setApplication(event.target.value)}
          />
          <p id={`${id}problem`} className={problem === undefined ? controls['quiet'] : controls['problem']}>
            {problem ?? say('applications.examples')}
          </p>
          {parsed.ok && isInterpreter(text) && <p className={rows['warning']}>{say('picker.interpreter')}</p>}
        </div>
        <div className={controls['labelled']}>
          <label htmlFor={`${id}note`}>{say('applications.note')}</label>
          <input
            id={`${id}note`}
            className={controls['field']}
            maxLength={maxNoteLength}
            value={note}
            onChange={(event) => setNote(event.target.value)}
          />
        </div>
        {/* Enter in a field is OK. */}
        <button type="submit" hidden />
      </form>
    </DialogFrame>
  );
}
