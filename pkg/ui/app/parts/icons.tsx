// The few pictures the page uses, drawn with lines in the colour of the text. They say nothing that a label does not.

import type { ReactNode } from 'react';

function Icon({ path, size = 16 }: { readonly path: string; readonly size?: number }): ReactNode {
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 16 16"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.5"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
    >
      <path d={path} />
    </svg>
  );
}

export const MoonIcon = (): ReactNode => <Icon path="M13 9.5A5.5 5.5 0 1 1 6.5 3 4.5 4.5 0 0 0 13 9.5z" />;
export const SunIcon = (): ReactNode => (
  <Icon path="M8 5a3 3 0 1 0 0 6 3 3 0 0 0 0-6zM8 1v1.5M8 13.5V15M1 8h1.5M13.5 8H15M3 3l1 1M12 12l1 1M3 13l1-1M12 4l1-1" />
);
export const ClockIcon = (): ReactNode => <Icon size={13} path="M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2zM8 4.5V8l2.5 1.5" />;
export const PlusIcon = (): ReactNode => <Icon path="M8 3v10M3 8h10" />;
export const MinusIcon = (): ReactNode => <Icon path="M3 8h10" />;
export const LeftIcon = (): ReactNode => <Icon path="M10 3L5 8l5 5" />;
export const RightIcon = (): ReactNode => <Icon path="M6 3l5 5-5 5" />;
export const CloseIcon = (): ReactNode => <Icon path="M4 4l8 8M12 4l-8 8" />;
export const HistoryIcon = (): ReactNode => (
  <Icon path="M2.5 8a5.5 5.5 0 1 0 1.6-3.9L2.5 5.5M2.5 2.5v3h3M8 5v3l2 1.5" />
);
export const FormatIcon = (): ReactNode => <Icon path="M3 4h10M5 8h8M5 12h6" />;
export const CopyIcon = (): ReactNode => <Icon path="M5.5 5.5h8v8h-8zM10.5 5.5v-3h-8v8h3" />;
export const DownloadIcon = (): ReactNode => <Icon path="M8 2v8M4.5 7L8 10.5 11.5 7M3 13.5h10" />;
export const SettingsIcon = (): ReactNode => <Icon path="M2 4.5h7M12 4.5h2M2 11.5h2M7 11.5h7M9 3v3M4.5 10v3" />;
export const WarningIcon = (): ReactNode => <Icon path="M8 2L1.5 13.5h13zM8 6.5v3.2M8 11.6v.1" />;
export const InfoIcon = (): ReactNode => <Icon path="M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2zM8 7.3v3.5M8 5.2v.1" />;
export const RefreshIcon = (): ReactNode => <Icon path="M13.5 8A5.5 5.5 0 1 1 11.9 4.1l1.6 1.4M13.5 2.5v3h-3" />;
