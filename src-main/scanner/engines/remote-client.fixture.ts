// A server for the tests of the remote client: it has no wire, and the test answers for it.
import type { RemoteSource } from './remote-engine.ts';
import type { Probe, RemoteServer, Reply } from './remote-server.ts';

interface Asked {
  readonly text: string;
  readonly session: number;
  readonly isRetry: boolean;
  readonly signal: AbortSignal;
  reply(reply: Reply): void;
}

export class FakeRemote implements RemoteServer {
  readonly id = 'clamd';
  readonly window = 2;
  readonly sharedBytes = 10;
  readonly asked: Asked[] = [];
  readonly probes: { readonly signal: AbortSignal; answer(probe: Probe): void }[] = [];
  readonly closed: number[] = [];
  sessions = 0;
  events: { onVersion(version: string): void; onEnd(): void } | undefined;

  probe(signal: AbortSignal): Promise<Probe> {
    return new Promise((answer) => {
      this.probes.push({ signal, answer });
      signal.addEventListener('abort', () => answer({ kind: 'down' }));
    });
  }

  open(events: { onVersion(version: string): void; onEnd(): void }) {
    this.events = events;
    const session = ++this.sessions;
    const due = new Set<(reply: Reply) => void>();
    let isOpen = true;
    return {
      ask: (source: RemoteSource, signal: AbortSignal, isRetry: boolean) =>
        new Promise<Reply>((resolve) => {
          const reply = (answer: Reply) => {
            due.delete(reply);
            resolve(answer);
          };
          due.add(reply);
          const text = source.kind === 'bytes' ? Buffer.from(source.bytes).toString() : source.path;
          this.asked.push({ text, session, isRetry, signal, reply });
        }),
      close: () => {
        if (!isOpen) return;
        isOpen = false;
        this.closed.push(session);
        events.onEnd();
        for (const reply of due) reply({ kind: 'lost' });
      },
    };
  }

  asking(text: string): Asked {
    const last = this.asked.findLast((each) => each.text === text);
    if (!last) throw new Error(`${text} was not asked`);
    return last;
  }

  answerProbe(probe: Probe): void {
    this.probes.at(-1)?.answer(probe);
  }
}
