import type { ReactNode } from 'react'

// Strokes of 1.6 on a grid of 20.

function icon(children: ReactNode) {
  return function Icon() {
    return (
      <svg
        viewBox="0 0 20 20"
        width="17"
        height="17"
        fill="none"
        stroke="currentColor"
        strokeWidth="1.6"
        strokeLinecap="round"
        strokeLinejoin="round"
        aria-hidden="true"
      >
        {children}
      </svg>
    )
  }
}

export const OverviewIcon = icon(
  <>
    <rect x="2.5" y="2.5" width="6.5" height="8" rx="1.5" />
    <rect x="11" y="2.5" width="6.5" height="4.5" rx="1.5" />
    <rect x="2.5" y="13" width="6.5" height="4.5" rx="1.5" />
    <rect x="11" y="9.5" width="6.5" height="8" rx="1.5" />
  </>,
)
export const DevicesIcon = icon(
  <>
    <rect x="3" y="3" width="14" height="5.5" rx="1.5" />
    <rect x="3" y="11.5" width="14" height="5.5" rx="1.5" />
    <path d="M6 5.75h.01M6 14.25h.01M9 5.75h4M9 14.25h4" />
  </>,
)
export const AlarmIcon = icon(
  <>
    <path d="M5 13.5V9a5 5 0 0 1 10 0v4.5l1.5 1.5h-13z" />
    <path d="M8.2 17.5a2 2 0 0 0 3.6 0" />
  </>,
)
export const RuleIcon = icon(<path d="M7 5 2.5 10 7 15M13 5l4.5 5-4.5 5" />)
export const MapIcon = icon(
  <>
    <path d="M10 17.5s5.5-4.6 5.5-9a5.5 5.5 0 0 0-11 0c0 4.4 5.5 9 5.5 9z" />
    <circle cx="10" cy="8.5" r="2" />
  </>,
)
export const MessageIcon = icon(<path d="M3 4.5h14v9H9L5.5 16.5v-3H3z" />)
export const LetterIcon = icon(
  <>
    <rect x="2.5" y="4.5" width="15" height="11" rx="1.5" />
    <path d="m3 6 7 5 7-5" />
  </>,
)
export const TaskIcon = icon(
  <path d="M8 5h9M8 10h9M8 15h9M2.8 5l1 1 1.8-2M2.8 10l1 1 1.8-2M2.8 15l1 1 1.8-2" />,
)
export const PeopleIcon = icon(
  <>
    <circle cx="7.5" cy="6.5" r="3" />
    <path d="M2 16.5c.4-3 2.4-4.7 5.5-4.7s5.1 1.7 5.5 4.7M13 3.9a3 3 0 0 1 0 5.2M15 12.4c1.7.7 2.7 2.1 3 4.1" />
  </>,
)
export const AuditIcon = icon(
  <>
    <path d="M5 2.5h7l3.5 3.5v11.5H5z" />
    <path d="M8 10h5M8 13h5M8 7h2" />
  </>,
)
export const SearchIcon = icon(
  <>
    <circle cx="8.5" cy="8.5" r="5.5" />
    <path d="m13 13 4.5 4.5" />
  </>,
)
export const MenuIcon = icon(<path d="M3 5.5h14M3 10h14M3 14.5h14" />)
export const CloseIcon = icon(<path d="m5 5 10 10M15 5 5 15" />)
export const SunIcon = icon(
  <>
    <circle cx="10" cy="10" r="3.5" />
    <path d="M10 2v1.5M10 16.5V18M2 10h1.5M16.5 10H18M4.3 4.3l1.1 1.1M14.6 14.6l1.1 1.1M15.7 4.3l-1.1 1.1M5.4 14.6l-1.1 1.1" />
  </>,
)
export const MoonIcon = icon(<path d="M16.5 12A7 7 0 0 1 8 3.5 7 7 0 1 0 16.5 12z" />)
export const ScreenIcon = icon(
  <>
    <rect x="2.5" y="3.5" width="15" height="10.5" rx="1.5" />
    <path d="M7 17h6" />
  </>,
)
export const PersonIcon = icon(
  <>
    <circle cx="10" cy="6.8" r="3.3" />
    <path d="M3.5 17c.6-3.4 3-5.2 6.5-5.2s5.9 1.8 6.5 5.2" />
  </>,
)
export const CheckIcon = icon(<path d="m4 10.5 4 4 8-9" />)
export const QuietIcon = icon(
  <>
    <circle cx="10" cy="10" r="7.5" />
    <path d="m6.7 10.3 2.2 2.2 4.4-4.8" />
  </>,
)
export const ArrowIcon = icon(<path d="M3.5 10h13M11.5 5l5 5-5 5" />)
export const BackIcon = icon(<path d="M12 4.5 6.5 10l5.5 5.5" />)
export const PlusIcon = icon(<path d="M10 4v12M4 10h12" />)
export const PencilIcon = icon(<path d="M4 13.5 13 4.5l2.5 2.5-9 9H4z" />)
export const ChartIcon = icon(<path d="M2.5 13.5 7 8l3.5 3.5 6.5-8M2.5 17.5h15" />)
export const KeyIcon = icon(
  <>
    <circle cx="7" cy="13" r="4" />
    <path d="m10 10 6.5-6.5M13.5 6.5l2.5 2.5M16.5 3.5" />
  </>,
)
export const GroupIcon = icon(
  <>
    <rect x="2.5" y="2.5" width="6" height="6" rx="1.5" />
    <rect x="11.5" y="2.5" width="6" height="6" rx="1.5" />
    <rect x="2.5" y="11.5" width="6" height="6" rx="1.5" />
    <path d="M14.5 11.5v6M11.5 14.5h6" />
  </>,
)
export const SendIcon = icon(<path d="M3 10 17 3.5 12.5 17 9.5 11.5zM9.5 11.5 17 3.5" />)
