// What is wrong around the window itself: the lost core, and settings that could not be read.
import { useApp, useCore, useCoreState } from '../app-context.ts';
import { useSpeech } from '../i18n.ts';
import { Banner } from './Banner.tsx';
import { LinkLostIcon, WarningIcon } from './icons.tsx';

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
