import { messageFingerprint } from './codecs/message-id.ts'
import { faultsOf } from './config-faults.ts'
import { CoreError } from './errors.ts'
import type { FanOutPage } from './model/audience.ts'
import { placeOf } from './model/audience.ts'
import { isJsonObject, type Json, type JsonObject } from './model/json.ts'
import type { Notification } from './model/notification.ts'
import {
  AccountSchema,
  type Broadcast,
  BroadcastSchema,
  DeliveryEndSchema,
  KeptBroadcastSchema,
  ToldSchema,
} from './notifications/broadcast.ts'
import { onDemandKey, toPageDelivery } from './notifications/fan-out.ts'
import { checkWords } from './notifications/language.ts'
import { type Preview, PreviewSchema, preview } from './notifications/preview.ts'
import {
  accountTable,
  endsTable,
  NEWEST_TABLE,
  NOTIFICATIONS_TABLE,
  newestKey,
  newestOf,
  SENT_TABLE,
  sentKey,
  toldTable,
} from './notifications/tables.ts'
import type { Ports } from './ports.ts'
import type { Program } from './program.ts'

/** Rows that are read in one go where all have to be counted. */
const COUNTED = 1_000

/** What became of a notification that somebody asked for. */
export interface BroadcastStatus {
  readonly notificationId: string
  /** Epoch ms. */
  readonly at: number
  readonly subject: string
  readonly severity: string
  /** `finding`: recipients are still being found. */
  readonly status: 'finding' | 'found' | 'suppressed'
  /** Why nobody is told. */
  readonly reason?: string
  readonly acknowledged?: { readonly at: number; readonly by: string }
  /** Deliveries made so far, and how many of them are in which state. */
  readonly deliveries: number
  readonly states: {
    readonly queued: number
    readonly sent: number
    readonly failed: number
    readonly expired: number
    /** With the reason of each among the recipients. */
    readonly suppressed: number
  }
}

/** A notification on the list of those that somebody asked for. */
export type BroadcastEntry = Pick<
  BroadcastStatus,
  'notificationId' | 'at' | 'subject' | 'severity' | 'acknowledged'
>

/** One delivery of it. */
export interface ToldRecipient {
  /** `@ann`: a person, `#name`: a subscription; else the channel itself. */
  readonly recipient: string
  readonly channel: string
  readonly state: 'queued' | 'sent' | 'failed' | 'expired' | 'suppressed'
  /** When it ended, epoch ms. */
  readonly at?: number
  readonly reason?: string
}

/** Notifications on demand. */
export interface Broadcasts {
  /**
   * Takes a notification and returns its id at once: recipients are found page by page by whoever works off the queue.
   * The same idempotency key is the same notification.
   * @throws CoreError `input.malformed` for what it cannot be, or a key that came with another body.
   */
  send(body: JsonObject, idempotencyKey?: string): Promise<string>
  status(notificationId: string): Promise<BroadcastStatus | undefined>
  /**
   * A page of them, the newest first, after a place that an earlier page named; '' starts. It may be shorter than `limit`;
   * there is more as long as there is `next`.
   */
  list(
    after: string,
    limit: number,
  ): Promise<{ readonly notifications: readonly BroadcastEntry[]; readonly next?: string }>
  /** Somebody takes note: chains of escalation end. Gives false if there is no such notification. */
  acknowledge(notificationId: string, by: string): Promise<boolean>
  /**
   * What each channel would send; nothing is sent.
   * @throws CoreError `input.malformed`.
   */
  preview(body: JsonObject): readonly Preview[]
  /** A page of those who are told, after a place that an earlier page named; '' starts. */
  told(
    notificationId: string,
    after: string,
  ): Promise<{ readonly recipients: readonly ToldRecipient[]; readonly next?: string }>
}

