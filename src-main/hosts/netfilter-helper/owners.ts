// Names the programs that hold sockets, for the system's core, which may not see other users' processes itself. Loaded by the
// helper for all users alone.
import { identify } from '../../applications/identity.ts';
import type { HelperAnswer, HelperLine, HelperRequest } from '../../interception/linux/helper-messages.ts';
import { createProcessSockets } from '../../interception/linux/process-sockets.ts';

export type FindOwner = (inode: number, uid: number) => Promise<HelperAnswer['owner'] | undefined>;

/** Answers by itself, as soon as it knows. Settles when it can take another request. */
export type AnswerOwner = (request: Extract<HelperRequest, { do: 'owner' }>) => Promise<void>;

/** Owners looked for at once; one walk through /proc serves them all. */
const maxOwners = 256;

function findOwners(): FindOwner {
  const processes = createProcessSockets({ procRoot: '/proc', now: () => performance.now() });
  return async (inode, uid) => {
    const pid = await processes.find(inode, uid);
    if (pid === undefined) return undefined;
    const { path, sandboxId, script } = identify(pid) ?? {};
    return {
      pid,
      ...(path === undefined ? {} : { path }),
      ...(sandboxId === undefined ? {} : { sandboxId }),
      ...(script === undefined ? {} : { script }),
    };
  };
}

export function answerOwners(say: (line: HelperLine) => void, find = findOwners()): AnswerOwner {
  const asked = new Set<Promise<void>>();
  const answer = async ({ id, inode, uid }: Parameters<AnswerOwner>[0]) => {
    const owner = await find(inode, uid);
    say({ id, ok: true, ...(owner ? { answer: { owner } } : {}) });
  };
  return async (request) => {
    // Each may take long, and changes nothing: those that come after it needn't wait.
    while (asked.size >= maxOwners) await Promise.race(asked);
    const answered = answer(request).finally(() => asked.delete(answered));
    asked.add(answered);
  };
}
