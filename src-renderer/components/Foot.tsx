// The foot of the window: Default, what there is to say about the draft, OK and Cancel.
import { useCore, useDraft, useSettings } from '../app-context.ts';
import { type Speech, useSpeech } from '../i18n.ts';
import { changedPaths, problemPaths, type SaveState } from '../state/draft-store.ts';
import { PushButton } from './PushButton.tsx';
import styles from './window.module.css';

export interface FootProps {
  readonly onDefault: () => void;
  readonly onOk: () => void;
  readonly onCancel: () => void;
}

function said({ say }: Speech, save: SaveState, problems: number, changes: number): string {
  if (problems > 0) return say('foot.to-mend', { count: problems });
  if (save.kind === 'failed') return say('foot.not-saved', { reason: say(`error.${save.code}`) });
  if (changes > 0) return say('foot.changes', { count: changes });
  return save.kind === 'saved' ? say('foot.saved') : '';
}

export function Foot({ onDefault, onOk, onCancel }: FootProps) {
  const speech = useSpeech();
  const settings = useSettings();
  const { edits, save } = useDraft((draft) => draft);
  const isLost = useCore(({ client }) => client === undefined);
  const problems = problemPaths(edits).length;
  const tone = problems > 0 || save.kind === 'failed' ? 'bad' : save.kind === 'saved' ? 'ok' : 'quiet';
  return (
    <footer className={styles['foot']}>
      <PushButton onPress={onDefault}>{speech.say('action.default')}</PushButton>
      <span className={styles['said']} role="status" data-tone={tone}>
        {said(speech, save, problems, changedPaths(settings, edits).length)}
      </span>
      <PushButton look="main" isDisabled={isLost} isPending={save.kind === 'saving'} onPress={onOk}>
        {speech.say('action.ok')}
      </PushButton>
      <PushButton onPress={onCancel}>{speech.say('action.cancel')}</PushButton>
    </footer>
  );
}