export function createBroadcasts(
  ports: Ports,
  { config, words }: Pick<Program, 'config' | 'words'>,
): Broadcasts {
  function read(body: JsonObject, now: number): Broadcast {
    const parsed = BroadcastSchema.safeParse(body)
    if (!parsed.success) throw malformed(faultsOf(parsed.error))
    const { audience, expiresAt } = parsed.data
    const unknown = audience.channels.find((id) => !Object.hasOwn(config.channels, id))
    if (unknown !== undefined)
      throw new CoreError(
        'input.malformed',
        `audience.channels: expected channels of the config, found ${JSON.stringify(unknown)}`,
      )
    if (expiresAt !== undefined && expiresAt <= now)
      throw new CoreError('input.malformed', 'expiresAt: expected a time that is still to come')
    try {
      checkWords(wordsOf(parsed.data))
    } catch (error) {
      if (!(error instanceof CoreError)) throw error
      throw new CoreError('input.malformed', `words: ${error.message}`)
    }
    return parsed.data
  }

  async function kept(notificationId: string) {
    const item = await ports.tables.get(NOTIFICATIONS_TABLE, notificationId)
    const parsed = KeptBroadcastSchema.safeParse(item)
    return parsed.success ? parsed.data : undefined
  }

  async function take(notificationId: string, body: JsonObject, fingerprint: string) {
    const at = ports.clock.now()
    const before = await kept(notificationId)
    if (before !== undefined) {
      if (before.fingerprint === fingerprint) return before
      throw new CoreError(
        'input.malformed',
        'expected another idempotency key: this one came with another body',
      )
    }
    const request = read(body, at)
    const item = { at, fingerprint, request: body }
    // On the list first: what is kept is forgotten some day, whatever comes in between.
    await ports.tables.put(SENT_TABLE, sentKey(at, notificationId), null)
    await ports.tables.put(NEWEST_TABLE, newestKey(at, notificationId), null)
    await ports.tables.put(NOTIFICATIONS_TABLE, notificationId, item)
    return { at, fingerprint, request }
  }

  /** What is listed at a place; nothing where another with the same id came later, or a part of it is forgotten. */
  async function entryAt(key: string): Promise<readonly BroadcastEntry[]> {
    const { at, notificationId } = newestOf(key)
    const broadcast = await kept(notificationId)
    if (broadcast === undefined || broadcast.at !== at) return []
    const { request, acknowledged } = broadcast
    const { subject, severity } = request
    return [
      {
        notificationId,
        at,
        subject,
        severity,
        ...(acknowledged === undefined ? {} : { acknowledged }),
      },
    ]
  }

  async function countEnds(notificationId: string) {
    const counts = { sent: 0, failed: 0, expired: 0, suppressed: 0 }
    for (let after = ''; ; ) {
      const rows = await ports.tables.list(endsTable(notificationId), after, COUNTED)
      for (const { item } of rows) counts[DeliveryEndSchema.parse(item).state]++
      const last = rows.at(-1)
      if (last === undefined || rows.length < COUNTED) return counts
      after = last.key
    }
  }

  async function accountOf(notificationId: string) {
    const whole = { found: 0, done: true, rows: 0, suppressed: '' }
    for (let after = ''; ; ) {
      const rows = await ports.tables.list(accountTable(notificationId), after, COUNTED)
      for (const { item } of rows) {
        const { found, done, suppressed = '' } = AccountSchema.parse(item)
        whole.found += found
        whole.done &&= done
        whole.suppressed ||= suppressed
        whole.rows++
      }
      const last = rows.at(-1)
      if (last === undefined || rows.length < COUNTED) return whole
      after = last.key
    }
  }

  async function withEnd(notificationId: string, item: Json): Promise<ToldRecipient> {
    const { key, channelId, recipientId } = ToldSchema.parse(item)
    const found = await ports.tables.get(endsTable(notificationId), key)
    const end = found === undefined ? undefined : DeliveryEndSchema.parse(found)
    return {
      recipient: recipientId ?? channelId,
      channel: channelId,
      state: end?.state ?? 'queued',
      ...(end === undefined ? {} : { at: end.at }),
      ...(end?.reason === undefined ? {} : { reason: end.reason }),
    }
  }

  return {
    async send(body, idempotencyKey) {
      const notificationId = idOf(idempotencyKey) ?? `n-${ports.ids.next(ports.clock.now())}`
      const fingerprint = messageFingerprint(JSON.stringify(body), NO_BYTES)
      const { at, request } = await take(notificationId, body, fingerprint)
      const page = toPage(notificationId, request)
      // Who asks again after the queue has forgotten the key asks for nothing new.
      const known = await ports.tables.get(accountTable(notificationId), placeOf(page))
      if (known === undefined) {
        const notification = toNotification(notificationId, request, at)
        await ports.notifications.enqueue([toPageDelivery(notification, page)])
      }
      return notificationId
    },

    async status(notificationId) {
      const broadcast = await kept(notificationId)
      if (broadcast === undefined) return undefined
      const { at, request } = broadcast
      const { found, done, rows, suppressed } = await accountOf(notificationId)
      const ends = await countEnds(notificationId)
      const queued = Math.max(0, found - ends.sent - ends.failed - ends.expired - ends.suppressed)
      return {
        notificationId,
        at,
        subject: request.subject,
        severity: request.severity,
        status: suppressed !== '' ? 'suppressed' : rows > 0 && done ? 'found' : 'finding',
        ...(suppressed === '' ? {} : { reason: suppressed }),
        ...(broadcast.acknowledged === undefined ? {} : { acknowledged: broadcast.acknowledged }),
        deliveries: found,
        states: { queued, ...ends },
      }
    },

    async list(after, limit) {
      const places = await ports.tables.list(NEWEST_TABLE, after, limit)
      const found = await Promise.all(places.map(({ key }) => entryAt(key)))
      const next = places.length === limit ? places.at(-1)?.key : undefined
      return { notifications: found.flat(), ...(next === undefined ? {} : { next }) }
    },

    async acknowledge(notificationId, by) {
      const item = await ports.tables.get(NOTIFICATIONS_TABLE, notificationId)
      if (!isJsonObject(item)) return false
      if (item['acknowledged'] !== undefined) return true
      const acknowledged = { at: ports.clock.now(), by }
      await ports.tables.put(NOTIFICATIONS_TABLE, notificationId, { ...item, acknowledged })
      return true
    },

    preview(body) {
      const parsed = PreviewSchema.safeParse(body)
      if (!parsed.success) throw malformed(faultsOf(parsed.error))
      const { channel } = parsed.data
      if (channel !== undefined && !Object.hasOwn(config.channels, channel))
        throw new CoreError(
          'input.malformed',
          `channel: expected a channel of the config, found ${JSON.stringify(channel)}`,
        )
      try {
        return preview({ channels: config.channels, words }, parsed.data)
      } catch (error) {
        if (!(error instanceof CoreError)) throw error
        throw new CoreError('input.malformed', `words: ${error.message}`)
      }
    },

    async told(notificationId, after) {
      const [row] = await ports.tables.list(toldTable(notificationId), after, 1)
      if (row === undefined) return { recipients: [] }
      const items = Array.isArray(row.item) ? row.item : []
      const recipients = await Promise.all(items.map((item) => withEnd(notificationId, item)))
      return { recipients, next: row.key }
    },
  }
}

