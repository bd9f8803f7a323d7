// The few drawings of the window; all take the colour of the text around them and are hidden from assistive technology.
import type { ReactNode } from 'react';

function Drawing({ size, children }: { readonly size: number; readonly children: ReactNode }) {
  return (
    <svg
      width={size}
      height={size}
      viewBox={`0 0 ${size} ${size}`}
      fill="none"
      stroke="currentColor"
      strokeWidth={size > 20 ? 1.8 : 1.6}
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
      focusable="false"
    >
      {children}
    </svg>
  );
}

export const MarkIcon = () => (
  <Drawing size={26}>
    <path d="M4 24V11a9 9 0 0 1 18 0v13" strokeWidth="2" />
    <path d="M2 24h22" strokeWidth="2" />
    <path d="M8 12.5h10v7.5H8z" strokeWidth="2" />
    <path d="m8 13 5 4 5-4" strokeWidth="2" />
  </Drawing>
);

export const SearchIcon = () => (
  <Drawing size={16}>
    <circle cx="7" cy="7" r="4.6" />
    <path d="m10.5 10.5 4 4" />
  </Drawing>
);

export const CrossIcon = () => (
  <Drawing size={16}>
    <path d="m4.5 4.5 7 7m0-7-7 7" />
  </Drawing>
);

export const ChevronIcon = () => (
  <Drawing size={14}>
    <path d="m5 3 4 4-4 4" />
  </Drawing>
);

export const RevertIcon = () => (
  <Drawing size={16}>
    <path d="M3 4v4h4" />
    <path d="M3.4 8A5.2 5.2 0 1 1 5 12.4" />
  </Drawing>
);

export const WarningIcon = () => (
  <Drawing size={20}>
    <path d="M10 3 1.8 17h16.4z" />
    <path d="M10 8v4.5m0 1.6v.6" />
  </Drawing>
);

export const InfoIcon = () => (
  <Drawing size={20}>
    <circle cx="10" cy="10" r="7.2" />
    <path d="M10 9.3v4.2m0-7v.2" />
  </Drawing>
);

export const StopIcon = () => (
  <Drawing size={20}>
    <circle cx="10" cy="10" r="7.2" />
    <path d="m5 5 10 10" />
  </Drawing>
);

export const TickIcon = () => (
  <Drawing size={16}>
    <path d="m3 8.5 3.4 3.5L13 4.5" />
  </Drawing>
);

export const DashIcon = () => (
  <Drawing size={16}>
    <path d="M4 8h8" />
  </Drawing>
);

/** Half of it is there. */
export const PartlyIcon = () => (
  <Drawing size={16}>
    <circle cx="8" cy="8" r="5.6" />
    <path d="M8 2.4a5.6 5.6 0 0 1 0 11.2z" fill="currentColor" />
  </Drawing>
);

export const LockIcon = () => (
  <Drawing size={16}>
    <path d="M3.5 7.3h9v6h-9z" />
    <path d="M5.4 7.3V5.2a2.6 2.6 0 0 1 5.2 0v2.1" />
  </Drawing>
);

export const LinkLostIcon = () => (
  <Drawing size={20}>
    <path d="M7.5 12.5 4.8 15.2a2.6 2.6 0 0 1-3.7-3.7L5 7.6m7.5-.1 2.7-2.7a2.6 2.6 0 0 1 3.7 3.7L15 12.4" />
    <path d="m4 3 12 14" />
  </Drawing>
);

export const ClockIcon = () => (
  <Drawing size={20}>
    <circle cx="10" cy="10" r="7.2" />
    <path d="M10 5.8V10l2.8 2" />
  </Drawing>
);

const shield = 'M11 2 3.5 5v5.5c0 4.6 3.2 7.9 7.5 9.5 4.3-1.6 7.5-4.9 7.5-9.5V5z';

export const ShieldIcon = ({ kind }: { readonly kind: 'ok' | 'warn' | 'off' }) => (
  <Drawing size={22}>
    <path d={shield} />
    {kind === 'ok' && <path d="m7.5 11 2.5 2.5 4.5-5" />}
    {kind === 'warn' && <path d="M11 7v4.5m0 3v.2" />}
    {kind === 'off' && <path d="m8 8.5 6 6m0-6-6 6" />}
  </Drawing>
);
