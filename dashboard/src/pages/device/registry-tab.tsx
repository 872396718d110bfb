import { useQuery } from '@tanstack/react-query'
import { api, type RegisteredDevice } from '../../api.ts'
import { formatCount, formatTime } from '../../format.ts'
import { ApiFault } from '../../http.ts'
import { askToSignIn, useMay } from '../../session/session.ts'
import { useAct } from '../../ui/act.ts'
import { Age, Card, CopyLine, Empty, FaultBanner, Skeleton } from '../../ui/parts.tsx'

/** Who the device is: what was registered of it, and what the cloud remembers. */
export function RegistryTab({ deviceId }: { readonly deviceId: string }) {
  return (
    <div className="device-columns even">
      <Registered deviceId={deviceId} />
      <Remembered deviceId={deviceId} />
    </div>
  )
}

function Registered({ deviceId }: { readonly deviceId: string }) {
  const may = useMay('devices:write')
  const asked = useQuery({
    queryKey: ['registered', deviceId, may],
    queryFn: async () => (await api.registered(deviceId)) ?? null,
    retry: false,
  })
  const refused = asked.error instanceof ApiFault && [401, 403].includes(asked.error.status)
  return (
    <Card title="Registered">
      {asked.isPending ? (
        <Skeleton lines={5} />
      ) : refused ? (
        <Empty title="Only for those who may look after devices">
          <p>What proves who a device is stands here.</p>
          {may === 'ask' && (
            <button type="button" className="button" onClick={() => void askToSignIn()}>
              Sign in
            </button>
          )}
        </Empty>
      ) : asked.isError ? (
        <FaultBanner error={asked.error} onAgain={() => void asked.refetch()} />
      ) : asked.data === null ? (
        <Empty title="It is not registered">
          <p>It talks to this cloud without proving who it is. To give it a credential:</p>
          <CopyLine label="Copy the command" text={`npx anyhub device add ${deviceId}`} />
        </Empty>
      ) : (
        <RegisteredFacts device={asked.data} />
      )}
    </Card>
  )
}

function RegisteredFacts({ device }: { readonly device: RegisteredDevice }) {
  const { deviceId, type, tags, enabled, createdAt, version, credentials, gateways = [] } = device
  const may = useMay('devices:write')
  const switching = useAct({
    run: (next: boolean) => api.setEnabled(deviceId, next),
    done: (_, next) =>
      next ? `${deviceId} is served again` : `${deviceId} is disabled: nothing serves it`,
    failed: 'It is as it was',
    refresh: [['registered', deviceId], ['devices']],
  })
  return (
    <div className="stack">
      <dl className="facts">
        <dt>State</dt>
        <dd className="row">
          <span className={`badge ${enabled ? 'good' : 'critical'}`}>
            {enabled ? 'enabled' : 'disabled'}
          </span>
          <button
            type="button"
            className={enabled ? 'button small danger' : 'button small'}
            disabled={may === 'no' || switching.isPending}
            onClick={() => switching.mutate(!enabled)}
          >
            {enabled ? 'Disable' : 'Enable'}
          </button>
        </dd>
        <dt>Type</dt>
        <dd>{type ?? '–'}</dd>
        <dt>Tags</dt>
        <dd className="row">
          {Object.keys(tags).length === 0 && '–'}
          {Object.entries(tags).map(([name, value]) => (
            <span key={name} className="tag">
              {name} {typeof value === 'string' ? value : JSON.stringify(value)}
            </span>
          ))}
        </dd>
        <dt>Registered</dt>
        <dd>{formatTime(createdAt)}</dd>
        <dt>Version</dt>
        <dd>{version}</dd>
        {gateways.length > 0 && (
          <>
            <dt>Gateways</dt>
            <dd>{gateways.join(', ')}</dd>
          </>
        )}
      </dl>
      <h3>Credentials</h3>
      {credentials.length === 0 && <p className="quiet">None: it cannot prove who it is.</p>}
      <ul className="stack">
        {credentials.map(({ kind, fingerprint, createdAt: made, endsAt, live }) => (
          <li key={`${kind} ${made} ${fingerprint ?? ''}`} className="row">
            <span className={`badge ${live ? 'good' : ''}`}>{kind.replace('_', ' ')}</span>
            <span className="quiet">since {formatTime(made)}</span>
            {endsAt !== undefined && <span className="quiet">until {formatTime(endsAt)}</span>}
            {fingerprint !== undefined && <code className="fingerprint">{fingerprint}</code>}
          </li>
        ))}
      </ul>
    </div>
  )
}

function Remembered({ deviceId }: { readonly deviceId: string }) {
  const asked = useQuery({
    queryKey: ['device', deviceId],
    queryFn: async () => (await api.device(deviceId)) ?? null,
    refetchInterval: 5_000,
  })
  return (
    <Card title="Remembered">
      {asked.isPending ? (
        <Skeleton lines={5} />
      ) : asked.isError ? (
        <FaultBanner error={asked.error} />
      ) : asked.data === null ? (
        <Empty title="Nothing has been heard of it" />
      ) : (
        <dl className="facts">
          <dt>Presence</dt>
          <dd>
            {asked.data.presence.status}, since <Age at={asked.data.presence.since} />
          </dd>
          <dt>Connection</dt>
          <dd>{asked.data.presence.connected ? 'held' : 'none'}</dd>
          {asked.data.presence.gateway !== undefined && (
            <>
              <dt>Through</dt>
              <dd>{asked.data.presence.gateway}</dd>
            </>
          )}
          <dt>Flaps folded</dt>
          <dd>{asked.data.presence.flaps}</dd>
          <dt>First heard of</dt>
          <dd>{formatTime(asked.data.createdAt)}</dd>
          <dt>Messages taken in</dt>
          <dd>{formatCount(asked.data.accepted)}</dd>
          <dt>Commands waiting</dt>
          <dd>{asked.data.pendingCommands ?? 0}</dd>
          <dt>Effects waiting</dt>
          <dd>{asked.data.waitingEffects}</dd>
          <dt>Record</dt>
          <dd>
            version {asked.data.version},{' '}
            <a href={`./devices/${encodeURIComponent(deviceId)}`}>all of it as JSON</a>
          </dd>
        </dl>
      )}
    </Card>
  )
}
