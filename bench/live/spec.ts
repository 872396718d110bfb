/** What the process beside the cloud does. */
export interface LiveSpec {
  readonly httpPort: number
  readonly mqttPort: number
  readonly listeners: number
  readonly devices: number
  readonly perSecond: number
}

/** What it says in the end. */
export interface LiveHeard {
  readonly sent: number
  /** By listener: how many devices it was told of. */
  readonly told: readonly number[]
}
