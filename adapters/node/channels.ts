import {
  type ApnsChannel,
  addressed,
  type ChannelAnswer,
  type ChannelConfig,
  type ChannelRequest,
  type ChannelSender,
  type ChannelVerdict,
  type Clock,
  type Config,
  CoreError,
  type Delivery,
  deliveryId,
  type FcmChannel,
  judgeApns,
  judgeFcm,
  judgeTelephony,
  judgeWebPush,
  renderApns,
  renderCall,
  renderFcm,
  renderSms,
  renderWebPush,
  slack,
  teams,
  telegram,
  type WebPushChannel,
} from '../../core/index.ts'
import { type ApnsSender, createApnsSender } from './apns-sender.ts'
import { createMailer } from './email.ts'
import { createGoogleTokens, readServiceAccount } from './google-token.ts'
import { type Resolve, resolveBySystem } from './guarded-lookup.ts'
import { createGuardedSender } from './guarded-sender.ts'
import { createRecipients } from './recipients.ts'
import { createWebhookSender } from './webhook.ts'

type Of<Type extends ChannelConfig['type']> = Extract<ChannelConfig, { type: Type }>

/** What a cloud sends by services of its own. What it has not it refuses, with a sentence that says what to do. */
export interface NativeChannels {
  /** Used where the config names no mail server. */
  email(channel: Of<'email'>, delivery: Delivery): Promise<void>
  /** Used where the config names no telephony API. */
  sms(channel: Of<'sms'>, delivery: Delivery): Promise<void>
  voice(channel: Of<'voice'>, delivery: Delivery): Promise<void>
  push(channel: Of<'push'>, delivery: Delivery): Promise<void>
}

export interface ChannelsOptions {
  readonly config: Config
  readonly clock: Clock
  readonly native: NativeChannels
  /** How names become addresses; the system's way unless given. */
  readonly resolve?: Resolve
}

/** One answer may take so long. */
const TIMEOUT_MS = 10_000

