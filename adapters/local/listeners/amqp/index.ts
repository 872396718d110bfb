// The face of the AMQP listener.

export type {
  AmqpConnection,
  AmqpDelivery,
  AmqpHooks,
  AmqpInbound,
  AmqpListener,
  AmqpLogEvent,
  AmqpOutbound,
  AmqpSettlement,
  AmqpTransport,
} from './hooks.ts'
export { AMQP_LIMITS, type AmqpLimits } from './limits.ts'
export { type AmqpListenerOptions, createAmqpListener } from './listener.ts'
export {
  type AmqpMessage,
  type AmqpOutgoing,
  encodeMessage,
  isObject,
  numberOf,
  textOf,
  withDeliveryAnnotations,
} from './message.ts'
