import type { PeerCertificate } from 'node:tls'

/** The three dialects of the protocol: 3 is MQTT 3.1, 4 is 3.1.1, 5 is 5. */
export type MqttVersion = 3 | 4 | 5
export type MqttQos = 0 | 1 | 2

/** What is known of the network connection below MQTT. */
export interface MqttTransport {
  readonly secure: boolean
  readonly websocket: boolean
  readonly remoteAddress?: string | undefined
  /** The client certificate, as Node gives it or as DER bytes. */
  readonly peerCertificate?: PeerCertificate | Uint8Array | undefined
  readonly alpn?: string | undefined
}

/** User properties: one name may come several times, in order. */
export type MqttUserProperties = Readonly<Record<string, readonly string[]>>

/** The MQTT 5 properties of a message that mean something to an application. */
export interface MqttMessageProperties {
  readonly contentType?: string | undefined
  readonly responseTopic?: string | undefined
  readonly correlationData?: Uint8Array | undefined
  readonly messageExpirySeconds?: number | undefined
  /** 1: the payload is UTF-8 text. */
  readonly payloadFormatIndicator?: 0 | 1 | undefined
  readonly userProperties?: MqttUserProperties | undefined
}

/** The message that a client asks to be published when it is gone without a word. */
export interface MqttWill {
  readonly topic: string
  readonly payload: Uint8Array
  readonly qos: MqttQos
  readonly retain: boolean
  readonly delaySeconds: number
  readonly properties?: MqttMessageProperties | undefined
}

/** One CONNECT, before anything is decided. An MQTT client without an id has been given one already. */
export interface MqttConnectRequest {
  readonly clientId: string
  readonly username?: string | undefined
  readonly password?: Uint8Array | undefined
  readonly protocolVersion: MqttVersion
  readonly clean: boolean
  readonly keepAliveSeconds: number
  readonly will?: MqttWill | undefined
  readonly transport: MqttTransport
  readonly userProperties?: MqttUserProperties | undefined
}

export type MqttConnectDecision =
  | {
      readonly accept: true
      readonly principal: string
      /** The name the session goes by, where it is not the id that the client sent. */
      readonly clientId?: string | undefined
      /** Kept with the client and handed to every later hook. */
      readonly data?: unknown
    }
  | {
      readonly accept: false
      readonly reason: 'bad_credentials' | 'not_authorized' | 'identifier_rejected' | 'unavailable'
    }

/** A client that was accepted. The same object goes to every hook of one connection. */
export interface MqttClientInfo {
  readonly clientId: string
  readonly principal: string
  readonly protocolVersion: MqttVersion
  readonly clean: boolean
  readonly keepAliveSeconds: number
  readonly username: string | undefined
  readonly transport: MqttTransport
  /** Epoch ms. */
  readonly connectedAt: number
  readonly data: unknown
}

/**
 * One PUBLISH or will. `payload` is a view of the bytes that were read: it stays valid, but keeps the whole
 * read buffer (up to 64 KB) alive, so what is kept for long should be copied.
 */
export interface MqttPublish {
  readonly topic: string
  readonly payload: Uint8Array
  readonly qos: MqttQos
  readonly retain: boolean
  readonly dup: boolean
  readonly packetId?: number | undefined
  readonly properties?: MqttMessageProperties | undefined
}

export type MqttPublishVerdict =
  /** `route: false` keeps the message from subscribers and from the retained store. */
  | { readonly accept: true; readonly route: boolean }
  | {
      readonly accept: false
      readonly reason: 'not_authorized' | 'quota_exceeded' | 'payload_invalid' | 'unspecified'
      /** MQTT 3 knows no refusal: without this its clients get a plain PUBACK. */
      readonly disconnect?: boolean | undefined
    }

export type MqttSubscribeVerdict =
  | { readonly accept: true; readonly qos?: MqttQos | undefined }
  | { readonly accept: false }

/** Why a connection ended: `client` by DISCONNECT, `server` by `disconnect` or `close`, `error` by a socket or hook that failed. */
export type MqttDisconnectCause =
  | 'client'
  | 'keepalive'
  | 'takeover'
  | 'protocol'
  | 'error'
  | 'server'

/** Why the server ends a connection; MQTT 5 clients are told. */
export type MqttServerReason =
  | 'administrative'
  | 'not_authorized'
  | 'quota_exceeded'
  | 'busy'
  | 'unspecified'

/** A fact for the log: ids, names and lengths, never payloads or secrets. */
export interface MqttLogEvent {
  readonly event:
    | 'connection.refused'
    | 'packet.malformed'
    | 'hook.failed'
    | 'message.dropped'
    | 'retained.refused'
  readonly clientId?: string | undefined
  readonly remoteAddress?: string | undefined
  readonly reason: string
}

/** What the listener asks of its owner. */
export interface MqttHooks {
  connect(request: MqttConnectRequest): MqttConnectDecision | Promise<MqttConnectDecision>
  /**
   * Takes one message; per connection in the order of arrival. PUBACK or PUBREC goes out after this
   * resolved. A rejection means "not stored": the connection is closed without an acknowledgement, so
   * that the device sends again.
   */
  publish(
    message: MqttPublish,
    client: MqttClientInfo,
  ): MqttPublishVerdict | Promise<MqttPublishVerdict>
  /** Decides on one filter, as the client wrote it (`$share/group/…` included); asked again when a session resumes. */
  subscribe(
    filter: string,
    qos: MqttQos,
    client: MqttClientInfo,
  ): MqttSubscribeVerdict | Promise<MqttSubscribeVerdict>
  /** A filter was granted with this QoS and the client was told; also for each one that a resumed session still has, after `connected`. */
  subscribed?(client: MqttClientInfo, filter: string, qos: MqttQos): void
  /** The client gave up a filter that it had, and was told. */
  unsubscribed?(client: MqttClientInfo, filter: string): void
  connected(client: MqttClientInfo): void
  disconnected(client: MqttClientInfo, reason: MqttDisconnectCause): void
  log?(event: MqttLogEvent): void
}
