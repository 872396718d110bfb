import type { Broker } from './broker.ts'
import type { Fault } from './cursor.ts'
import { isFault, type SubscribeEntry, type SubscribePacket, toQos } from './decode.ts'
import type { MqttClientInfo, MqttQos, MqttSubscribeVerdict, MqttVersion } from './hooks.ts'
import { REASON } from './reason-codes.ts'
import type { Session } from './session.ts'
import type { Subscription } from './subscription-index.ts'
import { parseFilter } from './topic.ts'

/** What the subscribing side needs of its connection. */
export interface SubscribingOwner {
  readonly version: MqttVersion
  readonly client: MqttClientInfo
  readonly session: Session
  /** True once the connection is closed. */
  readonly isClosed: boolean
  fault(fault: Fault): void
  hookFailed(hook: string, error: unknown): void
  /** Stops reading until `onJudged`. */
  onAsking(): void
  onJudged(): void
}

/** The way of SUBSCRIBE and UNSUBSCRIBE. */
export interface Subscribing {
  /** Calls `answer` with a code for each filter, unless the packet broke the protocol; then delivers retained messages. */
  subscribe(packet: SubscribePacket, answer: (codes: readonly number[]) => void): void
  unsubscribe(filters: readonly string[], answer: (codes: readonly number[]) => void): void
  /** A resumed session keeps only those subscriptions that its client may still have. `undefined`: done already. */
  askAgain(): Promise<unknown> | undefined
  /** Tells the hook of the subscriptions that a resumed session has. */
  announce(): void
}

const NOT_A_FILTER: Fault = { fault: REASON.filterInvalid, why: 'topic filter is not valid' }

