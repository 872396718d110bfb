import type { Caller } from './access/caller.ts'
import { isSearchFault, parseSearch, type Search, type Subject } from './devices/search/search.ts'
import { CoreError } from './errors.ts'
import { isDeviceId } from './model/device-id.ts'
import { isJsonObject, type Json, type JsonObject } from './model/json.ts'
import type { Ports } from './ports.ts'

/** Groups by their ids. Rules cannot write into tables whose names begin with $. */
const GROUPS_TABLE = '$groups'

/** Read at a time where all are needed. */
const PAGE = 1_000

/** Members that are written at the same time. */
const AT_ONCE = 32

/** Some devices under one name: those that a search finds, or those that somebody put in. */
export interface DeviceGroup {
  readonly id: string
  readonly name: string
  readonly description?: string
  /** Absent: its members were put in. */
  readonly query?: string
  /** Epoch ms. */
  readonly createdAt: number
  /** Counts changes of the group itself, from 1 on. */
  readonly version: number
}

/** What somebody wants a group to be. */
export interface GroupWish {
  readonly name?: string | undefined
  readonly description?: string | undefined
  readonly query?: string | undefined
  /** Its members, all of them; without it those that are in stay in. */
  readonly devices?: readonly string[] | undefined
}

/** Tells of many devices whether they are in one of some groups. Unit of `now`: epoch ms. */
export type Membership = (subject: Subject, now: number) => boolean

/** The groups of devices that people work with, and that callers may be limited to. */
export interface Groups {
  get(groupId: string): Promise<DeviceGroup | undefined>
  /** In the order of their ids, after the given one; '' starts. */
  list(after: string, limit: number): Promise<readonly DeviceGroup[]>
  /**
   * Makes a group, or puts another in its place.
   * @throws CoreError `input.malformed` or `query.invalid`: nothing is changed.
   */
  put(groupId: string, wish: GroupWish): Promise<DeviceGroup>
  /** Gives false if there was none. */
  remove(groupId: string): Promise<boolean>
  /** Who was put in, in the order of their ids, after the given one; '' starts. */
  members(groupId: string, after: string, limit: number): Promise<readonly string[]>
  /** @throws CoreError `input.not_found`, or `input.malformed` if a search says who is in it. */
  addMember(groupId: string, deviceId: string): Promise<void>
  /** Gives false if it was not in. */
  dropMember(groupId: string, deviceId: string): Promise<boolean>
  /** Whether one device is in one of the groups. A group that is not there has nobody in it. */
  reaches(caller: Caller, deviceId: string): Promise<boolean>
  /** The same for many devices: who was put in is read once. */
  membershipOf(groupIds: readonly string[]): Promise<Membership>
  /** In which groups devices are; reads all groups once. */
  groupsOf(): Promise<(subject: Subject, now: number) => ReadonlySet<string>>
}

/** Finds one device: what is known of it, by whoever knows how. */
export type FindSubject = (deviceId: string) => Promise<Subject | undefined>

