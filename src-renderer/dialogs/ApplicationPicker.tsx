// Chooses programs for a list: those with mail connections first, then all that run, then installed mail programs; a
// path can be typed or pasted into the search, and in Electron chosen by a file dialog.
import { type ReactNode, useId, useState } from 'react';
import { Header, type Key, ListBox, ListBoxItem, ListBoxSection } from 'react-aria-components';
import type { Application } from '../../src-main/contract/api.ts';
import type { TextKey } from '../../src-main/contract/locales.ts';
import { useApp } from '../app-context.ts';
import controls from '../components/controls.module.css';
import { DialogFrame } from '../components/DialogFrame.tsx';
import styles from '../components/dialog.module.css';
import { ProgramTile } from '../components/ProgramTile.tsx';
import { PushButton } from '../components/PushButton.tsx';
import { applicationProblemText } from '../components/problem-words.ts';
import { useFocusOnOpen } from '../components/use-focus-on-open.ts';
import { useSpeech } from '../i18n.ts';
import rows from './applications.module.css';
import { filterSections, type PickerSections, pickerSections, typedProgram } from './picker-programs.ts';
import { usePrograms } from './use-programs.ts';

const sectionLabels: Readonly<Record<keyof PickerSections, TextKey>> = {
  connected: 'picker.connected',
  running: 'picker.running',
  installed: 'picker.installed',
};

export interface ApplicationPickerProps {
  readonly title: TextKey;
  readonly lead: TextKey;
  /** Said of a program that is in the list. */
  readonly already: TextKey;
  /** Said of a program that runs scripts. */
  readonly interpreter: TextKey;
  /** The programs of the list. */
  readonly present: readonly string[];
  /** How many more fit into the list. */
  readonly room: number;
  /** Below the programs. */
  readonly children?: ReactNode;
  /** Whether what stands below them can be taken as it is. */
  readonly isWrong?: boolean;
  readonly onPick: (applications: readonly string[]) => void;
  readonly onClose: () => void;
}

export function ApplicationPicker(props: ApplicationPickerProps) {
  const { present, room, onClose } = props;
  const { say } = useSpeech();
  const { host } = useApp();
  const programs = usePrograms();
  const [query, setQuery] = useState('');
  const [picked, setPicked] = useState<ReadonlySet<Key>>(new Set());
  const id = useId();
  const firstField = useFocusOnOpen<HTMLInputElement>();

  const typed = typedProgram(query);
  const sections = filterSections(
    programs.kind === 'ready' ? pickerSections(programs.running, programs.installed) : pickerSections([], []),
    query,
  );
  const shown = [...sections.connected, ...sections.running, ...sections.installed];
  const isListed =
    typed.kind === 'program' && shown.some((each) => each.application === typed.program.application);
  const extra = typed.kind === 'program' && !isListed ? [typed.program] : [];
  const listed = [...extra, ...shown];
  // A path that was typed to its end needs no second click.
  const chosen = new Set(
    [...picked, ...extra.map((each) => each.application)].filter((key) => !present.includes(String(key))),
  );

  const canAdd = chosen.size > 0 && chosen.size <= room && !props.isWrong;

  const onSelect = (keys: Iterable<Key>) => {
    // What the search hides stays picked.
    const hidden = [...picked].filter((key) => !listed.some((each) => each.application === key));
    setPicked(new Set([...hidden, ...keys].filter((key) => !extra.some((each) => each.application === key))));
  };
  const onAdd = () => {
    if (!canAdd) return;
    props.onPick([...chosen].map(String));
    onClose();
  };
  const browse = async () => {
    const path = await host?.chooseProgram?.();
    if (path) setQuery(path);
  };

  return (
    <DialogFrame
      title={say(props.title)}
      lead={say(props.lead)}
      size="wide"
      onClose={onClose}
      said={chosen.size > 0 && say('picker.selected', { count: chosen.size })}
      buttons={
        <>
          <PushButton look="main" isDisabled={!canAdd} onPress={onAdd}>
            {say('action.add')}
          </PushButton>
          <PushButton onPress={onClose}>{say('action.cancel')}</PushButton>
        </>
      }
    >
      <div className={styles['tools']}>
        <input
          className={`${controls['field'] ?? ''} ${styles['grow'] ?? ''}`}
          type="search"
          ref={firstField}
          autoComplete="off"
          spellCheck={false}
          aria-label={say('picker.search')}
          placeholder={say('picker.search')}
          value={query}
          aria-invalid={typed.kind === 'wrong'}
          aria-describedby={`${id}problem`}
          onChange={(event) => setQuery(event.target.value)}
          onKeyDown={(event) => {
            if (event.key === 'Enter') onAdd();
          }}
        />
        {host?.chooseProgram !== undefined && (
          <PushButton onPress={() => void browse()}>{say('action.browse')}</PushButton>
        )}
        <p id={`${id}problem`} className={`${controls['problem'] ?? ''} ${rows['below'] ?? ''}`} role="alert">
          {typed.kind === 'wrong' && applicationProblemText(say, typed.problem)}
        </p>
      </div>
      <ListBox
        aria-label={say('picker.list')}
        className={`${styles['scroll'] ?? ''} ${rows['programs'] ?? ''}`}
        selectionMode="multiple"
        selectedKeys={chosen}
        disabledKeys={present}
        onSelectionChange={(keys) => onSelect(keys === 'all' ? listed.map((each) => each.application) : keys)}
        renderEmptyState={() => (
          <p className={styles['empty']}>
            {say(
              programs.kind === 'loading'
                ? 'picker.loading'
                : programs.kind === 'failed'
                  ? 'picker.failed'
                  : 'picker.none',
            )}
          </p>
        )}
      >
        {extra.length > 0 && <Section {...props} label="picker.typed" programs={extra} />}
        {(['connected', 'running', 'installed'] as const)
          .filter((name) => sections[name].length > 0)
          .map((name) => (
            <Section {...props} key={name} label={sectionLabels[name]} programs={sections[name]} />
          ))}
      </ListBox>
      {props.children}
    </DialogFrame>
  );
}

