/** What one run of the load process does. */
export interface LoadSpec {
  readonly port: number
  readonly connections: number
  readonly devices: number
  /** Messages of one connection that may be under way at once. */
  readonly window: number
  /** Messages per second of all connections together, whatever the answers; 0: as many as the window allows. */
  readonly rate: number
  readonly warmUpMs: number
  readonly measureMs: number
  /** Telemetry, or updates of what the device's shadow reports, with the same values. */
  readonly what: 'telemetry' | 'shadow'
  /**
   * Whether each device subscribes to `alerts/{id}/telemetry`, or to the answers to its shadow updates, and a message is
   * done only when it came back there.
   */
  readonly echo: boolean
  /** Processes of the system under test: their CPU time is taken over the measured span. */
  readonly pids: readonly number[]
}

/** What the run found. */
export interface LoadResult {
  /** Messages sent in all; their numbers run from FIRST_NUMBER without a gap. */
  readonly sent: number
  readonly acked: number
  /** Messages that came back; 0 without `echo`. */
  readonly received: number
  /** Messages that came back more than once. */
  readonly repeated: number
  /** Messages that came back with a content that was not expected. */
  readonly wrong: number
  /** Messages done in the measured span. */
  readonly measured: number
  /** Length of the measured span. Unit: s. */
  readonly seconds: number
  /** CPU time of the system under test in the measured span. Unit: s. */
  readonly cpu: number
  /** True if, at a fixed rate, answers stayed away for so long that sending had to stop for a while. */
  readonly overrun: boolean
  /** Of the messages done in the span, from the moment each was due. Unit: ms. */
  readonly p50: number
  readonly p99: number
  readonly max: number
}

/** Where messages of a device go. */
export function telemetryTopic(device: number): string {
  return `devices/${deviceId(device)}/telemetry`
}

/** Where a device says what its shadow is to report. */
export function shadowTopic(device: number): string {
  return `$aws/things/${deviceId(device)}/shadow/update`
}

/** Where a rule or a flow puts what it made of them. */
export function alertTopic(device: number): string {
  return `alerts/${deviceId(device)}/telemetry`
}

/** Where the answer to an update of a shadow goes. */
export function acceptedTopic(device: number): string {
  return `${shadowTopic(device)}/accepted`
}

/** Always six characters, so that packets of one run have one length. */
export function deviceId(device: number): string {
  return `d${String(device).padStart(5, '0')}`
}

/**
 * Holds a run to its promise.
 * @throws Error that lists what is missing, repeated or wrong.
 */
export function checkLoad(name: string, { echo }: LoadSpec, result: LoadResult): void {
  const faults: string[] = []
  const { sent, acked, received, repeated, wrong, measured } = result
  if (sent === 0 || measured === 0) faults.push('nothing was sent')
  if (acked !== sent) faults.push(`${acked} of ${sent} messages were acknowledged`)
  if (received !== (echo ? sent : 0)) faults.push(`${received} of ${sent} messages came back`)
  if (repeated > 0) faults.push(`${repeated} messages came back more than once`)
  if (wrong > 0) faults.push(`${wrong} messages came back with another content`)
  if (faults.length > 0) throw new Error(`${name}: ${faults.join('; ')}`)
}
