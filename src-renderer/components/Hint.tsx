// The ⓘ behind a label: a few sentences in a popover, with a line break between paragraphs. Its name stays apart from the
// label, so that the label names the control alone; what it is about is its description.
import { useId } from 'react';
import { Button, DialogTrigger, Popover } from 'react-aria-components';
import { useSpeech } from '../i18n.ts';
import styles from './controls.module.css';

export interface HintProps {
  readonly title: string;
  readonly text: string;
  readonly labelId: string;
  readonly isOpen: boolean;
  readonly onOpenChange: (isOpen: boolean) => void;
}

export function Hint({ title, text, labelId, isOpen, onOpenChange }: HintProps) {
  const { say } = useSpeech();
  const titleId = useId();
  return (
    <DialogTrigger isOpen={isOpen} onOpenChange={onOpenChange}>
      <Button className={styles['info'] ?? ''} aria-label={say('row.about')} aria-describedby={labelId}>
        i
      </Button>
      {/* Without a dialog within, the popover itself is one: its hidden buttons then lie inside of it. */}
      <Popover className={styles['popover'] ?? ''} placement="bottom start" aria-labelledby={titleId}>
        <h4 id={titleId}>{title}</h4>
        {text.split('\n').map((paragraph) => (
          <p key={paragraph}>{paragraph}</p>
        ))}
      </Popover>
    </DialogTrigger>
  );
}
