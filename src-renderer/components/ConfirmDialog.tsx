// Asks before something is dropped or reverted; where lists are concerned it asks about them apart.
import { useId, useState } from 'react';
import { useSpeech } from '../i18n.ts';
import { DialogFrame } from './DialogFrame.tsx';
import styles from './dialog.module.css';
import { PushButton } from './PushButton.tsx';

export interface Question {
  readonly title: string;
  readonly text: string;
  readonly yes: string;
  readonly no: string;
  /** Whether to ask about the lists, and what is ticked at first. */
  readonly lists?: { readonly ticked: boolean };
  readonly onYes: (withLists: boolean) => void;
}

export function ConfirmDialog({
  question,
  onClose,
}: {
  readonly question: Question;
  readonly onClose: () => void;
}) {
  const { say } = useSpeech();
  const [withLists, setWithLists] = useState(question.lists?.ticked ?? false);
  const boxId = useId();
  return (
    <DialogFrame
      title={question.title}
      lead={question.text}
      size="small"
      role="alertdialog"
      onClose={onClose}
      buttons={
        <>
          <PushButton
            look="main"
            autoFocus
            onPress={() => {
              question.onYes(withLists);
              onClose();
            }}
          >
            {question.yes}
          </PushButton>
          <PushButton onPress={onClose}>{question.no}</PushButton>
        </>
      }
    >
      {question.lists && (
        <p className={styles['tick']}>
          <input
            id={boxId}
            type="checkbox"
            checked={withLists}
            onChange={(event) => setWithLists(event.target.checked)}
          />
          <label htmlFor={boxId}>{say('ask.lists')}</label>
        </p>
      )}
    </DialogFrame>
  );
}
