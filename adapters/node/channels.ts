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
  type Sending,
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
import { createRecipients, UNHEARD } from './recipients.ts'
import { createWebhookSender } from './webhook.ts'

type Of<Type extends ChannelConfig['type']> = Extract<ChannelConfig, { type: Type }>

/** What a cloud sends by services of its own. What it has not it refuses, with a sentence that says what to do. */
export interface NativeChannels {
  /** Used where the config names no mail server. */
  email(channel: Of<'email'>, delivery: Delivery, sending: Sending): Promise<void>
  /** Used where the config names no telephony API. */
  sms(channel: Of<'sms'>, delivery: Delivery, sending: Sending): Promise<void>
  voice(channel: Of<'voice'>, delivery: Delivery, sending: Sending): Promise<void>
  push(channel: Of<'push'>, delivery: Delivery, sending: Sending): Promise<void>
}

export interface ChannelsOptions {
  readonly config: Config
  readonly clock: Clock
  readonly native: NativeChannels
  /** How names become addresses; the system's way unless given. */
  readonly resolve?: Resolve
}

/** A delivery on its way, and who hears of it. */
interface Outgoing {
  readonly delivery: Delivery
  readonly sending: Sending
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
  const googleTokens = createGoogleTokens(sender)
  const toEach = createRecipients()
  const { telephony, smtp } = config
  const mailer = smtp === undefined ? undefined : createMailer(smtp)
  let apns: ApnsSender | undefined

  /** Sends one request for each address; who has it is not sent it again when the rest is tried once more. */
  function sendEach(
    { delivery, sending }: Outgoing,
    requests: readonly ChannelRequest[],
    judge: (answer: ChannelAnswer) => ChannelVerdict,
    ask: (
      request: ChannelRequest,
    ) => Promise<ChannelAnswer & { retryAfterMs?: number | undefined }>,
  ): Promise<void> {
    const byAddress = new Map(requests.map((request) => [request.address, request]))
    const sendOne = async (address: string): Promise<void> => {
      const request = byAddress.get(address)
      if (request === undefined) return
      const answer = await ask(request)
      const fault = faultOf(request, answer, judge(answer))
      if (fault === undefined) return
      if (fault.code === 'channel.gone')
        sending.gone(address, request.to, `status ${answer.status}`)
      throw fault
    }
    return toEach(delivery, [...byAddress.keys()], sendOne, sending)
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

  async function sendFcm(channel: FcmChannel, outgoing: Outgoing): Promise<void> {
    const key = readServiceAccount(channel.serviceAccount)
    const { allowPrivate } = channel
    const token = await googleTokens.get(key, { allowPrivate, now: clock.now() })
    const requests = renderFcm(channel, key.project, outgoing.delivery)
    const ask = post(allowPrivate, `Bearer ${token}`)
    await sendEach(outgoing, requests, judgeFcm, async (request) => {
      const answer = await ask(request)
      if (answer.status === 401) googleTokens.forget(token)
      return answer
    })
  }

  async function sendApns(channel: ApnsChannel, outgoing: Outgoing): Promise<void> {
    apns ??= createApnsSender(resolve)
    const { ask } = apns
    const { delivery } = outgoing
    await sendEach(outgoing, renderApns(channel, delivery), judgeApns, (request) =>
      ask(channel, request, `${delivery.key}>${request.address}`, clock.now()),
    )
  }

  /** What browsers get is encrypted for each. Loaded when first needed. */
  async function sendWebPush(
    channel: WebPushChannel,
    { delivery, sending }: Outgoing,
  ): Promise<void> {
    const { default: library } = await import('web-push')
    const payload = renderWebPush(delivery)
    const { subject, publicKey, privateKey, ttl: TTL, allowPrivate } = channel
    const urgency = delivery.notification.severity === 'critical' ? 'high' : 'normal'
    const byEndpoint = new Map(channel.subscriptions.map((one) => [one.endpoint, one]))
    const sendOne = async (endpoint: string): Promise<void> => {
      const subscription = byEndpoint.get(endpoint)
      if (subscription === undefined) return
      const { headers, body } = encrypted(() =>
        library.generateRequestDetails(subscription, payload, {
          TTL,
          urgency,
          vapidDetails: { subject, publicKey, privateKey },
        }),
      )
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
      const to = new URL(endpoint).host
      const fault = faultOf({ to }, answer, judgeWebPush(answer))
      if (fault === undefined) return
      if (fault.code === 'channel.gone') sending.gone(endpoint, to, `status ${answer.status}`)
      throw fault
    }
    await toEach(delivery, [...byEndpoint.keys()], sendOne, sending)
  }

  return {
    async send(delivery, sending = UNHEARD) {
      const outgoing = { delivery, sending }
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
          return webhooks.send(channel, delivery, sending)
        case 'email':
          return (mailer?.send ?? native.email)(channel, delivery, sending)
        case 'sms':
          return telephony === undefined
            ? native.sms(channel, delivery, sending)
            : sendEach(
                outgoing,
                renderSms(telephony, channel.to, delivery),
                judgeTelephony,
                post(telephony.allowPrivate),
              )
        case 'voice':
          return telephony === undefined
            ? native.voice(channel, delivery, sending)
            : sendEach(
                outgoing,
                renderCall(telephony, channel.to, delivery),
                judgeTelephony,
                post(telephony.allowPrivate),
              )
        case 'push':
          return native.push(channel, delivery, sending)
        case 'slack':
          return sendEach(
            outgoing,
            slack.render(channel, delivery),
            slack.judge,
            post(channel.allowPrivate),
          )
        case 'teams':
          return sendEach(
            outgoing,
            teams.render(channel, delivery),
            teams.judge,
            post(channel.allowPrivate),
          )
        case 'telegram':
          return sendEach(
            outgoing,
            telegram.render(channel, delivery),
            telegram.judge,
            post(channel.allowPrivate),
          )
        case 'fcm':
          return sendFcm(channel, outgoing)
        case 'apns':
          return sendApns(channel, outgoing)
        case 'web-push':
          return sendWebPush(channel, outgoing)
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

/** Keys that are none never become any. What is wrong with them is the cause: it may quote them. */
function encrypted<Request>(encrypt: () => Request): Request {
  try {
    return encrypt()
  } catch (cause) {
    throw new CoreError(
      'channel.rejected',
      'expected VAPID keys and keys of a subscription as a browser gives them, in base64url',
      { cause },
    )
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
        'channel.gone',
        `${to}: the address is gone (status ${status}): nothing is sent to it any more`,
        { details },
      )
    case 'refused':
      return new CoreError('channel.rejected', `${to}: refused with status ${status}`, { details })
  }
}
