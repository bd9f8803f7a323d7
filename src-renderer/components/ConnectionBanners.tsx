// Connections that are not scanned as the settings of today say, and the button that closes them: those that live by
// older rules, and those that were open before the interception began.
import { type ReactNode, useId, useState } from 'react';
import { useCore, useCoreState } from '../app-context.ts';
import type { CoreClient } from '../client.ts';
import { useSpeech } from '../i18n.ts';
import { Banner } from './Banner.tsx';
import { ClockIcon, InfoIcon } from './icons.tsx';
import { PushButton } from './PushButton.tsx';

interface CloseBannerProps {
  readonly icon: ReactNode;
  readonly text: string;
  readonly close: (client: CoreClient) => Promise<{ readonly closed: number }>;
}

function CloseBanner({ icon, text, close }: CloseBannerProps) {
  const { say } = useSpeech();
  const client = useCore((core) => core.client);
  const [progress, setProgress] = useState<'idle' | 'closing' | 'failed'>('idle');
  const textId = useId();
  const onPress = async () => {
    if (client === undefined) return;
    setProgress('closing');
    setProgress(
      await close(client).then(
        ({ closed }) => (closed > 0 ? 'idle' : 'failed'),
        () => 'failed',
      ),
    );
  };
  return (
    <Banner
      tone="quiet"
      icon={icon}
      action={
        <PushButton
          aria-describedby={textId}
          isDisabled={client === undefined || progress === 'closing'}
          onPress={() => void onPress()}
        >
          {say('action.close-connections')}
        </PushButton>
      }
    >
      <p id={textId}>{text}</p>
      {progress === 'failed' && <p>{say('stale.failed')}</p>}
    </Banner>
  );
}

export function StaleBanner() {
  const { say } = useSpeech();
  const { staleConnections } = useCoreState();
  if (staleConnections === 0) return null;
  return (
    <CloseBanner
      icon={<ClockIcon />}
      text={say('stale.text', { count: staleConnections })}
      close={(client) => client.connections.close({})}
    />
  );
}

export function DirectBanner() {
  const { say } = useSpeech();
  const { directConnections } = useCoreState();
  if (directConnections === 0) return null;
  return (
    <CloseBanner
      icon={<InfoIcon />}
      text={say('direct.text', { count: directConnections })}
      close={(client) => client.connections.closeDirect()}
    />
  );
}
