import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query'
import { useEffect, useMemo } from 'react'
import { api, type DeviceSummary } from '../../api.ts'
import { byName, type Device, toDevice } from '../../live/device.ts'
import { live, useFleetVersion, useHeardAll, useOrderVersion } from '../../live/live.ts'

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
  /** Why the search is none, or the cloud did not answer. */
  readonly error: Error | undefined
  readonly hasMore: boolean
  readonly loadMore: () => void
}

const PAGE = 200
/** As many as a snapshot of the stream has. */
const ALL_PAGE = 1_000
/** What is searched for is asked again this often: what devices say now decides. Unit: ms. */
const AGAIN_MS = 2_000
/** Without a search the stream tells of everything but of who was registered meanwhile. Unit: ms. */
const ALL_AGAIN_MS = 30_000
/** A cloud looks at so many devices for one answer that it may find few of them. */
const LEAST_SHOWN = 40

/** The devices that a search finds, in order: those of the cloud, and at once who is heard of for the first time. */
export function useFoundDevices(query: string, sort: Sort): FoundDevices {
  const asked = useInfiniteQuery({
    queryKey: ['devices', query, sort],
    queryFn: ({ pageParam }) =>
      api.devices({
        limit: query === '' ? ALL_PAGE : PAGE,
        sort: SORTS.find(({ value }) => value === sort)?.param ?? 'id',
        ...(query === '' ? {} : { query }),
        ...(pageParam === '' ? {} : { after: pageParam }),
      }),
    initialPageParam: '',
    getNextPageParam: ({ next }) => next,
    refetchInterval: query === '' ? ALL_AGAIN_MS : AGAIN_MS,
    placeholderData: keepPreviousData,
    retry: false,
  })
  const pages = asked.data?.pages
  const found = useMemo(() => (pages ?? []).flatMap(({ devices }) => devices), [pages])
  const total = pages?.[0]?.total ?? 0
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = asked
  useEffect(() => {
    if (found.length < LEAST_SHOWN && hasNextPage && !isFetchingNextPage) void fetchNextPage()
  }, [found.length, hasNextPage, isFetchingNextPage, fetchNextPage])
  const loadMore = (): void => {
    if (!isFetchingNextPage) void fetchNextPage()
  }
  // Whoever knows all of them puts them into order himself, and at once.
  const heardAll = useHeardAll()
  const here = useOrderedHere(found, sort, query === '' && heardAll && live.isWhole())
  if (here !== undefined)
    return {
      ids: here,
      total: Math.max(here.length, total),
      isPending: false,
      error: asked.error ?? undefined,
      hasMore: hasNextPage,
      loadMore,
    }
  return {
    ids: [...new Set(found.map(({ deviceId }) => deviceId))],
    total: query === '' ? total : Math.max(total, live.devices.size),
    isPending: asked.isPending || (found.length === 0 && hasNextPage),
    error: asked.error ?? undefined,
    hasMore: hasNextPage,
    loadMore,
  }
}

const ORDERS: Readonly<Record<Sort, (a: Device, b: Device) => number>> = {
  alarms: (a, b) => b.rank - a.rank || byName(a, b),
  name: byName,
  // Whoever was heard of within the same seconds keeps the order, so that it can be read.
  seen: (a, b) => Math.floor(b.seenAt / 10_000) - Math.floor(a.seenAt / 10_000) || byName(a, b),
  silent: (a, b) => Math.floor(a.seenAt / 10_000) - Math.floor(b.seenAt / 10_000) || byName(a, b),
}

/** All devices that the stream told of and those that are only registered; `undefined` where it has not told of all. */
function useOrderedHere(
  registered: readonly DeviceSummary[],
  sort: Sort,
  wanted: boolean,
): readonly string[] | undefined {
  const order = useOrderVersion()
  const version = useFleetVersion(2_000)
  const moves = sort === 'seen' || sort === 'silent'
  // biome-ignore lint/correctness/useExhaustiveDependencies: the versions stand for what is in the store
  return useMemo(() => {
    if (!wanted) return undefined
    const silent = registered
      .filter(({ deviceId }) => !live.devices.has(deviceId))
      .map((summary) => toDevice(summary, undefined))
    return [...live.devices.values(), ...silent].sort(ORDERS[sort]).map(({ deviceId }) => deviceId)
  }, [registered, sort, wanted, order, moves ? version : 0])
}