export function createGroups({ tables, clock, observer }: Ports, findSubject: FindSubject): Groups {
  async function get(groupId: string): Promise<DeviceGroup | undefined> {
    if (!isGroupId(groupId)) return undefined
    return toGroup(groupId, await tables.get(GROUPS_TABLE, groupId))
  }

  async function find(groupId: string): Promise<DeviceGroup> {
    const group = await get(groupId)
    if (group !== undefined) return group
    throw new CoreError('input.not_found', `no group ${JSON.stringify(groupId.slice(0, 64))}`)
  }

  /** A search that an older release stored may be none any more: then nobody is in the group. */
  function searchOf({ id, query = '' }: DeviceGroup): Search | undefined {
    try {
      return parseSearch(query)
    } catch (error) {
      if (!isSearchFault(error)) throw error
      observer.log('warn', 'a group has nobody in it: its search is none', { groupId: id })
      return undefined
    }
  }

  async function* memberPages(groupId: string): AsyncGenerator<readonly string[]> {
    for (let after = ''; ; ) {
      const rows = await tables.list(membersTable(groupId), after, PAGE)
      yield rows.map(({ key }) => key)
      const last = rows.at(-1)
      if (last === undefined || rows.length < PAGE) return
      after = last.key
    }
  }

  async function allMembers(groupId: string): Promise<ReadonlySet<string>> {
    const members = new Set<string>()
    for await (const page of memberPages(groupId)) for (const one of page) members.add(one)
    return members
  }

  async function memberOf(group: DeviceGroup): Promise<Membership> {
    if (group.query !== undefined) return searchOf(group)?.test ?? (() => false)
    const members = await allMembers(group.id)
    return ({ deviceId }) => members.has(deviceId)
  }

  async function dropMembers(groupId: string, but: ReadonlySet<string>): Promise<void> {
    const gone: string[] = []
    for await (const page of memberPages(groupId))
      for (const one of page) if (!but.has(one)) gone.push(one)
    await inParts(gone, (one) => tables.remove(membersTable(groupId), one))
  }

  async function isIn(groupId: string, deviceId: string, subject: LazySubject): Promise<boolean> {
    const group = await get(groupId)
    if (group === undefined) return false
    if (group.query === undefined)
      return (await tables.get(membersTable(groupId), deviceId)) !== undefined
    const found = await subject()
    return found !== undefined && searchOf(group)?.test(found, clock.now()) === true
  }

  async function list(after: string, limit: number): Promise<readonly DeviceGroup[]> {
    const rows = await tables.list(GROUPS_TABLE, after, limit)
    return rows.flatMap(({ key, item }) => toGroup(key, item) ?? [])
  }

  return {
    get,
    list,

    async put(groupId, wish) {
      checkWish(groupId, wish)
      const before = await get(groupId)
      const group: DeviceGroup = {
        id: groupId,
        name: wish.name ?? groupId,
        ...(wish.description === undefined ? {} : { description: wish.description }),
        ...(wish.query === undefined ? {} : { query: wish.query }),
        createdAt: before?.createdAt ?? clock.now(),
        version: (before?.version ?? 0) + 1,
      }
      const { id: _, ...item } = group
      const members = wish.query === undefined ? wish.devices : []
      // Who stays in is in all the time.
      if (members !== undefined) {
        await inParts(members, (one) => tables.put(membersTable(groupId), one, {}))
        await dropMembers(groupId, new Set(members))
      }
      await tables.put(GROUPS_TABLE, groupId, item)
      return group
    },

    async remove(groupId) {
      if ((await get(groupId)) === undefined) return false
      await tables.remove(GROUPS_TABLE, groupId)
      await dropMembers(groupId, new Set())
      return true
    },

    async members(groupId, after, limit) {
      return (await tables.list(membersTable(groupId), after, limit)).map(({ key }) => key)
    },

    async addMember(groupId, deviceId) {
      checkStatic(await find(groupId))
      if (!isDeviceId(deviceId))
        throw malformed('deviceId: expected 1 to 128 letters, digits and : . _ -')
      await tables.put(membersTable(groupId), deviceId, {})
    },

    async dropMember(groupId, deviceId) {
      checkStatic(await find(groupId))
      if ((await tables.get(membersTable(groupId), deviceId)) === undefined) return false
      await tables.remove(membersTable(groupId), deviceId)
      return true
    },

    async reaches({ groups, device }, deviceId) {
      if (device !== undefined && device !== deviceId) return false
      if (groups === undefined) return true
      if (!isDeviceId(deviceId)) return false
      let asked: Promise<Subject | undefined> | undefined
      const subject: LazySubject = () => {
        asked ??= findSubject(deviceId)
        return asked
      }
      for (const groupId of groups) if (await isIn(groupId, deviceId, subject)) return true
      return false
    },

    async membershipOf(groupIds) {
      const groups = await Promise.all(groupIds.map(get))
      const tests = await Promise.all(
        groups.flatMap((group) => (group === undefined ? [] : [memberOf(group)])),
      )
      return (subject, now) => tests.some((test) => test(subject, now))
    },

    async groupsOf() {
      const tests: { readonly id: string; readonly test: Membership }[] = []
      for (let after = ''; ; ) {
        const page = await list(after, PAGE)
        for (const group of page) tests.push({ id: group.id, test: await memberOf(group) })
        const last = page.at(-1)
        if (last === undefined || page.length < PAGE) break
        after = last.id
      }
      return (subject, now) =>
        new Set(tests.filter(({ test }) => test(subject, now)).map(({ id }) => id))
    },
  }
}

/** Read when it is first needed. */
type LazySubject = () => Promise<Subject | undefined>

const GROUP_ID = /^[A-Za-z0-9_-]{1,64}$/

/** Whether a group may be called so. */
export function isGroupId(id: string): boolean {
  return GROUP_ID.test(id)
}

function membersTable(groupId: string): string {
  return `$group:${groupId}`
}

function checkWish(groupId: string, { query, devices }: GroupWish): void {
  if (!isGroupId(groupId)) throw malformed('groupId: expected 1 to 64 letters, digits, _ or -')
  if (query !== undefined && devices !== undefined)
    throw malformed('expected query or devices, found both')
  const wrong = devices?.find((one) => !isDeviceId(one))
  if (wrong !== undefined)
    throw malformed(`devices: expected ids of devices, found ${JSON.stringify(wrong.slice(0, 60))}`)
  if (query === undefined) return
  const search = parseSearch(query)
  if (search.isEmpty) throw malformed('query: expected a search, found nothing')
  // Groups of groups could be in each other.
  if (search.asksGroups) throw malformed('query: expected a search without group:…')
}

function checkStatic({ query }: DeviceGroup): void {
  if (query !== undefined)
    throw malformed('expected a group without a search: one says who is in it')
}

function toGroup(id: string, item: Json | undefined): DeviceGroup | undefined {
  if (!isJsonObject(item)) return undefined
  const { createdAt, version } = item
  return {
    id,
    name: textOf(item, 'name') ?? id,
    ...optional('description', textOf(item, 'description')),
    ...optional('query', textOf(item, 'query')),
    createdAt: typeof createdAt === 'number' ? createdAt : 0,
    version: typeof version === 'number' ? version : 1,
  }
}

function textOf(item: JsonObject, key: string): string | undefined {
  const value = item[key]
  return typeof value === 'string' ? value : undefined
}

function optional<K extends string>(
  key: K,
  value: string | undefined,
): { readonly [P in K]?: string } {
  const found: { [P in K]?: string } = {}
  if (value !== undefined) found[key] = value
  return found
}

/** A few at a time. */
async function inParts<T>(all: readonly T[], work: (one: T) => Promise<void>): Promise<void> {
  for (let from = 0; from < all.length; from += AT_ONCE)
    await Promise.all(all.slice(from, from + AT_ONCE).map(work))
}

function malformed(message: string): CoreError {
  return new CoreError('input.malformed', message)
}
