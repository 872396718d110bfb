import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query'
import { useMemo } from 'react'
import { api } from '../../api.ts'
import { byName, type Device } from '../../live/device.ts'
import { live, useFleetVersion, useHeardAll, useOrderVersion } from '../../live/live.ts'
import { fits } from './local-search.ts'

export const SORTS = [
  { value: 'alarms', label: 'Alarms first', param: '-alarms' },
  { value: 'name', label: 'Name', param: 'id' },
  { value: 'seen', label: 'Heard of last', param: '-seenAt' },
  { value: 'silent', label: 'Silent longest', param: 'seenAt' },
] as const

export type Sort = (typeof SORTS)[number]['value']

export interface FoundDevices {
  readonly ids: readonly string[]
  readonly total: number
  readonly isPending: boolean
  readonly error: Error | undefined
  readonly hasMore: boolean
  readonly loadMore: () => void
}

const PAGE = 200
/** What is searched for is asked again this often: what devices say now decides. Unit: ms. */
const AGAIN_MS = 2_000

/**
 * The devices that a search finds, in order.
 *
 * The cloud searches if it can; if it cannot, what the stream told is searched here.
 */
export function useFoundDevices(query: string, sort: Sort): FoundDevices {
  const asked = useInfiniteQuery({
    queryKey: ['devices', query, sort],
    queryFn: ({ pageParam }) =>
      api.devices({
        limit: PAGE,
        sort: SORTS.find(({ value }) => value === sort)?.param,
        ...(query === '' ? {} : { query }),
        ...(pageParam === '' ? {} : { after: pageParam }),
      }),
    initialPageParam: '',
    getNextPageParam: ({ next }) => next,
    refetchInterval: AGAIN_MS,
    placeholderData: keepPreviousData,
  })
  const pages = asked.data?.pages
  const first = pages?.[0]
  const searched = first?.total !== undefined
  const here = useSearchedHere(query, sort, !searched)
  const heardAll = useHeardAll()
  const fromCloud = useMemo(
    () => [...new Set((pages ?? []).flatMap(({ devices }) => devices.map((one) => one.deviceId)))],
    [pages],
  )
  if (!searched)
    return {
      ids: here,
      total: live.devices.size,
      isPending: !heardAll,
      error: undefined,
      hasMore: false,
      loadMore: () => undefined,
    }
  // The stream is faster than the next answer: who has just been heard of for the first time stands at the end.
  const known = new Set(fromCloud)
  const fresh = query === '' && !asked.hasNextPage ? here.filter((id) => !known.has(id)) : []
  return {
    ids: fresh.length === 0 ? fromCloud : [...fromCloud, ...fresh],
    total: Math.max(
      first?.total ?? 0,
      query === '' ? fromCloud.length + fresh.length : 0,
      live.devices.size,
    ),
    isPending: asked.isPending,
    error: asked.error ?? undefined,
    hasMore: asked.hasNextPage,
    loadMore: () => {
      if (!asked.isFetchingNextPage) void asked.fetchNextPage()
    },
  }
}

const ORDERS: Readonly<Record<Sort, (a: Device, b: Device) => number>> = {
  alarms: (a, b) => b.rank - a.rank || byName(a, b),
  name: byName,
  // Whoever was heard of within the same seconds keeps the order, so that it can be read.
  seen: (a, b) => Math.floor(b.seenAt / 10_000) - Math.floor(a.seenAt / 10_000) || byName(a, b),
  silent: (a, b) => Math.floor(a.seenAt / 10_000) - Math.floor(b.seenAt / 10_000) || byName(a, b),
}

function useSearchedHere(query: string, sort: Sort, wanted: boolean): readonly string[] {
  const order = useOrderVersion()
  const version = useFleetVersion(1_000)
  const moves = query !== '' || sort === 'seen' || sort === 'silent'
  // biome-ignore lint/correctness/useExhaustiveDependencies: the versions stand for what is in the store
  return useMemo(() => {
    const now = Date.now()
    const devices = [...live.devices.values()]
    const found = wanted && query !== '' ? devices.filter((one) => fits(one, query, now)) : devices
    return found.sort(ORDERS[sort]).map(({ deviceId }) => deviceId)
  }, [query, sort, wanted, order, moves ? version : 0])
}
