// Why mail is not intercepted and how that is mended, and what an interception can't do here or does not do by rule.
import { useState } from 'react';
import type { ErrorCode } from '../../src-main/contract/error-codes.ts';
import { mendOf } from '../../src-main/contract/mends.ts';
import type { Remark } from '../../src-main/contract/state.ts';
import { errorCodeOf, useApp, useCore, useCoreState } from '../app-context.ts';
import { useSpeech } from '../i18n.ts';
import { confirmSettings } from '../state/core-store.ts';
import { edit } from '../state/draft-store.ts';
import { Banner } from './Banner.tsx';
import { ConfirmDialog } from './ConfirmDialog.tsx';
import { InfoIcon, StopIcon, WarningIcon } from './icons.tsx';
import { PushButton } from './PushButton.tsx';
import styles from './status.module.css';

type Trying = { readonly kind: 'idle' | 'trying' } | { readonly kind: 'tried'; readonly at: string };

export function ProtectionBanner() {
  const { say, moment } = useSpeech();
  const { settings, protection, interception, listeners } = useCoreState();
  const client = useCore((core) => core.client);
  const [trying, setTrying] = useState<Trying>({ kind: 'idle' });
  if (!settings.mailTransport.enabled) return null;
  const isDown = protection.state === 'unavailable';
  const failing = isDown ? protection : interception;
  const reason = failing.reason ?? interception.reason;
  if (failing.state === 'active' || reason === undefined || reason === 'protection-off') return null;
  const { text, command, again } = mendOf(reason);
  const list = listeners
    .map((each) =>
      say('banner.listener', {
        address: `${each.address}:${each.port}`,
        target: each.target,
        protocol: each.protocol.toUpperCase(),
      }),
    )
    .join(', ');
  const retry = async () => {
    if (client === undefined) return;
    setTrying({ kind: 'trying' });
    // The state says whether it works now; a call that fails did not make it work either.
    await client.protection.retry().catch(() => undefined);
    setTrying({ kind: 'tried', at: new Date().toISOString() });
  };
  return (
    <Banner
      tone="warn"
      icon={<WarningIcon />}
      action={
        again && (
          <PushButton
            isDisabled={client === undefined || trying.kind === 'trying'}
            onPress={() => void retry()}
          >
            {say('action.retry')}
          </PushButton>
        )
      }
    >
      <p>{say(isDown ? 'banner.no-protection' : 'banner.unavailable', { reason: say(`error.${reason}`) })}</p>
      {text !== undefined && <p>{say(text)}</p>}
      {command !== undefined && (
        <p>
          <code className={styles['command']}>{command}</code>
        </p>
      )}
      {!isDown && listeners.length > 0 && <p>{say('banner.listeners', { count: listeners.length, list })}</p>}
      {failing.detail !== undefined && (
        <p className={styles['detail']} lang="en">
          {failing.detail}
        </p>
      )}
      {trying.kind === 'trying' && <p>{say('banner.retrying')}</p>}
      {trying.kind === 'tried' && <p>{say('banner.retried', { time: moment(trying.at) })}</p>}
    </Banner>
  );
}

export function BlockedBanner() {
  const { say } = useSpeech();
  const { core, draft } = useApp();
  const { remarks } = useCoreState();
  const client = useCore((state) => state.client);
  const [isAsking, setIsAsking] = useState(false);
  const [problem, setProblem] = useState<ErrorCode>();
  if (!remarks.some(({ code }) => code === 'mail-blocked')) return null;
  const letPass = async () => {
    if (client === undefined) return;
    try {
      confirmSettings(core, await client.settings.update({ mailTransport: { whenStopped: 'pass' } }));
      // The row shows what is stored now, whatever was chosen in it before.
      edit(draft, 'mailTransport.whenStopped', 'pass');
      setProblem(undefined);
    } catch (error) {
      setProblem(errorCodeOf(error));
    }
  };
  return (
    <>
      <Banner
        tone="bad"
        icon={<StopIcon />}
        action={
          <PushButton isDisabled={client === undefined} onPress={() => setIsAsking(true)}>
            {say('action.let-pass')}
          </PushButton>
        }
      >
        <p>{say('banner.mail-blocked')}</p>
        {problem !== undefined && <p>{say('foot.not-saved', { reason: say(`error.${problem}`) })}</p>}
      </Banner>
      {isAsking && (
        <ConfirmDialog
          question={{
            title: say('ask.let-pass.title'),
            text: say('ask.let-pass.text'),
            yes: say('action.let-pass'),
            no: say('action.cancel'),
            onYes: () => void letPass(),
          }}
          onClose={() => setIsAsking(false)}
        />
      )}
    </>
  );
}

export function RemarkBanners() {
  const { remarks } = useCoreState();
  return remarks
    .filter(({ code }) => code !== 'mail-blocked')
    .map((remark) => (
      <Banner key={`${remark.code} ${remark.detail ?? ''}`} tone="quiet" icon={<InfoIcon />}>
        <RemarkWords {...remark} />
      </Banner>
    ));
}

function RemarkWords({ code, detail }: Remark) {
  const { say } = useSpeech();
  if (code === 'port-denied' && detail !== undefined)
    return <p>{say('banner.ports-denied', { ports: detail })}</p>;
  return (
    <>
      <p>{say(code === 'greetings-unseen' ? 'banner.greetings-unseen' : `error.${code}`)}</p>
      {detail !== undefined && (
        <p className={styles['detail']} lang="en">
          {detail}
        </p>
      )}
    </>
  );
}
