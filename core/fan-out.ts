import type { DeviceGate } from './device-gate.ts'
import { DEFAULT_PRESENCE, gatewayState } from './devices/presence.ts'
import { CoreError } from './errors.ts'
import {
  type Address,
  type FanOutPage,
  placeOf,
  type Recipient,
  type Suppression,
} from './model/audience.ts'
import type { InboxPolicy } from './model/inbox.ts'
import type { InboxInput } from './model/input.ts'
import type { Json } from './model/json.ts'
import type { Delivery, Notification } from './model/notification.ts'
import {
  addressRecipient,
  type ClockOf,
  type CompiledSubscription,
  channelRecipient,
  compileSubscription,
  createClocks,
  personRecipient,
  type Tags,
} from './notifications/audience.ts'
import { PersonSchema, SubscriptionSchema } from './notifications/audience-config.ts'
import { deliveriesTo, inboxRecordId, toPageDelivery } from './notifications/fan-out.ts'
import { createReworder, type Reworder } from './notifications/language.ts'
import {
  type Account,
  accountTable,
  groupTable,
  PEOPLE_TABLE,
  SUBSCRIPTIONS_TABLE,
  toldTable,
} from './notifications/tables.ts'
import type { Ports } from './ports.ts'
import type { Program } from './program.ts'

/** How many people or subscriptions are looked at in one go. */
const PAGE = 500

/** Inboxes that are written at the same time. */
const AT_ONCE = 32

/** Turns one page of a fan-out into deliveries, and puts the next page into the queue. */
export type FanOut = (page: Delivery) => Promise<void>

/** Somebody found, and through which subscription. */
interface Found {
  readonly recipient: Recipient
  readonly via?: CompiledSubscription
}

/** What one page came to. */
interface PageResult {
  readonly found: readonly Found[]
  /** The id after which there may be more. */
  readonly after?: string
  /** Other places where there may be recipients. */
  readonly places: readonly Pick<FanOutPage, 'from' | 'group' | 'via'>[]
}

/** What somebody is told: at once, or as his inbox decides. */
interface Told {
  readonly deliveries: readonly Delivery[]
  readonly inbox: { readonly recordId: string; readonly input: InboxInput } | undefined
}

/** What all pages of one notification have to know. */
interface Facts {
  readonly tags: Tags
  readonly clockOf: ClockOf
}

