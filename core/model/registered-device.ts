/** A device that somebody registered, and by what it proves who it is. */
export interface RegisteredDevice {
  readonly deviceId: string
  /** What it is, in words of its owner. */
  readonly type?: string
  readonly tags: Readonly<Record<string, string>>
  /** A device that is not enabled is served by nothing and nobody. */
  readonly enabled: boolean
  /** Why it is enabled or not, in words of whoever said so. */
  readonly statusReason?: string
  /** Epoch ms. */
  readonly createdAt: number
  /** Counts changes, from 1 on: a change of something old is refused. */
  readonly version: number
  readonly credentials: readonly DeviceCredential[]
  /** Gateways that may speak for it. */
  readonly gateways?: readonly string[]
  /** Present on a device that is a gateway: what it needs to speak for another. */
  readonly gatewayAuth?: GatewayAuth
}

/**
 * By what a gateway may speak for a device: that the device is bound to it, a token of the device, or both.
 * Source: Google Cloud IoT, GatewayAuthMethod.
 */
export type GatewayAuth = 'association' | 'token' | 'association_and_token'

/** Something that proves who a device is. A secret is never kept, only its digest, but for keys that sign. */
export interface DeviceCredential {
  readonly kind: 'certificate' | 'token' | 'key' | 'public_key'
  /** SHA-256 of the certificate (DER), of the token, of both keys or of the public key (DER), in hex. */
  readonly digest: string
  /** Only of kind `key`: who verifies a signature needs the key itself. Never shown, never logged. */
  readonly keys?: SymmetricKeys
  /** Only of kind `public_key`: PEM. The device alone has the private one, and signs tokens with it. */
  readonly publicKey?: string
  /** Epoch ms. */
  readonly createdAt: number
  /** Epoch ms from which it proves nothing any more; absent while nobody has ended it. */
  readonly endsAt?: number
}

/** Two keys of equal right, so that one can be changed while the other is in use. Shape: base64. */
export interface SymmetricKeys {
  readonly primary: string
  readonly secondary: string
}
