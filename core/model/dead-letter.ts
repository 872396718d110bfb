/** An uplink set aside with its bytes, the reason and where it came from. */
export interface DeadLetter {
  readonly id: string
  /** Epoch ms. */
  readonly at: number
  readonly deviceId?: string
  readonly topic: string
  readonly source: string
  readonly contentType: string
  readonly payload: Uint8Array
  /** Length of the payload as it was sent; larger than `payload` where only its start was kept. */
  readonly payloadBytes: number
  readonly receivedAt: number
  readonly sentAt?: number
  readonly messageId?: string
  /** The message was for this rule alone. */
  readonly ruleId?: string
  /** The error's code, for programs. */
  readonly code: string
  /** The error's sentence, for people. */
  readonly reason: string
}