export function createSubscribing(broker: Broker, owner: SubscribingOwner): Subscribing {
  const { hooks, limits } = broker
  const { version, client, session } = owner

  /** Asks the hook; one that fails refuses. Never rejects. */
  function ask(filter: string, qos: MqttQos): MqttSubscribeVerdict | Promise<MqttSubscribeVerdict> {
    const onError = (error: unknown): MqttSubscribeVerdict => {
      owner.hookFailed('subscribe', error)
      return { accept: false }
    }
    try {
      const answer = hooks.subscribe(filter, qos, client)
      return 'then' in answer ? answer.catch(onError) : answer
    } catch (error) {
      return onError(error)
    }
  }

  function toSubscription(entry: SubscribeEntry, identifier: number): Subscription | Fault {
    const { filter, qos, noLocal, retainAsPublished } = entry
    const parsed = parseFilter(filter)
    const isTooLong = Buffer.byteLength(filter) > limits.maxTopicBytes
    if (!parsed || isTooLong || parsed.levels.length > limits.maxTopicLevels) return NOT_A_FILTER
    return { filter, parsed, qos, noLocal, retainAsPublished, identifier }
  }

  function finish(
    packet: SubscribePacket,
    results: readonly (Subscription | number)[],
    answer: (codes: readonly number[]) => void,
  ): Promise<void> | undefined {
    if (owner.isClosed) return undefined
    const codes: number[] = []
    const wantRetained: Subscription[] = []
    const granted: Subscription[] = []
    for (const [index, result] of results.entries()) {
      if (typeof result === 'number') {
        // MQTT-3.9.3-2 of 3.1.1: MQTT 3 has one code for every failure.
        codes.push(version === 5 ? result : REASON.unspecified)
        continue
      }
      const isKnown = session.subscriptions.has(result.filter)
      if (!isKnown && session.subscriptions.size >= limits.maxSubscriptionsPerClient) {
        codes.push(version === 5 ? REASON.quotaExceeded : REASON.unspecified)
        continue
      }
      broker.subscribe(session, result)
      granted.push(result)
      codes.push(result.qos)
      const handling = packet.entries[index]?.retainHandling ?? 0
      // MQTT-3.3.1-9 to MQTT-3.3.1-11 of 5; a shared subscription gets none.
      const wants = handling === 0 || (handling === 1 && !isKnown)
      if (wants && result.parsed.group === undefined) wantRetained.push(result)
    }
    const conclude = (): void => {
      if (owner.isClosed) return
      answer(codes)
      for (const subscription of wantRetained) broker.deliverRetained(session, subscription)
      if (hooks.subscribed) for (const result of granted) tell(result.filter, result.qos)
    }
    // What was acknowledged survives: a session that does waits for the disk.
    const owed = session.record === undefined ? undefined : broker.owed()
    if (owed === undefined) {
      conclude()
      return undefined
    }
    return owed.catch((error) => owner.hookFailed('session store', error)).then(conclude)
  }

  function tell(filter: string, qos: MqttQos): void {
    if (owner.isClosed) return
    try {
      hooks.subscribed?.(client, filter, qos)
    } catch (error) {
      owner.hookFailed('subscribed', error)
    }
  }

  function tellGone(filter: string): void {
    try {
      hooks.unsubscribed?.(client, filter)
    } catch (error) {
      owner.hookFailed('unsubscribed', error)
    }
  }

  return {
    subscribe(packet, answer) {
      const results: (Subscription | number)[] = []
      const asked: Promise<unknown>[] = []
      for (const [index, entry] of packet.entries.entries()) {
        // Even asking has a bound: a packet of a megabyte has room for many filters.
        if (index >= limits.maxFiltersPerPacket) {
          results[index] = REASON.quotaExceeded
          continue
        }
        const wanted = toSubscription(entry, packet.identifier)
        if (isFault(wanted)) {
          // MQTT-4.7.1-1 to MQTT-4.7.1-3 of 3.1.1: breaks the protocol; MQTT 5 has an answer for it.
          if (version !== 5 && wanted === NOT_A_FILTER) {
            owner.fault(wanted)
            return
          }
          results[index] = wanted.fault
          continue
        }
        const judge = (verdict: MqttSubscribeVerdict): void => {
          results[index] = verdict.accept
            ? { ...wanted, qos: toQos(Math.min(wanted.qos, verdict.qos ?? wanted.qos)) }
            : REASON.notAuthorized
        }
        const verdict = ask(entry.filter, entry.qos)
        if ('then' in verdict) asked.push(verdict.then(judge))
        else judge(verdict)
      }
      if (asked.length === 0) {
        const finished = finish(packet, results, answer)
        if (finished === undefined) return
        owner.onAsking()
        void finished.then(() => owner.onJudged())
        return
      }
      owner.onAsking()
      void Promise.all(asked)
        .then(() => finish(packet, results, answer))
        .then(() => owner.onJudged())
    },

    unsubscribe(filters, answer) {
      const codes: number[] = []
      const gone: string[] = []
      for (const filter of filters) {
        if (parseFilter(filter)) {
          const existed = broker.unsubscribe(session, filter)
          if (existed) gone.push(filter)
          codes.push(existed ? REASON.success : REASON.noSubscription)
        } else if (version === 5) codes.push(REASON.filterInvalid)
        else {
          owner.fault(NOT_A_FILTER)
          return
        }
      }
      answer(codes)
      for (const filter of gone) tellGone(filter)
    },

    announce() {
      if (!hooks.subscribed) return
      for (const { filter, qos } of [...session.subscriptions.values()]) tell(filter, qos)
    },

    askAgain() {
      const asked: Promise<unknown>[] = []
      for (const { filter, qos } of [...session.subscriptions.values()]) {
        const judge = (verdict: MqttSubscribeVerdict): void => {
          if (!verdict.accept && !owner.isClosed) broker.unsubscribe(session, filter)
        }
        const verdict = ask(filter, qos)
        if ('then' in verdict) asked.push(verdict.then(judge))
        else judge(verdict)
      }
      return asked.length > 0 ? Promise.all(asked) : undefined
    },
  }
}
