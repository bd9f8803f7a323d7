// From the settings to what is intercepted: one change at a time, the latest wins, and what an end time changes by itself
// is changed then. Knows the kernel only as a backend.
import type { MailTransportSettings } from '../contract/settings.ts';
import type { Availability } from '../contract/state.ts';
import type { InterceptionBackend } from '../interception/backend.ts';
import { nextChangeAt, planFrom } from '../interception/plan.ts';
import type { Clock, Log } from './ports.ts';

export interface ProtectionOptions {
  /** Makes the backend, once; undefined: the machine's connections are left alone. */
  readonly openBackend:
    | ((onStateChange: (availability: Availability) => void) => Promise<InterceptionBackend>)
    | undefined;
  readonly clock: Clock;
  /** Called with each change of what the interception does. */
  readonly onInterception: (availability: Availability) => void;
  readonly log: Log;
}

export interface Protection {
  /** Puts settings in force; resolves when they, or later ones, are. Never rejects. */
  apply(settings: MailTransportSettings): Promise<void>;
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
  #wanted: MailTransportSettings | undefined;
  #working: Promise<void> | undefined;
  #cancelTimer: (() => void) | undefined;
  #released = false;

  constructor(options: ProtectionOptions) {
    this.#options = options;
  }

  async apply(settings: MailTransportSettings): Promise<void> {
    if (this.#released) return;
    this.#wanted = settings;
    this.#working ??= this.#work();
    await this.#working;
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
      const availability = await this.#put(settings);
      if (this.#released) break;
      this.#options.onInterception(availability);
      if (!this.#wanted) this.#waitForChange(settings);
    }
    this.#working = undefined;
  }

  async #put(settings: MailTransportSettings): Promise<Availability> {
    const { openBackend, clock, log } = this.#options;
    if (!openBackend) return { state: 'off', reason: 'intercept-off' };
    const plan = planFrom(settings, clock.now());
    try {
      if (this.#backend) return await this.#backend.apply(plan);
      this.#backend = await openBackend((availability) => {
        if (!this.#released) this.#options.onInterception(availability);
      });
      return await this.#backend.start(plan);
    } catch (error) {
      // A fault of ours must not end the core: mail goes direct, and the page says so.
      log('interception-failed', { error });
      return { state: 'unavailable', reason: 'nft-failed', detail: String(error) };
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
