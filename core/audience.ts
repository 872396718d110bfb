import { faultsOf } from './config-faults.ts'
import { CoreError } from './errors.ts'
import type { Address } from './model/audience.ts'
import type { InboxState } from './model/inbox.ts'
import { isJsonObject, type Json, type JsonObject } from './model/json.ts'
import {
  AudienceId,
  PersonSchema,
  type Subscription,
  SubscriptionSchema,
} from './notifications/audience-config.ts'
import { addressed } from './notifications/channels/address.ts'
import { inboxRecordId } from './notifications/fan-out.ts'
import { checkWords } from './notifications/language.ts'
import { groupTable, PEOPLE_TABLE, SUBSCRIPTIONS_TABLE } from './notifications/tables.ts'
import type { Ports } from './ports.ts'
import type { Program } from './program.ts'

/** A subscription of the store names so many people, channels and addresses: a page of them is bounded. */
const MOST_TARGETS = 20

/** Somebody, or a subscription, as it was put. */
export interface AudienceEntry {
  readonly id: string
  readonly item: JsonObject
  /** True where anyhub.yml says so: it cannot be changed here. */
  readonly declared: boolean
}

/** One kind of entries: people, or subscriptions. */
export interface AudienceShelf {
  get(id: string): Promise<AudienceEntry | undefined>
  /** Entries of the store in the order of their ids, after the given id; '' starts. */
  list(after: string, limit: number): Promise<readonly AudienceEntry[]>
  /**
   * Puts an entry in place of whatever has its id.
   * @throws CoreError `input.malformed` for what it cannot be.
   */
  put(id: string, body: JsonObject): Promise<void>
  /** Gives false if there was none. */
  remove(id: string): Promise<boolean>
}

/** Who can be told, beside those whom anyhub.yml declares: as many as the store holds. */
export interface AudienceStore {
  readonly people: AudienceShelf
  readonly subscriptions: AudienceShelf
  /** What waits for a recipient of a subscription, and what he was not told; `undefined` if he has no inbox. */
  inbox(subscriptionId: string, recipientId: string): Promise<InboxState | undefined>
}

export function createAudienceStore(
  ports: Ports,
  { config, audience }: Pick<Program, 'config' | 'audience'>,
): AudienceStore {
  function checkAddresses(addresses: readonly Address[], path: string): void {
    for (const [at, { channelId, to }] of addresses.entries()) {
      const channel = Object.hasOwn(config.channels, channelId)
        ? config.channels[channelId]
        : undefined
      if (channel === undefined) throw malformed(`${path}.${at}`, unknownChannel(channelId))
      try {
        addressed(channel, to)
      } catch (error) {
        if (error instanceof CoreError) throw malformed(`${path}.${at}.to`, error.message)
        throw error
      }
    }
  }

  function checkChannels(ids: readonly string[], path: string): void {
    const unknown = ids.find((id) => !Object.hasOwn(config.channels, id))
    if (unknown !== undefined) throw malformed(path, unknownChannel(unknown))
  }

  function checkSubscription({ to, words, escalation = [] }: Subscription): void {
    const targets = to.people.length + to.groups.length + to.channels.length + to.addresses.length
    if (targets > MOST_TARGETS)
      throw malformed(
        'to',
        `expected at most ${MOST_TARGETS} people, groups, channels and addresses, found ${targets}`,
      )
    checkChannels(to.channels, 'to.channels')
    checkAddresses(to.addresses, 'to.addresses')
    for (const [at, step] of escalation.entries())
      checkChannels(step.to.channels, `escalation.${at}.to.channels`)
    try {
      checkWords(words)
    } catch (error) {
      if (error instanceof CoreError) throw malformed('words', error.message)
      throw error
    }
  }

  function shelf(
    table: string,
    isDeclared: (id: string) => boolean,
    write: (id: string, body: JsonObject, before: Json | undefined) => Promise<void>,
    drop: (id: string, before: Json) => Promise<void>,
  ): AudienceShelf {
    return {
      async get(id) {
        const item = await ports.tables.get(table, id)
        return isJsonObject(item) ? { id, item, declared: isDeclared(id) } : undefined
      },
      async list(after, limit) {
        const rows = await ports.tables.list(table, after, limit)
        return rows.flatMap(({ key: id, item }) =>
          isJsonObject(item) ? [{ id, item, declared: isDeclared(id) }] : [],
        )
      },
      async put(id, body) {
        if (!AudienceId.safeParse(id).success)
          throw malformed('id', 'expected 1 to 128 letters, digits, _ . @ + or -')
        if (isDeclared(id))
          throw malformed('id', 'expected another id: anyhub.yml declares this one')
        await write(id, body, await ports.tables.get(table, id))
      },
      async remove(id) {
        const before = await ports.tables.get(table, id)
        if (before === undefined) return false
        await drop(id, before)
        return true
      },
    }
  }

  async function leaveGroups(id: string, before: Json | undefined, but: readonly string[]) {
    for (const group of groupsOf(before))
      if (!but.includes(group)) await ports.tables.remove(groupTable(group), id)
  }

  return {
    async inbox(subscriptionId, recipientId) {
      return (await ports.devices.load(inboxRecordId(subscriptionId, recipientId)))?.inbox
    },
    people: shelf(
      PEOPLE_TABLE,
      (id) => audience.people.has(id),
      async (id, body, before) => {
        const parsed = PersonSchema.safeParse(body)
        if (!parsed.success) throw ofFaults(faultsOf(parsed.error))
        const { groups, addresses } = parsed.data
        checkAddresses(addresses, 'addresses')
        // A group is told from its own list: whoever is in one is on it first, and leaves it last.
        for (const group of new Set(groups)) await ports.tables.put(groupTable(group), id, body)
        await ports.tables.put(PEOPLE_TABLE, id, body)
        await leaveGroups(id, before, groups)
      },
      async (id, before) => {
        await leaveGroups(id, before, [])
        await ports.tables.remove(PEOPLE_TABLE, id)
      },
    ),
    subscriptions: shelf(
      SUBSCRIPTIONS_TABLE,
      (id) => audience.subscriptionsById.has(id),
      async (id, body) => {
        if (!audience.stored)
          throw malformed('storedSubscriptions', 'expected true in anyhub.yml, found false')
        const parsed = SubscriptionSchema.safeParse(body)
        if (!parsed.success) throw ofFaults(faultsOf(parsed.error))
        checkSubscription(parsed.data)
        await ports.tables.put(SUBSCRIPTIONS_TABLE, id, body)
      },
      (id) => ports.tables.remove(SUBSCRIPTIONS_TABLE, id),
    ),
  }
}

function groupsOf(person: Json | undefined): readonly string[] {
  const parsed = PersonSchema.safeParse(person)
  return parsed.success ? parsed.data.groups : []
}

function unknownChannel(id: string): string {
  return `expected a channel of the config, found ${JSON.stringify(id)}`
}

function malformed(path: string, message: string): CoreError {
  return new CoreError('input.malformed', `${path}: ${message}`)
}

function ofFaults(
  faults: readonly { readonly path: readonly (string | number)[]; readonly message: string }[],
): CoreError {
  const words = faults.map(({ path, message }) => `${path.join('.')}: ${message}`)
  return new CoreError('input.malformed', words.slice(0, 5).join('; '))
}
