/** A system under test: processes that run until they are stopped. */
export interface System {
  readonly mqttPort: number
  readonly pids: readonly number[]
  /**
   * Ends every process. Then, unless the run failed (`undefined`), holds the system to the `sent` messages that it
   * acknowledged.
   */
  stop(sent: number | undefined): Promise<void>
}
