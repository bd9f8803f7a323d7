// The keys of the window: Ctrl+F to the search, F1 to the hint of the focused row, Esc is Cancel.
import { useEffect } from 'react';
import { type LayoutRow, pagesOf, rowsOf } from '../../src-main/contract/layout-nodes.ts';
import { settingsTree } from '../../src-main/contract/settings-layout.ts';

export interface Shortcuts {
  readonly onSearch: () => void;
  readonly onHint: (path: LayoutRow['path']) => void;
  readonly onCancel: () => void;
}

function rowOfFocus(): LayoutRow | undefined {
  const path = document.activeElement?.closest<HTMLElement>('[data-setting]')?.dataset['setting'];
  return pagesOf(settingsTree)
    .flatMap(({ page }) => rowsOf(page))
    .find((row) => row.path === path);
}

export function useShortcuts({ onSearch, onHint, onCancel }: Shortcuts): void {
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      // A dialog or popover has the keys to itself.
      if (event.defaultPrevented || document.querySelector('[role="dialog"], [role="alertdialog"]')) return;
      if (event.key.toLowerCase() === 'f' && event.ctrlKey && !event.altKey && !event.shiftKey) {
        event.preventDefault();
        onSearch();
      } else if (event.key === 'F1') {
        event.preventDefault();
        const row = rowOfFocus();
        if (row) onHint(row.path);
      } else if (event.key === 'Escape') {
        event.preventDefault();
        onCancel();
      }
    };
    window.addEventListener('keydown', onKeyDown);
    return () => window.removeEventListener('keydown', onKeyDown);
  }, [onSearch, onHint, onCancel]);
}
