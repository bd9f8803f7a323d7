// One row of a page: label, ⓘ, the dot of a change, and the control at the right edge. Which control it is, the layout
// says.
import { useEffect, useId, useRef } from 'react';
import type { LayoutRow } from '../../src-main/contract/layout-nodes.ts';
import { useDraft, useSettings } from '../app-context.ts';
import { useSpeech } from '../i18n.ts';
import { isChanged, problemAt, valueAt } from '../state/draft-store.ts';
import { Highlight, OtherLanguage } from './Highlight.tsx';
import { Hint } from './Hint.tsx';
import styles from './page.module.css';
import { fieldProblemText } from './problem-words.ts';
import { SettingControl } from './SettingControl.tsx';

export interface SettingRowProps {
  readonly row: LayoutRow;
  readonly isHintOpen: boolean;
  readonly onHintOpenChange: (isOpen: boolean) => void;
}

export function SettingRow({ row, isHintOpen, onHintOpenChange }: SettingRowProps) {
  const { say } = useSpeech();
  const settings = useSettings();
  const edits = useDraft((draft) => draft.edits);
  const id = useId();
  const ids = { control: `${id}control`, label: `${id}label`, problem: `${id}problem` };
  const isOff =
    (row.master !== undefined && !valueAt(settings, edits, row.master)) ||
    (row.unless !== undefined && valueAt(settings, edits, row.unless.path) === row.unless.value);
  const problem = problemAt(edits, row.path);
  const isWrong = problem !== undefined;
  const rowElement = useRef<HTMLDivElement>(null);
  // The words stand under the field: at the lower edge of the page they would not be seen.
  useEffect(() => {
    if (isWrong) rowElement.current?.scrollIntoView({ block: 'nearest' });
  }, [isWrong]);
  return (
    <div ref={rowElement} className={styles['row']} data-setting={row.path} data-off={isOff || undefined}>
      <div className={styles['label']}>
        <label id={ids.label} htmlFor={ids.control}>
          <Highlight label={row.label} />
        </label>
        <Hint
          title={say(row.label)}
          text={say(row.hint)}
          labelId={ids.label}
          isOpen={isHintOpen}
          onOpenChange={onHintOpenChange}
        />
        {isChanged(settings, edits, row.path) && (
          <span
            className={styles['dirty']}
            role="img"
            aria-label={say('row.changed')}
            title={say('row.changed')}
          />
        )}
        <OtherLanguage label={row.label} />
      </div>
      <SettingControl row={row} ids={ids} isDisabled={isOff} isWrong={isWrong} />
      {problem && (
        <p className={styles['problem']} id={ids.problem} role="alert">
          {fieldProblemText(say, problem)}
        </p>
      )}
    </div>
  );
}
