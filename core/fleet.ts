import type { Caller } from './access/caller.ts'
import { createBest } from './devices/search/best.ts'
import { parseSearch, type Search, type Subject } from './devices/search/search.ts'
import type { Place, Sort } from './devices/search/sort.ts'
import { CoreError } from './errors.ts'
import { createGroups, type Groups, type Membership } from './groups.ts'
import { BEFORE_DEVICES, isDeviceId } from './model/device-id.ts'
import type { DeviceRecord } from './model/device-record.ts'
import type { RegisteredDevice } from './model/registered-device.ts'
import type { Ports } from './ports.ts'
import type { Program } from './program.ts'

/** Records that are read in one go. */
const PAGE = 500

/** So many devices are looked at for one page in the order of ids; the page then says where to go on. */
const MAX_WALKED = 20_000

/** So many are put in another order at most: all of them have to be looked at. */
const MAX_SORTED = 200_000

export interface FleetQuery {
  readonly search: Search
  readonly sort: Sort
  readonly limit: number
  /** `next` of the page before; '' starts. */
  readonly after: string
  /** Whose devices: a caller may be limited to some. */
  readonly caller: Pick<Caller, 'groups' | 'device'>
  /** Only those in this group. */
  readonly group?: string | undefined
}

/** Which devices are meant. */
type Meant = Pick<FleetQuery, 'search' | 'caller' | 'group'>

export interface FleetPage {
  readonly devices: readonly Subject[]
  readonly next?: string
  /** How many there are, where all had to be looked at. */
  readonly total?: number
}

/** All devices: those that were heard of, and those that are registered. */
export interface Fleet {
  readonly groups: Groups
  /** One device, or `undefined` if it is neither. */
  get(deviceId: string): Promise<Subject | undefined>
  /**
   * A page of them. In the order of ids memory holds the page and what is being read; in any other it holds the page, and
   * every device is looked at.
   * @throws CoreError `input.malformed` for a cursor of another order; `input.too_large` for more than 200,000 devices in
   * an order that is not that of ids.
   */
  find(query: FleetQuery): Promise<FleetPage>
  /**
   * The ids of those that a search finds, in order, up to a number.
   * @throws CoreError `input.too_large` if there are more.
   */
  idsOf(text: string, caller: FleetQuery['caller'], most: number): Promise<readonly string[]>
}

/** A device, whose place in the order is known. */
interface Placed extends Place {
  readonly subject: Subject
}

