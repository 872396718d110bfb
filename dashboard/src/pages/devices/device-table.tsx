import { useWindowVirtualizer } from '@tanstack/react-virtual'
import { useEffect, useLayoutEffect, useRef, useState } from 'react'
import { DeviceRow } from './device-row.tsx'

const ROW = 58
const OVERSCAN = 8

interface DeviceTableProps {
  readonly ids: readonly string[]
  /** Somebody has come near the end and there is more. */
  readonly onEnd: (() => void) | undefined
}

/** Devices as a list of which only the rows exist that can be seen. */
export function DeviceTable({ ids, onEnd }: DeviceTableProps) {
  const list = useRef<HTMLUListElement>(null)
  const [scrollMargin, setScrollMargin] = useState(0)
  useLayoutEffect(() => setScrollMargin(list.current?.offsetTop ?? 0), [])
  const virtual = useWindowVirtualizer({
    count: ids.length,
    estimateSize: () => ROW,
    overscan: OVERSCAN,
    scrollMargin,
    // A row goes with its device when the order changes, so that the focus stays.
    getItemKey: (index) => ids[index] ?? index,
  })
  const rows = virtual.getVirtualItems()
  const last = rows.at(-1)?.index ?? 0
  useEffect(() => {
    if (last >= ids.length - OVERSCAN) onEnd?.()
  }, [last, ids.length, onEnd])
  return (
    <section className="card devices" aria-label="Devices">
      <div className="device-heads" aria-hidden="true">
        <span>Device</span>
        <span>Last values</span>
        <span>Trend</span>
        <span className="number">Main value</span>
        <span className="number">Heard of</span>
      </div>
      <ul
        ref={list}
        id="device-list"
        className="device-list"
        aria-label="Devices"
        style={{ height: virtual.getTotalSize() }}
      >
        {rows.map(({ index, start, key }) => {
          const id = ids[index]
          return id === undefined ? null : (
            <DeviceRow
              key={key}
              deviceId={id}
              top={start - scrollMargin}
              position={index + 1}
              count={ids.length}
            />
          )
        })}
      </ul>
    </section>
  )
}