/** Builds the use case that finds out who is told, page by page: memory does not grow with the audience. */
export function createFanOut(
  ports: Ports,
  { audience, config, deviceType }: Pick<Program, 'audience' | 'config' | 'deviceType'>,
  gate: Pick<DeviceGate, 'enter'>,
): FanOut {
  async function personOf(personId: string): Promise<Recipient | undefined> {
    const declared = audience.people.get(personId)
    if (declared !== undefined) return personRecipient(personId, declared)
    const item = await ports.tables.get(PEOPLE_TABLE, personId)
    return item === undefined ? undefined : storedPerson(personId, item)
  }

  function storedPerson(personId: string, item: Json): Recipient | undefined {
    const parsed = PersonSchema.safeParse(item)
    if (parsed.success) return personRecipient(personId, parsed.data)
    ports.observer.log('warn', 'a person is left out: stored by another release', { personId })
    return undefined
  }

  function storedSubscription(
    id: string,
    item: Json,
    clockOf: ClockOf,
  ): CompiledSubscription | undefined {
    const parsed = SubscriptionSchema.safeParse(item)
    if (parsed.success) return compileSubscription(id, parsed.data, clockOf)
    ports.observer.log('warn', 'a subscription is left out: stored by another release', { id })
    return undefined
  }

  /** Whoever a subscription names; whole groups are places of their own. */
  async function targetsOf(via: CompiledSubscription): Promise<PageResult> {
    const { people, groups, channels, addresses } = via.subscription.to
    const found: Found[] = channels.map((id) => ({ recipient: channelRecipient(id), via }))
    if (addresses.length > 0) found.push({ recipient: addressRecipient(via.id, addresses), via })
    for (const personId of people) {
      const recipient = await personOf(personId)
      if (recipient !== undefined) found.push({ recipient, via })
    }
    const places = groups.map((group) => ({ from: 'group', group, via: via.id }) as const)
    return { found, places }
  }

  function directly({ channelIds }: Notification): Found[] {
    return channelIds.map((id) => ({ recipient: channelRecipient(id) }))
  }

  async function named(
    notification: Notification,
    { audience: wanted }: FanOutPage,
    { tags }: Facts,
  ): Promise<PageResult> {
    const found: Found[] = directly(notification)
    const places: PageResult['places'][number][] = []
    if (wanted === undefined) return { found, places }
    for (const id of wanted.channels) found.push({ recipient: channelRecipient(id) })
    if (!wanted.everybody) {
      for (const personId of wanted.people) {
        const recipient = await personOf(personId)
        if (recipient !== undefined) found.push({ recipient })
      }
      for (const group of wanted.groups) places.push({ from: 'group', group })
    }
    if (wanted.everybody) {
      for (const [id, person] of audience.people)
        found.push({ recipient: personRecipient(id, person) })
      places.push({ from: 'people' })
    }
    if (!wanted.subscribers) return { found, places }
    for (const via of audience.subscriptions) {
      if (!via.takes(notification, tags)) continue
      const targets = await targetsOf(via)
      found.push(...targets.found)
      places.push(...targets.places)
    }
    if (audience.stored) places.push({ from: 'subscriptions' })
    return { found, places }
  }

  async function inGroup({ group = '', after, via: viaId }: FanOutPage, { clockOf }: Facts) {
    const via = viaId === undefined ? undefined : await subscriptionOf(viaId, clockOf)
    // Unsubscribed meanwhile.
    if (viaId !== undefined && via === undefined) return { found: [], places: [] }
    const found: Found[] = []
    const add = (recipient: Recipient | undefined): void => {
      if (recipient !== undefined)
        found.push(via === undefined ? { recipient } : { recipient, via })
    }
    if (after === '') {
      for (const [id, person] of audience.people)
        if (person.groups.includes(group)) add(personRecipient(id, person))
    }
    const rows = await ports.tables.list(groupTable(group), after, PAGE)
    for (const { key, item } of rows) add(storedPerson(key, item))
    return { found, places: [], ...afterOf(rows) }
  }

  async function subscriptionOf(
    id: string,
    clockOf: ClockOf,
  ): Promise<CompiledSubscription | undefined> {
    const declared = audience.subscriptionsById.get(id)
    if (declared !== undefined) return declared
    const item = await ports.tables.get(SUBSCRIPTIONS_TABLE, id)
    return item === undefined ? undefined : storedSubscription(id, item, clockOf)
  }

  async function amongPeople({ after }: FanOutPage): Promise<PageResult> {
    const rows = await ports.tables.list(PEOPLE_TABLE, after, PAGE)
    const found = rows.flatMap(({ key, item }): Found[] => {
      // Who is declared counts as declared.
      const recipient = audience.people.has(key) ? undefined : storedPerson(key, item)
      return recipient === undefined ? [] : [{ recipient }]
    })
    return { found, places: [], ...afterOf(rows) }
  }

  async function amongSubscriptions(
    notification: Notification,
    { after }: FanOutPage,
    { tags, clockOf }: Facts,
  ): Promise<PageResult> {
    const rows = await ports.tables.list(SUBSCRIPTIONS_TABLE, after, PAGE)
    const taking: CompiledSubscription[] = []
    for (const { key, item } of rows) {
      if (audience.subscriptionsById.has(key)) continue
      const via = storedSubscription(key, item, clockOf)
      if (via?.takes(notification, tags)) taking.push(via)
    }
    const targets = await Promise.all(taking.map(targetsOf))
    return {
      found: targets.flatMap(({ found }) => found),
      places: targets.flatMap(({ places }) => places),
      ...afterOf(rows),
    }
  }

  function look(notification: Notification, page: FanOutPage, facts: Facts): Promise<PageResult> {
    switch (page.from) {
      case 'named':
        return named(notification, page, facts)
      case 'group':
        return inGroup(page, facts)
      case 'people':
        return amongPeople(page)
      case 'subscriptions':
        return amongSubscriptions(notification, page, facts)
    }
  }

  /** The tags of the device, where somebody may ask for them. */
  async function tagsOf({ deviceId }: Notification, page: FanOutPage): Promise<Tags> {
    const asked =
      page.from === 'subscriptions' ||
      (page.from === 'named' &&
        [...audience.subscriptions, ...audience.maintenance].some(({ asksTags }) => asksTags))
    if (!asked || deviceId === '') return undefined
    return (await ports.registry.get(deviceId))?.tags
  }

  /** Why people are not told, in words for them; a gateway that is gone hides nothing from channels that an alarm names itself. */
  async function silenceOf(
    notification: Notification,
    tags: Tags,
  ): Promise<{ readonly reason: Suppression; readonly words: string } | undefined> {
    const window = audience.maintenance.find((one) => one.holds(notification, tags))
    if (window !== undefined) return { reason: 'maintenance', words: window.reason }
    const gateway = await goneGatewayOf(notification)
    return gateway === undefined ? undefined : { reason: 'gateway_away', words: gateway }
  }

  /** The gateway of a device that hides it; the devices behind one that is gone are no news of their own. */
  async function goneGatewayOf({ deviceId, event }: Notification): Promise<string | undefined> {
    if (event?.kind !== 'alarm' || event.change === 'cleared' || deviceId === '') return undefined
    const record = await ports.devices.load(deviceId)
    const gatewayId = record?.presence.gateway
    if (record === undefined || gatewayId === undefined || record.presence.connected)
      return undefined
    const gateway = await ports.devices.load(gatewayId)
    const plan = deviceType(gatewayId)?.presence ?? DEFAULT_PRESENCE
    const own = deviceType(deviceId)?.presence ?? DEFAULT_PRESENCE
    const facts = { presence: gateway?.presence, plan, shared: true }
    return gatewayState(facts, own, ports.clock.now()) === 'down' ? gatewayId : undefined
  }

  async function keepAccount(page: FanOutPage, account: Account): Promise<void> {
    if (page.accountId === undefined) return
    await ports.tables.put(accountTable(page.accountId), placeOf(page), { ...account })
  }

  /** A place is on the account before its first page is: the account is never whole too early. */
  async function openAccount(page: FanOutPage): Promise<void> {
    if (page.accountId === undefined) return
    const known = await ports.tables.get(accountTable(page.accountId), placeOf(page))
    if (known === undefined) await keepAccount(page, { found: 0, done: false })
  }

  /** Who is told, for whoever asked for it, in parts that fit into one row of every store. */
  async function list(page: FanOutPage, deliveries: readonly Delivery[]): Promise<void> {
    if (page.accountId === undefined) return
    for (let from = 0; from < deliveries.length; from += PAGE) {
      const row = deliveries
        .slice(from, from + PAGE)
        .map(({ key, channelId, recipientId }) =>
          recipientId === undefined ? { key, channelId } : { key, channelId, recipientId },
        )
      const place = `${placeOf(page)}/${page.after}/${String(from).padStart(9, '0')}`
      await ports.tables.put(toldTable(page.accountId), place, row)
    }
  }

  async function enqueue(deliveries: readonly Delivery[]): Promise<void> {
    for (let from = 0; from < deliveries.length; from += PAGE)
      await ports.notifications.enqueue(deliveries.slice(from, from + PAGE))
  }

  function tellOfSilence(
    { key }: Notification,
    { reason, words }: { readonly reason: Suppression; readonly words: string },
  ): void {
    ports.observer.count('notification.suppressed', 1, { reason })
    ports.observer.log('info', 'people are not told', { key, reason: `${reason}: ${words}` })
  }

  return async ({ notification, fanOut: page }) => {
    if (page === undefined) throw new CoreError('input.malformed', 'expected a page of a fan-out')
    const tags = await tagsOf(notification, page)
    const silence = page.from === 'named' ? await silenceOf(notification, tags) : undefined
    if (silence !== undefined) tellOfSilence(notification, silence)
    const facts: Facts = { tags, clockOf: createClocks() }
    const { found, after, places } =
      silence === undefined
        ? await look(notification, page, facts)
        : { found: silence.reason === 'maintenance' ? [] : directly(notification), places: [] }
    const reword = createReworder()
    const told = found.map((one) => wordFor(notification, page, one, reword))
    const deliveries = told.flatMap((one) => one.deliveries)
    const here = page.found + deliveries.length
    const { audience: _named, via: _via, group: _group, ...rest } = page
    const next = places.map((place): FanOutPage => ({ ...rest, ...place, after: '', found: 0 }))
    for (const one of next) await openAccount(one)
    if (after !== undefined) next.push({ ...page, after, found: here })
    await list(page, deliveries)
    await enterInboxes(told)
    await enqueue(told.flatMap((one) => (one.inbox === undefined ? one.deliveries : [])))
    await ports.notifications.enqueue(next.map((one) => toPageDelivery(notification, one)))
    await keepAccount(page, {
      found: here,
      done: after === undefined,
      ...(silence === undefined ? {} : { suppressed: `${silence.reason}: ${silence.words}` }),
    })
    if (deliveries.length > 0) ports.observer.count('notification.fanned_out', deliveries.length)
  }

  /** What somebody is told, in his words, and where. */
  function wordFor(
    notification: Notification,
    { words: given }: FanOutPage,
    { recipient, via }: Found,
    reword: Reworder,
  ): Told {
    const own = via?.subscription
    const words = own !== undefined && Object.keys(own.words).length > 0 ? own.words : given
    const worded = reword(notification, words, recipient, own?.language)
    const addresses = recipient.addresses.filter(({ channelId }) =>
      Object.hasOwn(config.channels, channelId),
    )
    const told: Notification = {
      ...worded,
      channelIds: NO_CHANNELS,
      ...(own?.priority === undefined ? {} : { priority: own.priority }),
    }
    return {
      deliveries: deliveriesTo(told, recipient.id, addresses),
      inbox:
        via?.policy === undefined
          ? undefined
          : inboxOf(via.id, via.policy, recipient, told, addresses),
    }
  }

  function inboxOf(
    subscriptionId: string,
    policy: InboxPolicy,
    { id: recipientId, timeZone }: Recipient,
    notification: Notification,
    addresses: readonly Address[],
  ): Told['inbox'] {
    const own = timeZone === undefined || policy.hasTimeZone ? policy : { ...policy, timeZone }
    return {
      recordId: inboxRecordId(subscriptionId, recipientId),
      input: {
        kind: 'inbox',
        policy: own,
        recipientId,
        addresses,
        notification,
        at: ports.clock.now(),
      },
    }
  }

  /** Not all at once: each is a step of a record of its own. */
  async function enterInboxes(told: readonly Told[]): Promise<void> {
    const inboxes = told.flatMap(({ inbox }) => inbox ?? [])
    for (let from = 0; from < inboxes.length; from += AT_ONCE) {
      const part = inboxes.slice(from, from + AT_ONCE)
      const results = await Promise.all(
        part.map(({ recordId, input }) => gate.enter(recordId, [input])),
      )
      for (const [result] of results)
        if (result?.status === 'refused') throw new CoreError(result.code, result.message)
    }
  }
}

const NO_CHANNELS: readonly string[] = []

function afterOf(rows: readonly { readonly key: string }[]): { readonly after?: string } {
  const last = rows.length < PAGE ? undefined : rows.at(-1)
  return last === undefined ? {} : { after: last.key }
}
