// From the settings to what is intercepted: one change at a time, the latest wins, and what an end time changes by itself
// is changed then. Knows the kernel only as a backend.
import type { MailTransportSettings } from '../contract/settings.ts';
import type { Availability } from '../contract/state.ts';
import type { FoundEndpoint, InterceptionBackend, InterceptionState } from '../interception/backend.ts';
import { nextChangeAt, planFrom } from '../interception/plan.ts';
import type { Clock, Log } from './ports.ts';

export interface ProtectionOptions {
  /** Makes the backend, once; undefined: the machine's connections are left alone. */
  readonly openBackend:
    | ((onStateChange: (state: InterceptionState) => void) => InterceptionBackend)
    | undefined;
  /** Servers where plain mail was found before. */
  readonly found: () => readonly FoundEndpoint[];
  readonly clock: Clock;
  /** Called with each change of what the interception does. */
  readonly onInterception: (state: InterceptionState) => void;
  readonly log: Log;
}

export interface Protection {
  /** Begins what takes long, on the way to the first `apply`. */
  prepare(): void;
  /** Puts settings in force; resolves when they, or later ones, are. Never rejects. */
  apply(settings: MailTransportSettings): Promise<void>;
  /** Puts what `found` gives now in force. */
  refresh(): Promise<void>;
  /** Tests what stands, and tries at once what is tried again later anyway. Never rejects. */
  retry(): Promise<void>;
  /** The backend, once something was prepared or applied and there is one. */
  readonly backend: InterceptionBackend | undefined;
  /** New connections go direct from now on; the redirected ones live on. */
  release(): Promise<void>;
  /** Takes everything down. May be called twice, and before any `apply`. */
  stop(): Promise<void>;
}

/** Timers stand still while the machine sleeps, and clocks are set: while an end time is due, it is looked at this often. */
const lookAgainMs = 60_000;

class SettingsProtection implements Protection {
  readonly #options: ProtectionOptions;
  #backend: InterceptionBackend | undefined;
  #isStarted = false;
  #applied: MailTransportSettings | undefined;
  #wanted: MailTransportSettings | undefined;
  #working: Promise<void> | undefined;
  #cancelTimer: (() => void) | undefined;
  #released = false;

  constructor(options: ProtectionOptions) {
    this.#options = options;
  }

  prepare(): void {
    if (!this.#released) this.#open()?.prepare();
  }

  async apply(settings: MailTransportSettings): Promise<void> {
    if (this.#released) return;
    this.#wanted = settings;
    this.#working ??= this.#work();
    await this.#working;
  }

  async refresh(): Promise<void> {
    const latest = this.#wanted ?? this.#applied;
    if (latest) await this.apply(latest);
  }

  async retry(): Promise<void> {
    await this.#working;
    const backend = this.#backend;
    if (!backend) return;
    const state = await this.#guarded(() => backend.retry());
    if (!this.#released) this.#options.onInterception(state);
  }

  get backend(): InterceptionBackend | undefined {
    return this.#backend;
  }

  async release(): Promise<void> {
    this.#end();
    await this.#working;
    await this.#backend?.release();
  }

  async stop(): Promise<void> {
    this.#end();
    await this.#working;
    await this.#backend?.stop();
  }

  #end(): void {
    this.#released = true;
    this.#wanted = undefined;
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
  }

  /** Applies what is wanted until nothing newer is. */
  async #work(): Promise<void> {
    for (let settings = this.#wanted; settings && !this.#released; settings = this.#wanted) {
      this.#wanted = undefined;
      this.#applied = settings;
      const state = await this.#put(settings);
      if (this.#released) break;
      this.#options.onInterception(state);
      if (!this.#wanted) this.#waitForChange(settings);
    }
    this.#working = undefined;
  }

  async #put(settings: MailTransportSettings): Promise<InterceptionState> {
    const { clock, found } = this.#options;
    const plan = planFrom(settings, found(), clock.now());
    return await this.#guarded(async () => {
      const backend = this.#open();
      if (!backend) return { availability: { state: 'off', reason: 'intercept-off' }, remarks: [] };
      if (this.#isStarted) return await backend.apply(plan);
      this.#isStarted = true;
      return await backend.start(plan);
    });
  }

  #open(): InterceptionBackend | undefined {
    this.#backend ??= this.#options.openBackend?.((state) => {
      // Before the first `apply` nobody listens yet, and nothing is intercepted that could change.
      if (this.#isStarted && !this.#released) this.#options.onInterception(state);
    });
    return this.#backend;
  }

  /** A fault of ours must not end the core: mail goes direct, and the page says so. */
  async #guarded(operation: () => Promise<InterceptionState>): Promise<InterceptionState> {
    try {
      return await operation();
    } catch (error) {
      this.#options.log('interception-failed', { error });
      return {
        availability: { state: 'unavailable', reason: 'helper-failed', detail: String(error) },
        remarks: [],
      };
    }
  }

  #waitForChange(settings: MailTransportSettings): void {
    const { clock } = this.#options;
    this.#cancelTimer?.();
    const at = nextChangeAt(settings, clock.now());
    this.#cancelTimer =
      at &&
      clock.after(Math.min(at.getTime() - clock.now().getTime(), lookAgainMs), () => {
        this.#cancelTimer = undefined;
        // Settings that came meanwhile know of their own ends.
        if (!this.#wanted && !this.#working) void this.apply(settings);
      });
  }
}

export function createProtection(options: ProtectionOptions): Protection {
  return new SettingsProtection(options);
}

/** Whether mail is scanned at all, for the page's heading. */
export function protectionFrom(
  settings: Pick<MailTransportSettings, 'enabled'>,
  interception: Availability,
  hasListeners: boolean,
): Availability {
  if (!settings.enabled) return { state: 'off', reason: 'protection-off' };
  // Where nothing is to be intercepted, the fixed listeners are the protection.
  return interception.reason === 'intercept-off' && hasListeners
    ? { ...interception, state: 'active' }
    : interception;
}
