// One page of the tree: where it stands, what it is about, its live state if it has one, and its sections.

import type { PlacedPage } from '../../src-main/contract/layout-nodes.ts';
import type { SettingPath } from '../../src-main/contract/setting-path.ts';
import { SettingsProblemBanners } from '../components/Banners.tsx';
import { DirectBanner, StaleBanner } from '../components/ConnectionBanners.tsx';
import { LastDetections } from '../components/LastDetections.tsx';
import { BlockedBanner, ProtectionBanner, RemarkBanners } from '../components/ProtectionBanners.tsx';
import styles from '../components/page.module.css';
import { SettingsSection } from '../components/SettingsSection.tsx';
import { StatusStrip } from '../components/StatusStrip.tsx';
import { TestButton } from '../components/TestButton.tsx';
import { TlsOffBanner } from '../components/TlsOffBanner.tsx';
import { TlsRelays } from '../components/TlsRelays.tsx';
import { TrustStores } from '../components/TrustStores.tsx';
import { useSpeech } from '../i18n.ts';

export interface SettingsPageProps {
  readonly placed: PlacedPage;
  readonly shown: ReadonlySet<SettingPath> | undefined;
  readonly openHint: SettingPath | undefined;
  readonly onHint: (path: SettingPath | undefined) => void;
}

export function SettingsPage({ placed: { page, groups }, shown, openHint, onHint }: SettingsPageProps) {
  const { say } = useSpeech();
  const isLive = page.live === 'mail-protection';
  const isTrust = page.live === 'trust';
  // While searching, the page is what was found and nothing around it.
  const isWhole = shown === undefined;
  return (
    <article className={styles['page']} data-help={page.helpId} aria-labelledby="page-title">
      {groups.length > 0 && (
        <p className={styles['path']}>{groups.map((group) => say(group.label)).join(' › ')}</p>
      )}
      <div className={styles['top']}>
        <h2 className={styles['title']} id="page-title">
          {say(page.label)}
        </h2>
        {isLive && isWhole && <TestButton />}
      </div>
      <p className={styles['lead']}>{say(page.lead)}</p>
      {isLive && isWhole && <StatusStrip />}
      {isWhole && <SettingsProblemBanners />}
      {isLive && <BlockedBanner />}
      {isLive && <ProtectionBanner />}
      {isLive && <TlsOffBanner />}
      {isLive && isWhole && (
        <>
          <RemarkBanners />
          <DirectBanner />
          <StaleBanner />
        </>
      )}
      {page.sections.map((section) => (
        <SettingsSection
          key={section.id}
          section={section}
          shown={shown}
          openHint={openHint}
          onHint={onHint}
        />
      ))}
      {isLive && isWhole && <LastDetections />}
      {isTrust && isWhole && (
        <>
          <TrustStores />
          <TlsRelays />
        </>
      )}
      {page.remark !== undefined && isWhole && <p className={styles['remark']}>{say(page.remark)}</p>}
    </article>
  );
}
