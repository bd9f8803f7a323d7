// One program, named by hand: its path or identity with what is wrong with it, a note, and what else the list knows of it.
import { type ReactNode, useState } from 'react';
import { isInterpreter, parseApplicationRule } from '../../src-main/contract/application-rule.ts';
import type { TextKey } from '../../src-main/contract/locales.ts';
import { applicationProblemText } from '../components/problem-words.ts';
import { useSpeech } from '../i18n.ts';
import rows from './applications.module.css';
import { EntryForm, noteOf } from './EntryForm.tsx';

interface NamedApplication {
  readonly application: string;
  readonly note?: string | undefined;
}

interface ApplicationEntryFormProps {
  readonly title: TextKey;
  /** Warns of a program that runs others. */
  readonly interpreter: TextKey;
  readonly entry: NamedApplication | undefined;
  /** What the list has already, but for this entry. */
  readonly present: readonly string[];
  readonly children?: ReactNode;
  /** Whether something else in the form is wrong: then it is not handed in. */
  readonly isWrong?: boolean;
  readonly onSubmit: (named: { readonly application: string; readonly note?: string }) => void;
  readonly onClose: () => void;
}

export function ApplicationEntryForm(props: ApplicationEntryFormProps) {
  const { title, interpreter, entry, present, children, isWrong = false, onSubmit, onClose } = props;
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

  const submit = () => {
    if (problem !== undefined || isWrong) return;
    onSubmit({ application: text, ...noteOf(note) });
    onClose();
  };

  return (
    <EntryForm
      title={say(title)}
      label={say('applications.field')}
      value={application}
      onValue={setApplication}
      problem={problem}
      examples={say('applications.examples')}
      warning={parsed.ok && isInterpreter(text) && <p className={rows['warning']}>{say(interpreter)}</p>}
      noteLabel={say('applications.note')}
      note={note}
      onNote={setNote}
      onSubmit={submit}
      onClose={onClose}
    >
      {children}
    </EntryForm>
  );
}
