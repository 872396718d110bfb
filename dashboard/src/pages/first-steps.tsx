import { DevicesIcon } from '../ui/icons.tsx'
import { CopyLine, Empty } from '../ui/parts.tsx'

/** What to do while nothing has been heard. */
export function FirstSteps() {
  const { host, hostname, origin, port, protocol } = location
  const websocket = `${protocol === 'https:' ? 'wss' : 'ws'}://${host}/mqtt`
  const usual = port === '8080' && ['127.0.0.1', 'localhost'].includes(hostname)
  return (
    <section className="card" id="empty">
      <Empty title="Nothing has been heard yet" icon={<DevicesIcon />}>
        <p>Send one message …</p>
        <CopyLine
          label="Copy the curl command"
          text={`curl -d '{"temp": 31}' ${origin}/devices/dev-1/telemetry`}
        />
        <p>… or let twenty refrigerated containers talk:</p>
        <CopyLine
          label="Copy the demo command"
          text={usual ? 'npx anyhub demo' : `npx anyhub demo --mqtt ${websocket}`}
        />
        <p>They appear here by themselves.</p>
      </Empty>
    </section>
  )
}