export function createFleet(ports: Ports, program: () => Pick<Program, 'deviceType'>): Fleet {
  const { devices, registry, clock } = ports

  function toSubject(
    deviceId: string,
    record: DeviceRecord | undefined,
    registered: RegisteredDevice | undefined,
  ): Subject {
    return { deviceId, record, registered, type: registered?.type ?? typeByConfig(deviceId) }
  }

  /** What the config calls everything else is no type that anybody gave it. */
  function typeByConfig(deviceId: string): string | undefined {
    const name = program().deviceType(deviceId)?.name
    return name === 'default' ? undefined : name
  }

  async function get(deviceId: string): Promise<Subject | undefined> {
    if (!isDeviceId(deviceId)) return undefined
    const [record, registered] = await Promise.all([devices.load(deviceId), registry.get(deviceId)])
    const isKnown = record !== undefined || registered !== undefined
    return isKnown ? toSubject(deviceId, record, registered) : undefined
  }

  const groups = createGroups(ports, get)

  /** Both lists in one, in the order of ids, as far as a page of each reaches. */
  async function* walk(after: string, size: number): AsyncGenerator<readonly Subject[]> {
    const known = createFeed(after === '' ? BEFORE_DEVICES : after, (from) =>
      devices.list(from, size).then((page) => ({ page, isLast: page.length < size })),
    )
    const allowed = createFeed(after, (from) =>
      registry.list(from, size).then((page) => ({ page, isLast: page.length < size })),
    )
    for (;;) {
      await Promise.all([known.fill(), allowed.fill()])
      const found: Subject[] = []
      while (known.isReady() && allowed.isReady()) {
        const record = known.peek()
        const registered = allowed.peek()
        if (record === undefined && registered === undefined) break
        const deviceId = lesser(record?.deviceId, registered?.deviceId)
        const isHeard = record?.deviceId === deviceId
        const isRegistered = registered?.deviceId === deviceId
        if (isHeard) known.next()
        if (isRegistered) allowed.next()
        if (isDeviceId(deviceId))
          found.push(
            toSubject(
              deviceId,
              isHeard ? record : undefined,
              isRegistered ? registered : undefined,
            ),
          )
      }
      if (found.length > 0) yield found
      if (known.isOver() && allowed.isOver()) return
    }
  }

  /** Who is meant by a search, as far as the caller may know of them. */
  async function testOf({ search, caller, group }: Meant): Promise<Membership> {
    const reach = caller.groups === undefined ? undefined : await groups.membershipOf(caller.groups)
    const inGroup = group === undefined ? undefined : await groups.membershipOf([group])
    const groupsOf = search.asksGroups ? await groups.groupsOf() : undefined
    return (subject, now) =>
      (caller.device === undefined || caller.device === subject.deviceId) &&
      (reach === undefined || reach(subject, now)) &&
      (inGroup === undefined || inGroup(subject, now)) &&
      search.test(
        groupsOf === undefined ? subject : { ...subject, groups: groupsOf(subject, now) },
        now,
      )
  }

  async function inOrderOfIds(query: FleetQuery): Promise<FleetPage> {
    const { limit, after, search, caller, group } = query
    if (after !== '') query.sort.readCursor(after)
    if (limit === 0) return { devices: [] }
    const test = await testOf(query)
    const now = clock.now()
    const found: Subject[] = []
    const takesAll = search.isEmpty && caller.groups === undefined && group === undefined
    let walked = 0
    for await (const page of walk(after, takesAll ? Math.min(PAGE, limit + 1) : PAGE)) {
      for (const subject of page) {
        const last = found.at(-1)
        if (found.length === limit && last !== undefined && test(subject, now))
          return { devices: found, next: last.deviceId }
        if (found.length < limit && test(subject, now)) found.push(subject)
        if (++walked === MAX_WALKED) return { devices: found, next: subject.deviceId }
      }
    }
    return { devices: found }
  }

  async function inAnotherOrder(query: FleetQuery): Promise<FleetPage> {
    const { sort, limit, after } = query
    const start = after === '' ? undefined : sort.readCursor(after)
    const test = await testOf(query)
    const now = clock.now()
    const best = createBest<Placed>(limit + 1, sort.compare)
    let walked = 0
    let total = 0
    for await (const page of walk('', PAGE)) {
      walked += page.length
      if (walked > MAX_SORTED)
        throw new CoreError(
          'input.too_large',
          `expected at most ${MAX_SORTED} devices to be put in the order of ${sort.text}, found more: sort by id`,
        )
      for (const subject of page) {
        if (!test(subject, now)) continue
        total++
        const placed = { key: sort.keyOf(subject), deviceId: subject.deviceId, subject }
        if (start === undefined || sort.compare(placed, start) > 0) best.add(placed)
      }
    }
    const found = best.end()
    const shown = found.slice(0, limit)
    const last = shown.at(-1)
    return {
      devices: shown.map(({ subject }) => subject),
      ...(found.length > limit && last !== undefined ? { next: sort.toCursor(last) } : {}),
      total,
    }
  }

  return {
    groups,
    get,
    find: (query) => (query.sort.isNatural ? inOrderOfIds(query) : inAnotherOrder(query)),
    async idsOf(text, caller, most) {
      const test = await testOf({ search: parseSearch(text), caller })
      const now = clock.now()
      const ids: string[] = []
      for await (const page of walk('', PAGE)) {
        for (const subject of page) if (test(subject, now)) ids.push(subject.deviceId)
        if (ids.length > most)
          throw new CoreError(
            'input.too_large',
            `expected a search that finds at most ${most} devices, found more`,
          )
      }
      return ids
    },
  }
}

/** One of the two lists, a page at a time. */
interface Feed<T> {
  /** Reads on if everything read was taken and there may be more. */
  fill(): Promise<void>
  /** Whether it is known what comes next. */
  isReady(): boolean
  isOver(): boolean
  peek(): T | undefined
  next(): void
}

function createFeed<T extends { readonly deviceId: string }>(
  after: string,
  read: (after: string) => Promise<{ readonly page: readonly T[]; readonly isLast: boolean }>,
): Feed<T> {
  let from = after
  let items: readonly T[] = []
  let at = 0
  let ended = false
  return {
    async fill() {
      if (ended || at < items.length) return
      const { page, isLast } = await read(from)
      items = page
      at = 0
      ended = isLast
      from = page.at(-1)?.deviceId ?? from
    },
    isReady: () => ended || at < items.length,
    isOver: () => ended && at >= items.length,
    peek: () => items[at],
    next() {
      at++
    },
  }
}

function lesser(a: string | undefined, b: string | undefined): string {
  if (a === undefined) return b ?? ''
  return b === undefined || a < b ? a : b
}
