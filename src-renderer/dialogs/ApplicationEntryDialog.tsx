// One entry of "Excluded applications", edited by hand: its path or identity, and a note.
import { useState } from 'react';
import { isInterpreter, parseApplicationRule } from '../../src-main/contract/application-rule.ts';
import type { ExcludedApplication } from '../../src-main/contract/settings.ts';
import { applicationProblemText } from '../components/problem-words.ts';
import { useSpeech } from '../i18n.ts';
import rows from './applications.module.css';
import { EntryForm, noteOf } from './EntryForm.tsx';
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

  const text = application.trim();
  const parsed = parseApplicationRule(text);
  const problem = parsed.ok
    ? present.includes(text)
      ? say('problem.already', { text })
      : undefined
    : applicationProblemText(say, parsed.problem);

  const onSubmit = () => {
    if (problem !== undefined) return;
    onSave([{ application: text, ...noteOf(note) }]);
    onClose();
  };

  return (
    <EntryForm
      title={say('applications.edit-title')}
      label={say('applications.field')}
      value={application}
      onValue={setApplication}
      problem={problem}
      examples={say('applications.examples')}
      warning={
        parsed.ok && isInterpreter(text) && <p className={rows['warning']}>{say('picker.interpreter')}</p>
      }
      noteLabel={say('applications.note')}
      note={note}
      onNote={setNote}
      onSubmit={onSubmit}
      onClose={onClose}
    />
  );
}
