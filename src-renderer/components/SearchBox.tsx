// The search field of the window. Esc empties it first; only an empty one lets Esc through to the window.
import type { Ref } from 'react';
import { Button } from 'react-aria-components';
import { useSpeech } from '../i18n.ts';
import controls from './controls.module.css';
import { CrossIcon, SearchIcon } from './icons.tsx';
import styles from './window.module.css';

export interface SearchBoxProps {
  readonly inputRef: Ref<HTMLInputElement>;
  readonly query: string;
  readonly onQuery: (query: string) => void;
}

export function SearchBox({ inputRef, query, onQuery }: SearchBoxProps) {
  const { say } = useSpeech();
  return (
    // biome-ignore lint/a11y/useSemanticElements: the search element is not known to all screen readers yet
    <div role="search" className={styles['search']}>
      <SearchIcon />
      <input
        ref={inputRef}
        className={controls['field']}
        type="search"
        autoComplete="off"
        spellCheck={false}
        aria-label={say('search.label')}
        aria-keyshortcuts="Control+F"
        placeholder={say('search.label')}
        value={query}
        onChange={(event) => onQuery(event.target.value)}
        onKeyDown={(event) => {
          if (event.key !== 'Escape' || query === '') return;
          event.preventDefault();
          onQuery('');
        }}
      />
      {query === '' ? (
        <kbd>Ctrl F</kbd>
      ) : (
        <Button
          className={controls['icon'] ?? ''}
          aria-label={say('search.clear')}
          onPress={() => onQuery('')}
        >
          <CrossIcon />
        </Button>
      )}
    </div>
  );
}
