import type { Core, Outcome, Uplink } from '../../../core/index.ts'
import type { CommandDesk } from '../command-desk.ts'
import type { Identities } from '../identity.ts'
import type {
  MqttClientInfo,
  MqttConnectRequest,
  MqttDisconnectCause,
  MqttHooks,
  MqttListener,
  MqttPublish,
  MqttPublishVerdict,
  MqttQos,
  MqttSubscribeVerdict,
} from '../listeners/mqtt/index.ts'
import type { MethodDesk } from '../method-desk.ts'
import type { TwinDesk } from '../twin-desk.ts'

/**
 * A dialect that is spoken by clients and not by topics: its clients are known at CONNECT, and what they then say means
 * something only for them (`$iothub/twin/GET/…` names no device).
 */
export interface ClientDialect {
  readonly name: string
  /**
   * Decides on a client whose CONNECT is in the words of this dialect; `undefined` if it is in those of another. Whoever
   * is accepted has proved to be the device, or is on this machine where nobody has to.
   */
  connect(request: MqttConnectRequest): ClientDecision | Promise<ClientDecision> | undefined
}

export type ClientDecision =
  | {
      readonly accept: true
      /** Names the session too, so that nobody takes the session of another. */
      readonly deviceId: string
      readonly principal: string
      readonly link: ClientLink
    }
  | {
      readonly accept: false
      readonly reason: 'bad_credentials' | 'not_authorized' | 'identifier_rejected' | 'unavailable'
      /** For the log and for people. */
      readonly why: string
    }

/** One connection of such a client: its hooks, in place of those of topics. */
export interface ClientLink {
  /** Also takes the will, after `disconnected`. */
  publish(
    message: MqttPublish,
    client: MqttClientInfo,
  ): MqttPublishVerdict | Promise<MqttPublishVerdict>
  subscribe(
    filter: string,
    qos: MqttQos,
    client: MqttClientInfo,
  ): MqttSubscribeVerdict | Promise<MqttSubscribeVerdict>
  /** A filter was granted and the client was told; also each one that a resumed session has, after `connected`. */
  subscribed(filter: string, qos: MqttQos, client: MqttClientInfo): void
  unsubscribed(filter: string, client: MqttClientInfo): void
  connected(client: MqttClientInfo): void
  disconnected(client: MqttClientInfo, cause: MqttDisconnectCause): void
}

/** What client dialects work with. */
export interface ClientServices {
  readonly core: Core
  readonly identities: Identities
  /** Nobody is let in who does not prove who he is. */
  readonly requireAuth: boolean
  /** Hands one uplink to the core. */
  readonly add: (uplink: Uplink) => Promise<Outcome>
  /** The listener, once it is there: to answer one client, and to end its connection. */
  readonly listener: () => Pick<MqttListener, 'deliver' | 'publishTo' | 'disconnect'>
  readonly twins: TwinDesk
  readonly commands: CommandDesk
  readonly methods: MethodDesk
  readonly log: MqttHooks['log']
}

/**
 * Calls back at a time, however far away; gives the function that prevents it. Keeps no process alive.
 * Unit: epoch ms.
 */
export function callAt(at: number, now: () => number, callback: () => void): () => void {
  let timer: NodeJS.Timeout
  const wait = (): void => {
    const left = at - now()
    // Source: Node.js timers, a longer delay than this counts as 1 ms.
    timer = setTimeout(left <= 0 ? callback : wait, Math.min(Math.max(left, 0), MAX_TIMER_MS))
    timer.unref()
  }
  wait()
  return () => clearTimeout(timer)
}

const MAX_TIMER_MS = 2_147_483_647
