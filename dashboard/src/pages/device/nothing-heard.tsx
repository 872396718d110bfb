import { DevicesIcon } from '../../ui/icons.tsx'
import { Empty } from '../../ui/parts.tsx'

/** What a tab shows of a device that has not been heard of. */
export function NothingHeard({ deviceId }: { readonly deviceId: string }) {
  return (
    <section className="card">
      <Empty title="Nothing has been heard of it yet" icon={<DevicesIcon />}>
        <p>
          As soon as it sends something to <code>devices/{deviceId}/telemetry</code> its values
          stand here.
        </p>
      </Empty>
    </section>
  )
}
