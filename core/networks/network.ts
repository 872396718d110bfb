import type * as z from 'zod'
import type { CoreError } from '../errors.ts'
import type { Json, JsonObject } from '../model/json.ts'

/** A message as a network hands it over: published on a topic, or posted. */
export interface NetworkMessage {
  /** The topic it was published on; '' for a request. */
  readonly topic: string
  readonly body: Uint8Array
  /** Epoch ms, UTC. */
  readonly receivedAt: number
  /** `undefined` for what was published. */
  readonly request?: NetworkRequest
}

/** What a request says besides its body. */
export interface NetworkRequest {
  readonly query: Readonly<Record<string, string>>
  /** By names in lower case. */
  readonly headers: Readonly<Record<string, string>>
}

/** One message of a device, found in what the network handed over. */
export interface NetworkUplink {
  readonly kind: 'uplink'
  /** A safe one: see `safeDeviceId`. */
  readonly deviceId: string
  /** Levels behind `devices/{id}/telemetry`, for what is no plain measurement: `join`, `relay/0`. */
  readonly path?: string
  /** What the codec reads; no bytes where the network has decoded and keeps them to itself. */
  readonly payload: Uint8Array
  readonly contentType?: string
  /** LoRaWAN's port of the application. */
  readonly fPort?: number
  /** For scripts. */
  readonly variables?: Readonly<Record<string, string>>
  /** What the network, or a formatter that runs there, has already made of the payload. */
  readonly decoded?: Json
  /** False: there is nothing measured in it, it is for rules only. */
  readonly measures?: boolean
  /** Event time, epoch ms. */
  readonly sentAt?: number
  /** When the network took it, epoch ms, where it says so and that is no event time: it counts as the time of receipt. */
  readonly takenAt?: number
  /** The same when the network sends again. */
  readonly messageId?: string
  /** What the network knows of the message (rssi, snr, …): rules find it under `_network`. */
  readonly facts?: JsonObject
  /** How the network is told which device is meant; kept for the way back. */
  readonly address?: JsonObject
}

/** The network says that a device came or went. */
export interface NetworkPresence {
  readonly kind: 'presence'
  readonly deviceId: string
  readonly connected: boolean
  /** Epoch ms. */
  readonly at: number
}

/** A part that cannot be read: it is set aside with its bytes, and the other parts go on. */
export interface NetworkFault {
  readonly kind: 'fault'
  readonly error: CoreError
  readonly deviceId?: string
}

/** Something that is meant for others, and well formed. */
export interface NetworkIgnored {
  readonly kind: 'ignored'
  /** A few words for people. */
  readonly what: string
  /** Whose business it is: who may not speak for it must not send it. Without it everybody may. */
  readonly deviceId?: string
}

/** The network, or a device in it, is asked for something at once, on a topic: a rebirth. */
export interface NetworkPublish {
  readonly kind: 'publish'
  readonly topic: string
  readonly payload: Uint8Array
  /** Whom it asks: whoever may speak for it may bring this about. Without it only who may speak for all. */
  readonly deviceId?: string
  /** 1 unless given. */
  readonly qos?: 0 | 1
}

export type NetworkPart =
  | NetworkUplink
  | NetworkPresence
  | NetworkFault
  | NetworkIgnored
  | NetworkPublish

/** What a network keeps in mind between its messages: aliases of a birth, discovered entities. */
export interface NetworkMemo {
  readonly key: string
  /** `undefined` forgets it. */
  readonly value: Json | undefined
  /** False: it may be forgotten with the process, at once where it is one of several, and costs no write. */
  readonly lasting: boolean
}

/** What is in one message. */
export interface NetworkReading {
  /** In the order of the message. */
  readonly parts: readonly NetworkPart[]
  readonly remember?: readonly NetworkMemo[]
  /** What the network wants to hear in answer to its request: the code of a handshake. */
  readonly reply?: Json
}

/** The message cannot be read before these keys were looked up. */
export interface NetworkNeed {
  readonly needs: readonly string[]
}

/** What is remembered, as far as it was looked up: `has` is true for a key that was, also where nothing stands under it. */
export type NetworkMemory = Pick<ReadonlyMap<string, Json | undefined>, 'get' | 'has'>

/** A command on its way to a device behind a network. */
export interface NetworkDownlink {
  readonly deviceId: string
  /** What its uplinks said. */
  readonly address: JsonObject
  /** The name of the command. */
  readonly name: string
  readonly commandId: string
  /** Epoch ms, UTC. */
  readonly at: number
  readonly payload: Uint8Array
  /** The content, where it is JSON and no codec has made bytes of it. */
  readonly value?: Json
  readonly fPort?: number
  /** The properties of the command, for what only one network knows (`confirmed`). */
  readonly properties: Readonly<Record<string, string>>
}

/** What is to be done so that a network takes a downlink. */
export type NetworkCall =
  | {
      readonly kind: 'publish'
      readonly topic: string
      readonly payload: Uint8Array
      /** 1 unless given. */
      readonly qos?: 0 | 1
    }
  | {
      readonly kind: 'request'
      readonly method: 'POST' | 'PUT'
      readonly url: string
      readonly headers: Readonly<Record<string, string>>
      readonly body: Uint8Array
      /** True: a message named the URL without the config having said that it may. It is never a private one. */
      readonly told?: boolean
    }

/** One network of the config. Pure: what it has to remember comes and goes as values. */
export interface Network {
  /** MQTT filters of the topics that are its own; none if it only posts. */
  readonly filters: readonly string[]
  /** True if it answers with needs or memos: its messages are then read one after the other. */
  readonly remembers: boolean
  /**
   * Reads one message.
   * @throws CoreError `network.malformed` if none of it can be read: all of it is set aside.
   */
  read(message: NetworkMessage, memory: NetworkMemory): NetworkReading | NetworkNeed
  /**
   * The way back; `undefined` where there is none.
   * @throws CoreError `network.no_downlink` for what cannot go back.
   */
  readonly downlink: ((downlink: NetworkDownlink) => NetworkCall) | undefined
  /** True: it writes the bytes of commands itself, whatever codec its devices have. */
  readonly encodes?: boolean
  /** Who may listen to a filter besides those who may listen to everything; absent where nobody is meant to. */
  readonly listenerOf?: (filter: string) => NetworkListener | undefined
  /** What this side says of itself when it comes and before it goes, for whoever subscribes later too. */
  readonly announce?: (online: boolean, at: number) => NetworkAnnouncement | undefined
}

/** A device, or every device that proved who it is. */
export type NetworkListener =
  | { readonly kind: 'device'; readonly deviceId: string }
  | { readonly kind: 'every' }

/** A message that is kept for those who come later. */
export interface NetworkAnnouncement {
  readonly topic: string
  readonly payload: string
}

/** A kind of network, as `networks.{name}.type` names it. */
export interface NetworkKind {
  /** What stands as `type`; also the name of its file. */
  readonly name: string
  /** For the reference: one sentence. */
  readonly summary: string
  /**
   * What may stand beside the options that every network has; `type` is one of its keys. Checked when the config is read:
   * a function does without zod, so that `open` reads with `option` of options.ts.
   */
  readonly options: z.ZodObject
  /** The network for options that the schema has checked. @throws CoreError `config.invalid` */
  open(options: object): Network
}

/** Nothing looked up. */
export const NO_MEMORY: NetworkMemory = new Map()
