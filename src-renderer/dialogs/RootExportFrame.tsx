// A dialog about the root's certificate, which can be had as a file from it.
import type { ReactNode } from 'react';
import controls from '../components/controls.module.css';
import { DialogFrame } from '../components/DialogFrame.tsx';
import { exportRoot } from '../components/export-root.ts';
import { PushButton } from '../components/PushButton.tsx';
import { useCall } from '../components/use-call.ts';
import { useSpeech } from '../i18n.ts';

interface RootExportFrameProps {
  readonly title: string;
  readonly lead?: string;
  readonly canExport?: boolean;
  readonly onClose: () => void;
  readonly children: ReactNode;
}

export function RootExportFrame({ canExport = true, onClose, children, ...frame }: RootExportFrameProps) {
  const { say } = useSpeech();
  const call = useCall();
  return (
    <DialogFrame
      {...frame}
      size="wide"
      onClose={onClose}
      said={
        call.problem !== undefined && (
          <span className={`${controls['problem'] ?? ''} ${controls['sentence'] ?? ''}`}>
            {say(call.problem)}
          </span>
        )
      }
      buttons={
        <>
          <PushButton isDisabled={!canExport || !call.isReady} onPress={() => call.run(exportRoot)}>
            {say('action.export')}
          </PushButton>
          <PushButton look="main" autoFocus onPress={onClose}>
            {say('action.close')}
          </PushButton>
        </>
      }
    >
      {children}
    </DialogFrame>
  );
}
