import { type ComponentType, type LazyExoticComponent, lazy } from 'react'
import { useHasPositions } from './pages/map/use-has-positions.ts'
import {
  AlarmIcon,
  AuditIcon,
  DevicesIcon,
  GroupIcon,
  KeyIcon,
  LetterIcon,
  MapIcon,
  MessageIcon,
  OverviewIcon,
  PeopleIcon,
  RuleIcon,
  TaskIcon,
} from './ui/icons.tsx'

/** Heads of the navigation, in their order. The first has no head. */
export const NAV_GROUPS = ['', 'Respond', 'Operate', 'Administer'] as const

/** One page. Its code is loaded when somebody goes there. */
export interface PageEntry {
  /** Of the hash, as wouter has it: `/devices/:deviceId`. */
  readonly path: string
  readonly title: string
  readonly component: LazyExoticComponent<ComponentType>
  /** Where it stands in the navigation; without it the page is reached from others only. */
  readonly nav?: {
    readonly group: (typeof NAV_GROUPS)[number]
    readonly icon: ComponentType
    /** `g` and this letter lead there. */
    readonly key: string
    /** Who lacks it does not see the entry. */
    readonly scope?: string
    /** Paths of other pages at which this entry is the one that is marked. */
    readonly also?: readonly string[]
    /** A hook that says whether there is anything to see. */
    readonly useShown?: () => boolean
  }
}

/** Every page, in the order of the navigation. */
export const PAGES: readonly PageEntry[] = [
  {
    path: '/',
    title: 'Overview',
    component: lazy(() =>
      import('./pages/overview/page.tsx').then(({ OverviewPage }) => ({ default: OverviewPage })),
    ),
    nav: { group: '', icon: OverviewIcon, key: 'o' },
  },
  {
    path: '/devices',
    title: 'Devices',
    component: lazy(() =>
      import('./pages/devices/page.tsx').then(({ DevicesPage }) => ({ default: DevicesPage })),
    ),
    nav: { group: '', icon: DevicesIcon, key: 'd', also: ['/search', '/devices/'] },
  },
  {
    path: '/search/:query',
    title: 'Devices',
    component: lazy(() =>
      import('./pages/devices/page.tsx').then(({ DevicesPage }) => ({ default: DevicesPage })),
    ),
  },
  {
    path: '/devices/:deviceId/:tab?',
    title: 'Device',
    component: lazy(() =>
      import('./pages/device/page.tsx').then(({ DevicePage }) => ({ default: DevicePage })),
    ),
  },
  {
    path: '/map',
    title: 'Map',
    component: lazy(() =>
      import('./pages/map/page.tsx').then(({ MapPage }) => ({ default: MapPage })),
    ),
    nav: { group: '', icon: MapIcon, key: 'm', scope: 'devices:read', useShown: useHasPositions },
  },
  {
    path: '/alarms',
    title: 'Alarms',
    component: lazy(() =>
      import('./pages/alarms/page.tsx').then(({ AlarmsPage }) => ({ default: AlarmsPage })),
    ),
    nav: { group: 'Respond', icon: AlarmIcon, key: 'a', scope: 'alarms:read' },
  },
  {
    path: '/rules',
    title: 'Rules',
    component: lazy(() =>
      import('./pages/rules/page.tsx').then(({ RulesPage }) => ({ default: RulesPage })),
    ),
    nav: {
      group: 'Respond',
      icon: RuleIcon,
      key: 'r',
      scope: 'rules:read',
      also: ['/rules/', '/new-rule'],
    },
  },
  {
    path: '/rules/:ruleId',
    title: 'Rule',
    component: lazy(() =>
      import('./pages/rules/rule-page.tsx').then(({ RulePage }) => ({ default: RulePage })),
    ),
  },
  {
    path: '/new-rule',
    title: 'New rule',
    component: lazy(() =>
      import('./pages/rules/rule-page.tsx').then(({ NewRulePage }) => ({ default: NewRulePage })),
    ),
  },
  {
    path: '/dead-letters',
    title: 'Dead letters',
    component: lazy(() =>
      import('./pages/dead-letters/page.tsx').then(({ DeadLettersPage }) => ({
        default: DeadLettersPage,
      })),
    ),
    nav: { group: 'Operate', icon: LetterIcon, key: 'l', scope: 'dead-letters:read' },
  },
  {
    path: '/tasks',
    title: 'Long work',
    component: lazy(() =>
      import('./pages/tasks/page.tsx').then(({ TasksPage }) => ({ default: TasksPage })),
    ),
    nav: { group: 'Operate', icon: TaskIcon, key: 't', scope: 'tasks:read' },
  },
  {
    path: '/notifications',
    title: 'Notifications',
    component: lazy(() =>
      import('./pages/notifications/page.tsx').then(({ NotificationsPage }) => ({
        default: NotificationsPage,
      })),
    ),
    nav: { group: 'Respond', icon: MessageIcon, key: 'n', scope: 'notifications:read' },
  },
  {
    path: '/people',
    title: 'People',
    component: lazy(() =>
      import('./pages/people/page.tsx').then(({ PeoplePage }) => ({ default: PeoplePage })),
    ),
    nav: { group: 'Administer', icon: PeopleIcon, key: 'p', scope: 'people:read' },
  },
  {
    path: '/groups',
    title: 'Groups',
    component: lazy(() =>
      import('./pages/groups/page.tsx').then(({ GroupsPage }) => ({ default: GroupsPage })),
    ),
    nav: { group: 'Administer', icon: GroupIcon, key: 'g', scope: 'groups:read' },
  },
  {
    path: '/access',
    title: 'Access',
    component: lazy(() =>
      import('./pages/access/page.tsx').then(({ AccessPage }) => ({ default: AccessPage })),
    ),
    nav: { group: 'Administer', icon: KeyIcon, key: 'k' },
  },
  {
    path: '/audit',
    title: 'Audit log',
    component: lazy(() =>
      import('./pages/audit/page.tsx').then(({ AuditPage }) => ({ default: AuditPage })),
    ),
    nav: { group: 'Administer', icon: AuditIcon, key: 'u', scope: 'audit:read' },
  },
]
