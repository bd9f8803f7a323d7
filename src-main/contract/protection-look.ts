// One word for the whole state of the protection, the same on the screen and in the tray.
import type { State } from './state.ts';

export type ProtectionLook = 'protected' | 'partly' | 'not-protected' | 'off';

/** `partly`: the kernel redirects nothing, but fixed listeners scan. */
export function protectionLook({
  settings,
  protection,
  interception,
  listeners,
}: Pick<State, 'settings' | 'protection' | 'interception' | 'listeners'>): ProtectionLook {
  if (!settings.mailTransport.enabled || protection.state === 'off') return 'off';
  if (protection.state === 'unavailable') return 'not-protected';
  if (interception.state === 'active') return 'protected';
  return listeners.length > 0 ? 'partly' : 'not-protected';
}
