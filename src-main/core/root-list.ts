// Roots of ours that are noted on disk: those that have had their time, and those that commands have put into stores.
import { z } from 'zod';
import type { Root } from '../certificates/trust-stores/store.ts';
import { certificateFactsSchema } from '../contract/trust.ts';
import { openStoredList, type StoredList, type StoredListOptions } from '../storage/stored-list.ts';

/** A root is replaced by hand, or every ten years. */
const maxRoots = 50;

const rootSchema = z.object({ pem: z.string(), facts: certificateFactsSchema });

export function openRootList(
  file: string,
  onProblem: StoredListOptions<Root>['onProblem'],
): StoredList<Root> {
  return openStoredList<Root>({
    file,
    schema: rootSchema,
    keyOf: ({ facts }) => facts.sha256,
    maxItems: maxRoots,
    onProblem,
  });
}
