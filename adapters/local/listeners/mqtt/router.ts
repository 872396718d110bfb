import type { InboundMessage } from './broker.ts'
import type { MqttHooks, MqttMessageProperties } from './hooks.ts'
import type { MqttLimits } from './limits.ts'
import { createOutboundMessage, type OutboundMessage, releaseFrames } from './outbound-message.ts'
import { encodeMessageProperties } from './properties.ts'
import type { RetainedStore } from './retained-store.ts'
import type { Handed, Session } from './session.ts'
import type { Stats } from './stats.ts'
import {
  type Grant,
  type KnownTopic,
  merge,
  type ShareGroup,
  type Subscription,
  type SubscriptionIndex,
} from './subscription-index.ts'
import { filterMatches, topicNameLevels } from './topic.ts'

/** A message from the server's side. */
export interface MqttOutgoing {
  readonly topic: string
  readonly payload: Uint8Array | string
  readonly qos?: 0 | 1 | undefined
  readonly retain?: boolean | undefined
  readonly properties?: MqttMessageProperties | undefined
}

/** What the router is made of. */
export interface RouterParts {
  readonly hooks: MqttHooks
  readonly limits: MqttLimits
  readonly stats: Stats
  readonly clock: () => number
  readonly index: SubscriptionIndex<Session>
  readonly retained: RetainedStore
  /** Resolves once what was promised since the last call is durable; `undefined` if nothing was. */
  readonly owed: () => Promise<void> | undefined
}

/** The way of a message to its subscribers and into the retained store. */
export interface Router {
  /** A message of a client that the hook accepted. Gives what `owed` gives. */
  route(inbound: InboundMessage, publisher: Session): Promise<void> | undefined
  /** A message from the server's side. Gives what `owed` gives. */
  publish(message: MqttOutgoing): Promise<void> | undefined
  /** The same for one session, if it has a subscription that matches. */
  publishTo(session: Session, message: MqttOutgoing): boolean
  /** Hands a message to the connection of one session alone, or to nobody. */
  hand(session: Session, message: MqttOutgoing): Promise<Handed>
  /** What is retained for the topics of a new subscription. */
  deliverRetained(session: Session, subscription: Subscription): void
}

const NO_PROPERTIES = new Uint8Array(0)

