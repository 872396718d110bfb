import './device.css'
import { Tabs } from '@base-ui/react/tabs'
import { useQuery } from '@tanstack/react-query'
import { Link, useLocation, useParams } from 'wouter'
import { api } from '../../api.ts'
import { PRESENCE_TEXTS, presenceOf } from '../../live/device.ts'
import { useDevice, useHeardAll, useNow } from '../../live/live.ts'
import { BackIcon } from '../../ui/icons.tsx'
import { Age, PresenceDot, SeverityBadge, Skeleton } from '../../ui/parts.tsx'
import { AlarmsTab } from './alarms-tab.tsx'
import { ChartsTab } from './charts-tab.tsx'
import { CommandsTab } from './commands-tab.tsx'
import { LettersTab } from './letters-tab.tsx'
import { MessagesTab } from './messages-tab.tsx'
import { RegistryTab } from './registry-tab.tsx'
import { ShadowTab } from './shadow/shadow-tab.tsx'

const TABS = [
  { value: 'values', label: 'Values', Tab: ChartsTab },
  { value: 'shadow', label: 'Shadow', Tab: ShadowTab },
  { value: 'commands', label: 'Commands', Tab: CommandsTab },
  { value: 'alarms', label: 'Alarms', Tab: AlarmsTab },
  { value: 'messages', label: 'Messages', Tab: MessagesTab },
  { value: 'dead-letters', label: 'Dead letters', Tab: LettersTab },
  { value: 'registry', label: 'Registry', Tab: RegistryTab },
] as const

/** One device with all that is known of it. */
export function DevicePage() {
  const params = useParams<{ deviceId: string; tab?: string }>()
  const deviceId = decoded(params.deviceId)
  const [, navigate] = useLocation()
  const tab = TABS.find(({ value }) => value === params.tab)?.value ?? 'values'
  return (
    <>
      <Head deviceId={deviceId} />
      <Tabs.Root
        value={tab}
        onValueChange={(value: string) =>
          navigate(
            `/devices/${encodeURIComponent(deviceId)}${value === 'values' ? '' : `/${value}`}`,
            { replace: true },
          )
        }
      >
        <Tabs.List className="tabs" aria-label="What is known of the device">
          {TABS.map(({ value, label }) => (
            <Tabs.Tab key={value} value={value} className="tab">
              {label}
              {value === 'alarms' && <OpenCount deviceId={deviceId} />}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        {TABS.map(({ value, Tab }) => (
          <Tabs.Panel key={value} value={value} className="device-panel">
            <Tab key={deviceId} deviceId={deviceId} />
          </Tabs.Panel>
        ))}
      </Tabs.Root>
    </>
  )
}

function OpenCount({ deviceId }: { readonly deviceId: string }) {
  const device = useDevice(deviceId)
  const count = device?.alarms.length ?? 0
  return count === 0 ? null : <span className="badge critical">{count}</span>
}

function Head({ deviceId }: { readonly deviceId: string }) {
  const device = useDevice(deviceId)
  const heardAll = useHeardAll()
  const now = useNow()
  const detail = useQuery({
    queryKey: ['device', deviceId],
    queryFn: async () => (await api.device(deviceId)) ?? null,
  })
  const shown = device ?? detail.data ?? undefined
  const unknown = heardAll && device === undefined && detail.data === null
  const presence = shown === undefined ? 'never' : presenceOf(shown, now)
  return (
    <header className="device-head">
      <Link href="/devices" className="button ghost icon" aria-label="All devices">
        <BackIcon />
      </Link>
      <div className="device-title">
        <h1>
          <PresenceDot presence={presence} /> {deviceId}
        </h1>
        {shown === undefined ? (
          unknown ? (
            <p className="quiet">Nothing has been heard of it yet.</p>
          ) : (
            <Skeleton lines={1} />
          )
        ) : (
          <p className="device-facts">
            <span>{PRESENCE_TEXTS[presence]}</span>
            <span>
              heard of <Age at={shown.seenAt} />
            </span>
            {shown.type !== undefined && <span className="tag">{shown.type}</span>}
            {shown.enabled === false && <span className="badge critical">disabled</span>}
            {Object.entries(shown.tags ?? {}).map(([name, value]) => (
              <span key={name} className="tag">
                {name} {typeof value === 'string' ? value : JSON.stringify(value)}
              </span>
            ))}
          </p>
        )}
      </div>
      <div className="row device-alarms">
        {shown?.alarms.map(({ alarmId, severity }) => (
          <SeverityBadge key={alarmId} severity={severity}>
            {alarmId}
          </SeverityBadge>
        ))}
      </div>
    </header>
  )
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
