// The tree of pages at the left: arrow keys walk it, choosing a page shows it, marks say which pages are changed or wrong.
import { useMemo, useState } from 'react';
import { Button, type Key, Tree, TreeItem, TreeItemContent } from 'react-aria-components';
import { type LayoutNode, pagesOf, rowsOf } from '../../src-main/contract/layout-nodes.ts';
import { settingsTree } from '../../src-main/contract/settings-layout.ts';
import { useDraft, useSettings } from '../app-context.ts';
import { useSpeech } from '../i18n.ts';
import { changedPaths, problemPaths } from '../state/draft-store.ts';
import type { SearchResult } from '../state/search.ts';
import { Highlight } from './Highlight.tsx';
import { ChevronIcon } from './icons.tsx';
import styles from './tree.module.css';

type Mark = 'changed' | 'wrong';

export interface SettingsTreeProps {
  readonly pageId: string | undefined;
  readonly found: SearchResult | undefined;
  readonly onPage: (id: string) => void;
}

function groupIds(nodes: readonly LayoutNode[]): string[] {
  return nodes.flatMap((node) => (node.kind === 'group' ? [node.id, ...groupIds(node.children)] : []));
}

/** The tree without the pages that have no match, and without the groups that are then empty. */
function pruned(nodes: readonly LayoutNode[], found: SearchResult | undefined): LayoutNode[] {
  if (found === undefined) return [...nodes];
  return nodes.flatMap((node): LayoutNode[] => {
    if (node.kind === 'page') return found.pages.has(node.id) ? [node] : [];
    const children = pruned(node.children, found);
    return children.length > 0 ? [{ ...node, children }] : [];
  });
}

export function SettingsTree({ pageId, found, onPage }: SettingsTreeProps) {
  const { say } = useSpeech();
  const settings = useSettings();
  const edits = useDraft((draft) => draft.edits);
  const [folded, setFolded] = useState<ReadonlySet<Key>>(new Set());
  const groups = useMemo(() => groupIds(settingsTree), []);

  const changed = new Set(changedPaths(settings, edits));
  const wrong = new Set(problemPaths(edits));
  const marks = new Map<string, Mark>();
  for (const { page } of pagesOf(settingsTree)) {
    const paths = rowsOf(page).map((row) => row.path);
    if (paths.some((path) => wrong.has(path))) marks.set(page.id, 'wrong');
    else if (paths.some((path) => changed.has(path))) marks.set(page.id, 'changed');
  }

  const open = groups.filter((id) => found !== undefined || !folded.has(id));
  return (
    <Tree
      aria-label={say('window.tree')}
      className={styles['tree'] ?? ''}
      selectionMode="single"
      selectionBehavior="replace"
      disallowEmptySelection
      disabledBehavior="selection"
      disabledKeys={groups}
      selectedKeys={pageId === undefined ? [] : [pageId]}
      expandedKeys={open}
      onExpandedChange={(keys) => setFolded(new Set(groups.filter((id) => !keys.has(id))))}
      onSelectionChange={(keys) => {
        const [first] = keys === 'all' ? [] : [...keys];
        if (first !== undefined) onPage(String(first));
      }}
    >
      {pruned(settingsTree, found).map((node) => (
        <Node key={node.id} node={node} level={0} marks={marks} />
      ))}
    </Tree>
  );
}

interface NodeProps {
  readonly node: LayoutNode;
  readonly level: number;
  readonly marks: ReadonlyMap<string, Mark>;
}

function Node({ node, level, marks }: NodeProps) {
  const { say } = useSpeech();
  const mark = marks.get(node.id);
  const markText =
    mark === undefined ? undefined : say(mark === 'wrong' ? 'window.page-wrong' : 'window.page-changed');
  return (
    <TreeItem id={node.id} textValue={say(node.label)} className={styles['item'] ?? ''} data-mark={mark}>
      <TreeItemContent>
        <span className={`${styles['line'] ?? ''} ${styles[`level${level}`] ?? ''}`}>
          {node.kind === 'group' ? (
            <Button slot="chevron" className={styles['chevron'] ?? ''}>
              <ChevronIcon />
            </Button>
          ) : (
            <span className={styles['chevron']} />
          )}
          <span className={styles['name']}>
            <Highlight label={node.label} />
          </span>
          {markText !== undefined && (
            <span
              className={styles['mark']}
              data-mark={mark}
              role="img"
              aria-label={markText}
              title={markText}
            />
          )}
        </span>
      </TreeItemContent>
      {node.kind === 'group'
        ? node.children.map((child) => <Node key={child.id} node={child} level={level + 1} marks={marks} />)
        : null}
    </TreeItem>
  );
}