export function createRouter(parts: RouterParts): Router {
  const { hooks, limits, stats, clock, index, retained, owed } = parts

  function toExpiresAt(properties: MqttMessageProperties | undefined): number {
    const seconds = properties?.messageExpirySeconds
    return seconds === undefined ? Infinity : clock() + seconds * 1_000
  }

  function route(inbound: InboundMessage, publisher: Session): Promise<void> | undefined {
    const { message, topic, forward } = inbound
    const { deliveries, groups } = index.matches(topic)
    if (!message.retain && deliveries.length === 0 && groups.length === 0) return owed()
    const outbound = createOutboundMessage({
      topic: topic.topic,
      topicBytes: topic.bytes,
      payload: message.payload,
      qos: message.qos,
      retain: message.retain,
      properties: forward ?? NO_PROPERTIES,
      expiresAt: toExpiresAt(message.properties),
    })
    spread(outbound, topic, publisher)
    return owed()
  }

  function spread(
    message: OutboundMessage,
    topic: KnownTopic<Session>,
    publisher: Session | undefined,
  ): void {
    if (message.retain) retain(message)
    const { deliveries, groups } = index.matches(topic)
    for (const { subscriber, grant, echo } of deliveries) {
      const granted = subscriber === publisher ? echo : grant
      if (granted) {
        subscriber.deliver(message, granted, granted.retainAsPublished && message.retain)
      }
    }
    for (const group of groups) {
      const chosen = nextMember(group)
      const grant = chosen && merge([chosen[1]])
      if (grant) chosen[0].deliver(message, grant, grant.retainAsPublished && message.retain)
    }
    releaseFrames(message)
  }

  function retain(message: OutboundMessage): void {
    // MQTT-3.3.1-6: an empty payload takes the retained message away.
    const isRemoval = message.payload.length === 0
    const kept = retained.set(
      message.topic,
      isRemoval
        ? undefined
        : {
            topic: message.topic,
            payload: new Uint8Array(message.payload),
            qos: message.qos,
            properties: message.properties,
            expiresAt: message.expiresAt,
          },
    )
    if (kept) return
    stats.retainedRefused += 1
    hooks.log?.({ event: 'retained.refused', reason: 'no room for retained messages' })
  }

  function deliverRetained(session: Session, subscription: Subscription): void {
    const grant = merge([subscription])
    if (!grant) return
    for (const found of retained.match(subscription.parsed.levels)) {
      if (found.expiresAt <= clock()) {
        retained.set(found.topic, undefined)
        continue
      }
      const message = createOutboundMessage({
        topic: found.topic,
        topicBytes: Buffer.from(found.topic),
        payload: found.payload,
        qos: found.qos,
        retain: true,
        properties: found.properties,
        expiresAt: found.expiresAt,
      })
      message.held = true
      // MQTT-3.3.1-8 of 3.1.1: what a new subscription brings has RETAIN set.
      session.deliver(message, grant, true)
      releaseFrames(message)
    }
  }

  function toOutbound(message: MqttOutgoing): OutboundMessage | undefined {
    const levels = topicNameLevels(message.topic)
    const topicBytes = Buffer.from(message.topic)
    const isTooLong = topicBytes.length > limits.maxTopicBytes || levels > limits.maxTopicLevels
    if (levels === 0 || isTooLong || message.topic.includes('\u0000')) {
      hooks.log?.({ event: 'message.dropped', reason: 'topic of a server message is not valid' })
      return undefined
    }
    const { properties } = message
    return createOutboundMessage({
      topic: message.topic,
      topicBytes,
      payload: typeof message.payload === 'string' ? Buffer.from(message.payload) : message.payload,
      qos: message.qos ?? 0,
      retain: message.retain ?? false,
      properties: properties ? encodeMessageProperties(properties) : NO_PROPERTIES,
      expiresAt: toExpiresAt(properties),
    })
  }

  return {
    route,
    publish(message) {
      const outbound = toOutbound(message)
      if (outbound) spread(outbound, index.topic(message.topic), undefined)
      return owed()
    },
    publishTo(session, message) {
      const outbound = toOutbound(message)
      if (!outbound) return false
      const grant = grantOf(session, message.topic)
      const isDelivered = grant !== undefined && session.deliver(outbound, grant, false)
      releaseFrames(outbound)
      return isDelivered
    },
    hand(session, message) {
      if (session.link === undefined) return Promise.resolve('offline')
      const outbound = toOutbound(message)
      const grant = outbound && grantOf(session, message.topic)
      if (outbound === undefined || grant === undefined) return Promise.resolve('not_subscribed')
      const handed = session.hand(outbound, grant)
      releaseFrames(outbound)
      return handed
    },
    deliverRetained,
  }
}

/** What the session's own subscriptions say of a topic; shared ones do not count. */
function grantOf(session: Session, topic: string): Grant | undefined {
  const levels = topic.split('/')
  return merge(
    [...session.subscriptions.values()].filter(
      ({ parsed }) => parsed.group === undefined && filterMatches(parsed.levels, levels),
    ),
  )
}

/** The member whose turn it is: the next one that is connected, else the next at all. */
function nextMember(group: ShareGroup<Session>): [Session, Subscription] | undefined {
  const members = [...group.members]
  for (let step = 1; step <= members.length; step += 1) {
    const at = (group.turn + step) % members.length
    const member = members[at]
    if (member?.[0].link && !member[0].link.congested) {
      group.turn = at
      return member
    }
  }
  group.turn = members.length === 0 ? 0 : (group.turn + 1) % members.length
  return members[group.turn]
}
