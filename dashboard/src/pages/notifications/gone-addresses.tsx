import { useQuery } from '@tanstack/react-query'
import { administer, type GoneAddress } from '../../api-administer.ts'
import { useMay } from '../../session/session.ts'
import { useAct } from '../../ui/act.ts'
import { isRefused, Refused } from '../../ui/form.tsx'
import { Age, Card, Empty, FaultBanner, Skeleton } from '../../ui/parts.tsx'

/** Addresses to which nothing is sent any more, because their services said that nobody is there. */
export function GoneAddresses() {
  const may = useMay('people:read')
  const asked = useQuery({
    queryKey: ['gone-addresses', may],
    queryFn: administer.goneAddresses,
    refetchInterval: 10_000,
    retry: false,
  })
  const addresses = asked.data?.addresses ?? []
  return (
    <Card
      title="Disabled addresses"
      note={addresses.length > 0 ? String(addresses.length) : undefined}
      flush
    >
      {asked.isPending ? (
        <div className="card-body">
          <Skeleton lines={2} />
        </div>
      ) : isRefused(asked.error) ? (
        <Refused may={may} what="Only an admin sees addresses of people" />
      ) : asked.isError ? (
        <div className="card-body">
          <FaultBanner error={asked.error} />
        </div>
      ) : addresses.length === 0 ? (
        <Empty title="Every address is in use">
          <p>
            Where a service says for good that nobody is there, nothing is sent any more, and the
            address stands here.
          </p>
        </Empty>
      ) : (
        <ul className="lines" aria-label="Disabled addresses">
          {addresses.map((address) => (
            <Gone key={address.id} address={address} />
          ))}
        </ul>
      )}
    </Card>
  )
}

function Gone({ address }: { readonly address: GoneAddress }) {
  const may = useMay('people:write')
  const acting = useAct({
    run: () => administer.enableAddress(address),
    done: `${address.address} is sent to again`,
    failed: 'It stays disabled',
    refresh: [['gone-addresses']],
  })
  return (
    <li className="line">
      <div className="line-head">
        <span className="letter-from mono">{address.address}</span>
        <span className="tag">{address.channelId}</span>
        <span className="line-age">
          <Age at={Date.parse(address.at)} />
        </span>
        <button
          type="button"
          className="button small"
          disabled={may === 'no' || acting.isPending}
          onClick={() => acting.mutate(undefined)}
        >
          Enable
        </button>
      </div>
      <p className="line-text">{address.reason}</p>
    </li>
  )
}
