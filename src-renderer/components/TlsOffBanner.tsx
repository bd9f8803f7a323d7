// Says that what comes inside TLS passes unscanned, as SSL/TLS is off while it is to be scanned; the button turns it on.
import { unopenedProtocols } from '../../src-main/contract/protection-look.ts';
import { useApp, useSettings } from '../app-context.ts';
import { useSpeech } from '../i18n.ts';
import { confirmSettings } from '../state/core-store.ts';
import { edit } from '../state/draft-store.ts';
import { Banner } from './Banner.tsx';
import { WarningIcon } from './icons.tsx';
import { PushButton } from './PushButton.tsx';
import { useCall } from './use-call.ts';

export function TlsOffBanner() {
  const { say } = useSpeech();
  const { core, draft } = useApp();
  const protocols = unopenedProtocols(useSettings());
  const call = useCall();
  const [protocol, other] = protocols;
  if (protocol === undefined) return null;
  const enable = () =>
    call.run(async (client) => {
      confirmSettings(core, await client.settings.update({ tls: { enabled: true } }));
      // The row shows what is stored now, whatever was chosen in it before.
      edit(draft, 'tls.enabled', true);
    });
  return (
    <Banner
      tone="warn"
      icon={<WarningIcon />}
      action={
        <PushButton isDisabled={!call.isReady} onPress={enable}>
          {say('action.enable-tls')}
        </PushButton>
      }
    >
      <p>
        {other === undefined ? say('banner.tls-off', { protocols: protocol }) : say('banner.tls-off-both')}
      </p>
      {call.problem !== undefined && <p>{say('foot.not-saved', { reason: say(call.problem) })}</p>}
    </Banner>
  );
}
