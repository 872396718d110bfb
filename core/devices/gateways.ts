import type { GatewayAuth, RegisteredDevice } from '../model/registered-device.ts'

/** What a gateway may be asked to need. */
export const GATEWAY_AUTHS = [
  'association',
  'token',
  'association_and_token',
] as const satisfies readonly GatewayAuth[]

/** Gateways that may speak for one device. */
export const MAX_GATEWAYS = 50

/** Whether a device has to be bound to a gateway of this kind. */
export function needsBinding(auth: GatewayAuth): boolean {
  return auth !== 'token'
}

/** Whether a gateway of this kind has to show a token of the device. */
export function needsToken(auth: GatewayAuth): boolean {
  return auth !== 'association'
}

/** Whether a device is bound to a gateway. */
export function isBound(device: RegisteredDevice, gatewayId: string): boolean {
  return device.gateways?.includes(gatewayId) ?? false
}

/** The device, bound to one gateway more. */
export function bindTo(device: RegisteredDevice, gatewayId: string): RegisteredDevice {
  if (isBound(device, gatewayId)) return device
  return { ...device, gateways: [...(device.gateways ?? []), gatewayId] }
}

/** The device without one of its gateways. */
export function unbindFrom(device: RegisteredDevice, gatewayId: string): RegisteredDevice {
  const { gateways = [], ...rest } = device
  const kept = gateways.filter((one) => one !== gatewayId)
  return kept.length === 0 ? rest : { ...rest, gateways: kept }
}
