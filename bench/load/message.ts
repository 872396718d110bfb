/** The message that every bench sends: a container's report of 150 bytes. */
export interface Message {
  /** Epoch ms; strictly increasing for each device. */
  readonly ts: number
  /** Number of the message in the run, from FIRST_NUMBER: always nine digits. */
  readonly n: number
  readonly temp: number
  readonly ambient: number
  readonly setpoint: number
  readonly door: string
  readonly battery: number
  readonly compressor: string
  readonly site: string
}

export const FIRST_NUMBER = 100_000_000

/** The message of a number. Temperature stays between -19.99 and -18.00 °C: nothing in the built-in config acts on it. */
export function messageOf(n: number, ts: number): Message {
  return {
    ts,
    n,
    temp: temperatureOf(n),
    ambient: 21.37,
    setpoint: -18,
    door: 'closed',
    battery: 87.2,
    compressor: 'on',
    site: 'hall-7-north',
  }
}

/** Two digits before and after the point, so that every message has the same length. */
export function temperatureOf(n: number): number {
  return -(1_800 + (n % 200)) / 100
}

/** The text of a message; its length never varies, as temperatures keep their zeros. */
export function textOf(message: Message): string {
  const text = JSON.stringify(message)
  return text.replace(`"temp":${message.temp},`, `"temp":${message.temp.toFixed(2)},`)
}
