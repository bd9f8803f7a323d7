// A child process that speaks in JSON lines: the interception's program, driven by a test.
import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Command } from './netfilter-program.ts';

export type Line = Readonly<Record<string, unknown>>;

/** Commands go in as lines, and what it says comes out as lines. */
export class Talker {
  readonly child: ChildProcess;
  readonly #lines: Line[] = [];
  readonly #waiting: (() => void)[] = [];

  constructor(child: ChildProcess) {
    this.child = child;
    if (!child.stdout) throw new Error('no output to read');
    // A command to a program that has just been killed.
    child.stdin?.on('error', () => child.stdin?.destroy());
    createInterface({ input: child.stdout }).on('line', (line) => {
      this.#lines.push(JSON.parse(line) as Line);
      for (const wake of this.#waiting.splice(0)) wake();
    });
  }

  say(command: Command): void {
    this.child.stdin?.write(`${JSON.stringify(command)}\n`);
  }

  /** Takes the next line with this event, and drops those before it. */
  async next(event: string): Promise<Line> {
    for (;;) {
      const at = this.#lines.findIndex((line) => line['event'] === event);
      const line = this.#lines[at];
      if (line) {
        this.#lines.splice(0, at + 1);
        return line;
      }
      await new Promise<void>((wake) => this.#waiting.push(wake));
    }
  }

  async kill(signal: NodeJS.Signals): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const gone = new Promise((done) => this.child.once('exit', done));
    this.child.kill(signal);
    await gone;
  }
}
