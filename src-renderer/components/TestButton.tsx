// "Test protection": the button that opens the self-test.
import { useState } from 'react';
import { useCore } from '../app-context.ts';
import { SelfTestDialog } from '../dialogs/SelfTestDialog.tsx';
import { useSpeech } from '../i18n.ts';
import { PushButton } from './PushButton.tsx';

export function TestButton() {
  const { say } = useSpeech();
  const isLive = useCore(({ link }) => link === 'live');
  const [isOpen, setIsOpen] = useState(false);
  return (
    <>
      <PushButton isDisabled={!isLive} onPress={() => setIsOpen(true)}>
        {say('action.test-protection')}
      </PushButton>
      {isOpen && <SelfTestDialog onClose={() => setIsOpen(false)} />}
    </>
  );
}