/** Sends deliveries through every kind of channel that is a request; the cloud's own kinds are handed on. */
export function createChannels({
  config,
  clock,
  native,
  resolve = resolveBySystem,
}: ChannelsOptions): ChannelSender & { close(): void } {
  const sender = createGuardedSender(resolve)
  const webhooks = createWebhookSender({ clock, resolve })
  const googleToken = createGoogleTokens(sender)
  const toEach = createRecipients()
  const { telephony, smtp } = config
  const mailer = smtp === undefined ? undefined : createMailer(smtp)
  let apns: ApnsSender | undefined

  /** Sends one request for each address; who has it is not sent it again when the rest is tried once more. */
  function sendEach(
    delivery: Delivery,
    requests: readonly ChannelRequest[],
    judge: (answer: ChannelAnswer) => ChannelVerdict,
    ask: (
      request: ChannelRequest,
    ) => Promise<ChannelAnswer & { retryAfterMs?: number | undefined }>,
  ): Promise<void> {
    const byName = new Map(requests.map((request, index) => [`${index} ${request.to}`, request]))
    return toEach(delivery, [...byName.keys()], async (name) => {
      const request = byName.get(name)
      if (request === undefined) return
      const answer = await ask(request)
      const fault = faultOf(request, answer, judge(answer))
      if (fault !== undefined) throw fault
    })
  }

  const post = (allowPrivate: boolean, authorization?: string) => (request: ChannelRequest) =>
    sender.ask({
      method: 'POST',
      url: new URL(request.url),
      headers: {
        ...request.headers,
        'user-agent': 'anyhub',
        ...(authorization === undefined ? {} : { authorization }),
      },
      body: request.body,
      timeoutMs: TIMEOUT_MS,
      allowPrivate,
      now: clock.now(),
    })

  async function sendFcm(channel: FcmChannel, delivery: Delivery): Promise<void> {
    const key = readServiceAccount(channel.serviceAccount)
    const { allowPrivate } = channel
    const token = await googleToken(key, { allowPrivate, now: clock.now() })
    const requests = renderFcm(channel, key.project, delivery)
    await sendEach(delivery, requests, judgeFcm, post(allowPrivate, `Bearer ${token}`))
  }

  async function sendApns(channel: ApnsChannel, delivery: Delivery): Promise<void> {
    apns ??= createApnsSender(resolve)
    const { ask } = apns
    await sendEach(delivery, renderApns(channel, delivery), judgeApns, (request) =>
      ask(channel, request, `${delivery.key}>${request.to}`, clock.now()),
    )
  }

  /** What browsers get is encrypted for each. Loaded when first needed. */
  async function sendWebPush(channel: WebPushChannel, delivery: Delivery): Promise<void> {
    const { default: library } = await import('web-push')
    const payload = renderWebPush(delivery)
    const { subject, publicKey, privateKey, ttl: TTL, allowPrivate } = channel
    const urgency = delivery.notification.severity === 'critical' ? 'high' : 'normal'
    const byEndpoint = new Map(channel.subscriptions.map((one) => [one.endpoint, one]))
    await toEach(delivery, [...byEndpoint.keys()], async (endpoint) => {
      const subscription = byEndpoint.get(endpoint)
      if (subscription === undefined) return
      const { headers, body } = library.generateRequestDetails(subscription, payload, {
        TTL,
        urgency,
        vapidDetails: { subject, publicKey, privateKey },
      })
      const answer = await sender.ask({
        method: 'POST',
        url: new URL(endpoint),
        headers: Object.fromEntries(
          Object.entries(headers)
            .filter(([name]) => name.toLowerCase() !== 'content-length')
            .map(([name, value]) => [name.toLowerCase(), String(value)]),
        ),
        body: body ?? '',
        timeoutMs: TIMEOUT_MS,
        allowPrivate,
        now: clock.now(),
      })
      const fault = faultOf({ to: new URL(endpoint).host }, answer, judgeWebPush(answer))
      if (fault !== undefined) throw fault
    })
  }

  return {
    async send(delivery) {
      const declared = Object.hasOwn(config.channels, delivery.channelId)
        ? config.channels[delivery.channelId]
        : undefined
      if (declared === undefined) {
        throw new CoreError(
          'channel.rejected',
          `expected a channel of the config, found ${JSON.stringify(delivery.channelId)}`,
        )
      }
      const channel = addressed(declared, delivery.to)
      switch (channel.type) {
        case 'webhook':
          return webhooks.send(channel, delivery)
        case 'email':
          return (mailer?.send ?? native.email)(channel, delivery)
        case 'sms':
          return telephony === undefined
            ? native.sms(channel, delivery)
            : sendEach(
                delivery,
                renderSms(telephony, channel.to, delivery),
                judgeTelephony,
                post(telephony.allowPrivate),
              )
        case 'voice':
          return telephony === undefined
            ? native.voice(channel, delivery)
            : sendEach(
                delivery,
                renderCall(telephony, channel.to, delivery),
                judgeTelephony,
                post(telephony.allowPrivate),
              )
        case 'push':
          return native.push(channel, delivery)
        case 'slack':
          return sendEach(
            delivery,
            slack.render(channel, delivery),
            slack.judge,
            post(channel.allowPrivate),
          )
        case 'teams':
          return sendEach(
            delivery,
            teams.render(channel, delivery),
            teams.judge,
            post(channel.allowPrivate),
          )
        case 'telegram':
          return sendEach(
            delivery,
            telegram.render(channel, delivery),
            telegram.judge,
            post(channel.allowPrivate),
          )
        case 'fcm':
          return sendFcm(channel, delivery)
        case 'apns':
          return sendApns(channel, delivery)
        case 'web-push':
          return sendWebPush(channel, delivery)
        case 'mqtt':
        case 'queue':
          throw new CoreError(
            'channel.rejected',
            `${deliveryId(delivery)}: expected the core to serve ${channel.type}: this is a bug here`,
          )
      }
    },
    close() {
      webhooks.close()
      mailer?.close()
      sender.close()
      apns?.close()
    },
  }
}

/** A kind that a cloud does not send. */
export function notSent(type: string, cloud: string, instead: string): () => Promise<never> {
  return async () => {
    throw new CoreError(
      'channel.rejected',
      `expected ${instead}, found ${type}: ${cloud} sends none by itself`,
    )
  }
}

/** What went wrong with one address; `undefined`: it was taken. No address and no secret stands in it. */
function faultOf(
  { to }: Pick<ChannelRequest, 'to'>,
  { status, retryAfterMs }: ChannelAnswer & { readonly retryAfterMs?: number | undefined },
  verdict: ChannelVerdict,
): CoreError | undefined {
  const details = { status, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) }
  switch (verdict) {
    case 'sent':
      return undefined
    case 'later':
      return new CoreError('channel.unavailable', `${to}: status ${status}`, { details })
    case 'gone':
      return new CoreError(
        'channel.rejected',
        `${to}: the address is gone (status ${status}): take it out of the channel`,
        { details },
      )
    case 'refused':
      return new CoreError('channel.rejected', `${to}: refused with status ${status}`, { details })
  }
}
