// A section of rows that folds away, with the arrow that reverts it while something in it differs from the defaults.
import { useId, useState } from 'react';
import { Button } from 'react-aria-components';
import { isListRow, type LayoutSection } from '../../src-main/contract/layout-nodes.ts';
import type { SettingPath } from '../../src-main/contract/setting-path.ts';
import { useApp, useDraft, useSettings } from '../app-context.ts';
import { useSpeech } from '../i18n.ts';
import { differsFromDefault, revertRows } from '../state/draft-store.ts';
import { ConfirmDialog, type Question } from './ConfirmDialog.tsx';
import controls from './controls.module.css';
import { Highlight } from './Highlight.tsx';
import { ChevronIcon, RevertIcon } from './icons.tsx';
import styles from './page.module.css';
import { RootCertificate } from './RootCertificate.tsx';
import { SettingRow } from './SettingRow.tsx';

export interface SettingsSectionProps {
  readonly section: LayoutSection;
  /** The rows that the search leaves; undefined: all. */
  readonly shown: ReadonlySet<SettingPath> | undefined;
  readonly openHint: SettingPath | undefined;
  readonly onHint: (path: SettingPath | undefined) => void;
}

export function SettingsSection({ section, shown, openHint, onHint }: SettingsSectionProps) {
  const { say } = useSpeech();
  const { draft } = useApp();
  const settings = useSettings();
  const edits = useDraft((state) => state.edits);
  const [isFolded, setIsFolded] = useState(false);
  const [question, setQuestion] = useState<Question>();
  const bodyId = useId();
  const rows = shown === undefined ? section.rows : section.rows.filter((row) => shown.has(row.path));
  if (rows.length === 0) return null;
  // What the search found must not hide in a folded section.
  const isOpen = !isFolded || shown !== undefined;
  const differing = section.rows.filter((row) => differsFromDefault(settings, edits, row.path));

  const ask = () =>
    setQuestion({
      title: say('ask.section.title'),
      text: say('ask.section.text', { section: say(section.label) }),
      yes: say('action.revert'),
      no: say('action.cancel'),
      // A section of nothing but lists would otherwise revert nothing.
      ...(differing.some(isListRow) && { lists: { ticked: differing.every(isListRow) } }),
      onYes: (withLists) => revertRows(draft, section.rows, withLists),
    });

  return (
    <section className={styles['section']} data-section={section.id}>
      <div className={styles['head']}>
        <h3>
          <button
            type="button"
            className={styles['fold']}
            aria-expanded={isOpen}
            aria-controls={bodyId}
            onClick={() => setIsFolded(isOpen)}
          >
            <ChevronIcon />
            <span>
              <Highlight label={section.label} />
            </span>
          </button>
        </h3>
        {differing.length > 0 && (
          <Button className={controls['icon'] ?? ''} aria-label={say('section.revert')} onPress={ask}>
            <span title={say('section.revert')} className={styles['bare']}>
              <RevertIcon />
            </span>
          </Button>
        )}
      </div>
      <div id={bodyId} hidden={!isOpen}>
        {rows.map((row) => (
          <SettingRow
            key={row.path}
            row={row}
            isHintOpen={openHint === row.path}
            onHintOpenChange={(open) => onHint(open ? row.path : undefined)}
          />
        ))}
        {/* While searching, a section is what was found. */}
        {section.live === 'root-certificate' && shown === undefined && <RootCertificate />}
      </div>
      {question && <ConfirmDialog question={question} onClose={() => setQuestion(undefined)} />}
    </section>
  );
}
