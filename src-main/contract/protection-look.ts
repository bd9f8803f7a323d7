// One word for the whole state of the protection, the same on the screen and in the tray.
import type { Settings } from './settings.ts';
import type { State } from './state.ts';

export type ProtectionLook = 'protected' | 'partly' | 'not-protected' | 'off';

/** What is to be scanned inside TLS, and passes unopened as SSL/TLS is off. */
export function unopenedProtocols({ mailTransport, tls }: Settings): ('IMAPS' | 'POP3S')[] {
  if (!mailTransport.enabled || tls.enabled) return [];
  return [
    ...(mailTransport.scanImaps ? ['IMAPS' as const] : []),
    ...(mailTransport.scanPop3s ? ['POP3S' as const] : []),
  ];
}

/** `partly`: the kernel redirects nothing, but fixed listeners scan; or what comes inside TLS is not opened. */
export function protectionLook({
  settings,
  protection,
  interception,
  listeners,
}: Pick<State, 'settings' | 'protection' | 'interception' | 'listeners'>): ProtectionLook {
  if (!settings.mailTransport.enabled || protection.state === 'off') return 'off';
  if (protection.state === 'unavailable') return 'not-protected';
  if (interception.state === 'active') return unopenedProtocols(settings).length > 0 ? 'partly' : 'protected';
  return listeners.length > 0 ? 'partly' : 'not-protected';
}