interface SectionProps extends Pick<ApplicationPickerProps, 'present' | 'already' | 'interpreter'> {
  readonly label: TextKey;
  readonly programs: readonly Application[];
}

function Section({ label, programs, present, already, interpreter }: SectionProps) {
  const { say } = useSpeech();
  return (
    <ListBoxSection className={rows['section'] ?? ''}>
      <Header className={rows['head'] ?? ''}>{say(label)}</Header>
      {programs.map((program) => (
        <ListBoxItem
          key={program.application}
          id={program.application}
          textValue={program.name}
          className={rows['program'] ?? ''}
        >
          <span className={rows['check']} aria-hidden="true" />
          <ProgramTile name={program.name} icon={program.icon} />
          <span className={rows['name']}>
            {program.name}
            <span className={rows['path']}>{program.application}</span>
          </span>
          <Facts
            program={program}
            already={present.includes(program.application) ? already : undefined}
            interpreter={interpreter}
          />
        </ListBoxItem>
      ))}
    </ListBoxSection>
  );
}

/** The second connection and on are counted, not listed. */
const shownConnections = 1;

interface FactsProps {
  readonly program: Application;
  readonly already: TextKey | undefined;
  readonly interpreter: TextKey;
}

function Facts({ program, already, interpreter }: FactsProps) {
  const { say, number } = useSpeech();
  const more = program.connections.length - shownConnections;
  return (
    <span className={rows['facts']}>
      {already !== undefined && <span>{say(already)}</span>}
      {program.connections.slice(0, shownConnections).map((connection) => (
        <span key={connection}>
          {connection}
          {more > 0 && ` ${say('picker.more', { count: more })}`}
        </span>
      ))}
      <span>
        {[
          program.processes > 0 &&
            say('picker.processes', { count: program.processes, number: number(program.processes) }),
          program.users.length > 0 &&
            say('picker.users', { count: program.users.length, users: program.users.join(', ') }),
        ]
          .filter(Boolean)
          .join(' · ')}
      </span>
      {program.interpreter && <span className={rows['warning']}>{say(interpreter)}</span>}
    </span>
  );
}
