/** A device that somebody registered, and by what it proves who it is. */
export interface RegisteredDevice {
  readonly deviceId: string
  /** What it is, in words of its owner. */
  readonly type?: string
  readonly tags: Readonly<Record<string, string>>
  /** A device that is not enabled is served by nothing and nobody. */
  readonly enabled: boolean
  /** Epoch ms. */
  readonly createdAt: number
  /** Counts changes, from 1 on: a change of something old is refused. */
  readonly version: number
  readonly credentials: readonly DeviceCredential[]
}

/** Something that proves who a device is. A secret is never kept, only its digest. */
export interface DeviceCredential {
  readonly kind: 'certificate' | 'token'
  /** SHA-256 of the certificate (DER) or of the token, in hex. */
  readonly digest: string
  /** Epoch ms. */
  readonly createdAt: number
  /** Epoch ms from which it proves nothing any more; absent while nobody has ended it. */
  readonly endsAt?: number
}
