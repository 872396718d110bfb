export { toQos } from './decode.ts'
export type {
  MqttClientInfo,
  MqttConnectDecision,
  MqttConnectRequest,
  MqttDisconnectCause,
  MqttHooks,
  MqttLogEvent,
  MqttMessageProperties,
  MqttPublish,
  MqttPublishVerdict,
  MqttQos,
  MqttServerReason,
  MqttSubscribeVerdict,
  MqttTransport,
  MqttUserProperties,
  MqttVersion,
  MqttWill,
} from './hooks.ts'
export { DEFAULT_LIMITS, type MqttLimits } from './limits.ts'
export {
  createMqttListener,
  type MqttListener,
  type MqttListenerOptions,
  type MqttStats,
} from './listener.ts'
export {
  createMemoryRetainedStore,
  type RetainedBounds,
  type RetainedMessage,
  type RetainedStore,
} from './retained-store.ts'
export type { MqttOutgoing } from './router.ts'
export type { Handed } from './session.ts'
export {
  createMemorySessionStore,
  type SessionChange,
  type SessionStore,
  type StoredDelivery,
  type StoredSession,
  type StoredSubscription,
} from './session-store.ts'
