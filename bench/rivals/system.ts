/** A system under test: processes that run until they are stopped. */
export interface System {
  readonly mqttPort: number
  readonly pids: readonly number[]
  /** Ends every process. Then holds the system to what was acknowledged, `sent` messages in all. */
  stop(sent: number): Promise<void>
}
