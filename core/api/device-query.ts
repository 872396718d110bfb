import * as z from 'zod'
import type { Caller } from '../access/index.ts'
import { isSearchFault, parseSearch, type Search } from '../devices/search/search.ts'
import { parseSort, type Sort } from '../devices/search/sort.ts'
import { CoreError } from '../errors.ts'
import type { Fleet } from '../fleet.ts'
import { isDeviceId } from '../model/device-id.ts'
import { RequestFault } from './request-fault.ts'

/** A search over devices, in a query. */
export const SearchText = z.string().max(2_000).optional().meta({
  description:
    'A search, such as `type:fridge last.temp>5 seen<1h`. Source of the language: docs/devices.md.',
  example: 'state:online alarms>0',
})

/** Ids of devices with commas between them, in a query. */
export const DeviceList = z
  .string()
  .transform((text) => [...new Set(text.split(',').map((one) => one.trim()))])
  .refine((ids) => ids.every(isDeviceId), 'expected ids of devices with commas between them')
  .optional()
  .meta({ description: 'Ids of devices with commas between them.', example: 'truck-7,truck-8' })

/** @throws RequestFault with line and column of what is no search. */
export function readSearch(text: string | undefined, name = 'query'): Search {
  return inQuery(name, () => parseSearch(text ?? ''))
}

/** @throws RequestFault for an order that there is not. */
export function readSort(text: string | undefined): Sort {
  return inQuery('sort', () => parseSort(text ?? 'id'))
}

/** Runs what reads a part of the query; a fault in it says which part. */
export function inQuery<T>(name: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    throw inPart(error, 'query', name)
  }
}

/** A fault of a search as the fault of the part of the request that it stood in; other errors as they are. */
export function inPart(error: unknown, part: 'query' | 'body', name: string): unknown {
  if (!isSearchFault(error)) return error
  const { message, position } = error
  const [first = ''] = message.split('\n')
  return new RequestFault(
    part,
    [{ path: [name], message: first, ...(position === undefined ? {} : { position }) }],
    part === 'body' ? 422 : 400,
  )
}

/** Which devices a request is about: some by their ids, or those that a search finds. */
export interface DeviceChoice {
  readonly devices?: readonly string[] | undefined
  readonly query?: string | undefined
}

/**
 * The ids of the devices that a request is about.
 * @throws RequestFault if it names none, or both ways; `access.forbidden` for one that is not the caller's.
 */
export async function chooseDevices(
  fleet: Fleet,
  caller: Caller,
  { devices, query }: DeviceChoice,
  most: number,
): Promise<readonly string[]> {
  if ((devices === undefined) === (query === undefined))
    throw new RequestFault('query', [
      { path: [], message: 'expected devices, or query, and not both' },
    ])
  if (devices === undefined) {
    readSearch(query)
    return fleet.idsOf(query ?? '', caller, most)
  }
  if (devices.length > most)
    throw new RequestFault('query', [
      { path: ['devices'], message: `expected at most ${most} devices, found ${devices.length}` },
    ])
  for (const one of devices)
    if (!(await fleet.groups.reaches(caller, one)))
      throw new CoreError('access.forbidden', 'expected devices that are yours, found another')
  return devices
}