const NO_BYTES = new Uint8Array()

/** Keys are names in tables of every cloud. Source: draft-ietf-httpapi-idempotency-key-header, a quoted text. */
function idOf(idempotencyKey: string | undefined): string | undefined {
  if (idempotencyKey === undefined) return undefined
  const key = idempotencyKey.replace(/^"(.*)"$/, '$1')
  if (/^[A-Za-z0-9_.-]{1,128}$/.test(key)) return `k-${key}`
  throw new CoreError(
    'input.malformed',
    'Idempotency-Key: expected 1 to 128 letters, digits, _ . or -',
  )
}

/** Words of all languages; those that go to everybody else are templates, too, if they look like it. */
function wordsOf({ words, subject, text }: Broadcast): Broadcast['words'] {
  return /\{\{|\}\}/.test(subject + text) ? { ...words, '': { subject, text } } : words
}

function toPage(accountId: string, { audience, words, subject, text, ...rest }: Broadcast) {
  const page: FanOutPage = {
    from: 'named',
    after: '',
    found: 0,
    audience: { ...audience, addresses: [] },
    accountId,
    words: wordsOf({ audience, words, subject, text, ...rest }),
  }
  return page
}

function toNotification(
  notificationId: string,
  { subject, text, severity, priority, deviceId = '', data, expiresAt }: Broadcast,
  at: number,
): Notification {
  return {
    key: onDemandKey(notificationId),
    channelIds: [],
    deviceId,
    severity,
    subject,
    text,
    at,
    data,
    event: { kind: 'on-demand', id: notificationId },
    ...(priority === undefined ? {} : { priority }),
    ...(expiresAt === undefined ? {} : { expiresAt }),
  }
}

function malformed(
  faults: readonly { readonly path: readonly (string | number)[]; readonly message: string }[],
): CoreError {
  const words = faults.map(({ path, message }) => `${path.join('.')}: ${message}`)
  return new CoreError('input.malformed', words.slice(0, 5).join('; '))
}
