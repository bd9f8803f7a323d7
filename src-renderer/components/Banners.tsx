// What is wrong now and how it is mended: the lost core, protection that can't work, settings that could not be read,
// connections that live by older rules.
import { type ReactNode, useState } from 'react';
import type { ErrorCode } from '../../src-main/contract/error-codes.ts';
import type { TextKey } from '../../src-main/contract/locales.ts';
import { useApp, useCore, useCoreState } from '../app-context.ts';
import { useSpeech } from '../i18n.ts';
import { ClockIcon, LinkLostIcon, WarningIcon } from './icons.tsx';
import { PushButton } from './PushButton.tsx';
import styles from './status.module.css';

interface BannerProps {
  readonly tone: 'bad' | 'warn' | 'quiet';
  readonly icon: ReactNode;
  readonly children: ReactNode;
  readonly action?: ReactNode;
}

function Banner({ tone, icon, children, action }: BannerProps) {
  return (
    <div className={styles['banner']} data-tone={tone} role={tone === 'quiet' ? 'status' : 'alert'}>
      {icon}
      <div className={styles['words']}>{children}</div>
      {action}
    </div>
  );
}

export function LostBanner() {
  const { say } = useSpeech();
  const { host } = useApp();
  if (useCore(({ link }) => link) !== 'lost') return null;
  return (
    <Banner tone="bad" icon={<LinkLostIcon />}>
      <p>{say('banner.lost')}</p>
      {/* A core that was started anew does not know the session of this page. */}
      {host === undefined && <p>{say('banner.lost-console')}</p>}
    </Banner>
  );
}

/** What to do about a reason, where the user can do something. */
const mends: Partial<Record<ErrorCode, TextKey>> = {
  'no-privilege': 'mend.no-privilege',
  'no-nft': 'mend.no-nft',
  'listener-busy': 'mend.listener-busy',
  'intercept-off': 'mend.intercept-off',
};

export function ProtectionBanner() {
  const { say } = useSpeech();
  const { settings, protection, interception, listeners } = useCoreState();
  if (!settings.mailTransport.enabled) return null;
  const isDown = protection.state === 'unavailable';
  const failing = isDown ? protection : interception;
  const reason = failing.reason ?? interception.reason;
  if (failing.state === 'active' || reason === undefined || reason === 'protection-off') return null;
  const mend = mends[reason];
  const list = listeners
    .map((each) =>
      say('banner.listener', {
        address: `${each.address}:${each.port}`,
        target: each.target,
        protocol: each.protocol.toUpperCase(),
      }),
    )
    .join(', ');
  return (
    <Banner tone="warn" icon={<WarningIcon />}>
      <p>{say(isDown ? 'banner.no-protection' : 'banner.unavailable', { reason: say(`error.${reason}`) })}</p>
      {mend !== undefined && <p>{say(mend)}</p>}
      {!isDown && listeners.length > 0 && <p>{say('banner.listeners', { count: listeners.length, list })}</p>}
      {failing.detail !== undefined && <p className={styles['detail']}>{failing.detail}</p>}
    </Banner>
  );
}

export function SettingsProblemBanners() {
  const { say } = useSpeech();
  const { settingsProblems } = useCoreState();
  return settingsProblems.map((problem) => {
    const fields = problem.fields?.filter((field) => field !== '').join(', ') ?? '';
    return (
      <Banner key={`${problem.code} ${problem.section ?? ''}`} tone="warn" icon={<WarningIcon />}>
        <p>{say(`error.${problem.code}`)}</p>
        {(fields !== '' || problem.keptAs !== undefined) && (
          <p>
            {fields !== '' && `${say('banner.settings-fields', { fields })} `}
            {problem.keptAs !== undefined && say('banner.settings-kept', { file: problem.keptAs })}
          </p>
        )}
      </Banner>
    );
  });
}

export function StaleBanner() {
  const { say } = useSpeech();
  const { staleConnections } = useCoreState();
  const client = useCore((core) => core.client);
  const [progress, setProgress] = useState<'idle' | 'closing' | 'failed'>('idle');
  if (staleConnections === 0) return null;
  const close = async () => {
    if (client === undefined) return;
    setProgress('closing');
    setProgress(
      await client.connections.close({}).then(
        () => 'idle' as const,
        () => 'failed' as const,
      ),
    );
  };
  return (
    <Banner
      tone="quiet"
      icon={<ClockIcon />}
      action={
        <PushButton isDisabled={client === undefined || progress === 'closing'} onPress={() => void close()}>
          {say('action.close-connections')}
        </PushButton>
      }
    >
      <p>{say('stale.text', { count: staleConnections })}</p>
      {progress === 'failed' && <p>{say('stale.failed')}</p>}
    </Banner>
  );
}
