/** Every bound of the listener. All of them hold for MQTT 3.1, 3.1.1 and 5 alike. */
export interface MqttLimits {
  /** Network connections at once; one more is closed unread. */
  readonly maxConnections: number
  /** Sessions at once, connected or kept; one more CONNECT is refused. */
  readonly maxSessions: number
  /** Time from the first byte's arrival to a whole CONNECT. */
  readonly connectTimeoutMs: number
  /** A whole packet, fixed header included; told to MQTT 5 clients in CONNACK. */
  readonly maxPacketBytes: number
  /** The same for CONNECT, which comes before anybody is known. */
  readonly maxConnectBytes: number
  readonly maxClientIdBytes: number
  readonly maxTopicBytes: number
  readonly maxTopicLevels: number
  readonly maxSubscriptionsPerClient: number
  /** Filters of one SUBSCRIBE that the hook is asked about; the others are refused. */
  readonly maxFiltersPerPacket: number
  /** Inbound PUBLISHes of one connection that await their hook. */
  readonly maxUnackedMessages: number
  /** Payload and topic bytes of the same. Past either the connection is read no further. */
  readonly maxUnackedBytes: number
  /** The same bytes over all connections. */
  readonly maxUnackedBytesTotal: number
  /**
   * The Receive Maximum told to MQTT 5 clients; who passes it is ended. As high as can be: the bounds above hold a
   * client back without ending it, and widespread clients (MQTT.js 5) send as much as they are given, whatever they are told.
   */
  readonly receiveMaximum: number
  /** Outbound QoS 1 and 2 messages of one client without an acknowledgement. */
  readonly maxInflight: number
  /** Bytes written for one client but not yet taken by its socket: past it QoS 0 is dropped and QoS 1 queued. */
  readonly maxOutboundBytes: number
  /** QoS 1 and 2 messages that wait in one session. */
  readonly maxQueuedMessages: number
  /** Bytes of the messages that wait or are in flight in one session. */
  readonly maxQueuedBytes: number
  /** The same bytes over all sessions. */
  readonly maxQueuedBytesTotal: number
  /** What a full queue does: lose its oldest message, or end a connected client (an offline one loses its oldest). */
  readonly queueOverflow: 'drop_oldest' | 'disconnect'
  /** Longest time a session is kept without connection; MQTT 3 sessions with clean=false get exactly this. */
  readonly maxSessionExpirySeconds: number
  /** Topic aliases that a client may use, and that we use towards a client that allows them. */
  readonly maxTopicAliases: number
  /** A client whose socket took nothing for so long is closed. */
  readonly stalledAfterMs: number
  /** How long `close` waits for hooks that are under way and for sockets to end. */
  readonly closeTimeoutMs: number
}

/** The bounds that hold unless the caller says otherwise. */
export const DEFAULT_LIMITS: MqttLimits = {
  maxConnections: 20_000,
  maxSessions: 50_000,
  connectTimeoutMs: 10_000,
  maxPacketBytes: 1_048_576,
  maxConnectBytes: 131_072,
  maxClientIdBytes: 1_024,
  maxTopicBytes: 8_192,
  maxTopicLevels: 128,
  maxSubscriptionsPerClient: 500,
  maxFiltersPerPacket: 1_000,
  maxUnackedMessages: 1_024,
  receiveMaximum: 65_535,
  maxUnackedBytes: 2_097_152,
  maxUnackedBytesTotal: 134_217_728,
  maxInflight: 256,
  maxOutboundBytes: 1_048_576,
  maxQueuedMessages: 1_000,
  maxQueuedBytes: 1_048_576,
  maxQueuedBytesTotal: 134_217_728,
  queueOverflow: 'drop_oldest',
  maxSessionExpirySeconds: 604_800,
  maxTopicAliases: 16,
  stalledAfterMs: 120_000,
  closeTimeoutMs: 5_000,
}
