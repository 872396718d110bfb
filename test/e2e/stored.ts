import { DatabaseSync } from 'node:sqlite'

/** What a cloud left in its data folder. */
export interface Stored {
  /** `device/time/message id` of every row of telemetry, with its values; sorted. */
  readonly rows: readonly (readonly [key: string, metrics: unknown])[]
  /** By device: what is remembered, without what depends on when a message came in. */
  readonly devices: Readonly<Record<string, unknown>>
  /** Keys of the notification queue, sorted. */
  readonly notifications: readonly string[]
  readonly deadLetters: number
}

/** Reads the data folder of a cloud that has ended. */
export function readStored(data: string): Stored {
  const database = new DatabaseSync(`${data}/anyhub.db`, { readOnly: true })
  try {
    const all = (sql: string) => database.prepare(sql).all()
    const rows = all('SELECT device_id, rows FROM telemetry').flatMap(
      ({ device_id, rows: text }) => {
        const parsed: [at: number, id: string, metrics: unknown][] = JSON.parse(String(text))
        return parsed.map(([at, id, metrics]) => [`${device_id}/${at}/${id}`, metrics] as const)
      },
    )
    const devices = all('SELECT record FROM device').map(({ record }) => {
      const { deviceId, accepted, newestAt, last, alarms, shadows, outbox } = JSON.parse(
        String(record),
      )
      const reported = shadows['']?.reported
      return [deviceId, { accepted, newestAt, last, alarms, reported, outbox }] as const
    })
    return {
      rows: rows.toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)),
      devices: Object.fromEntries(devices),
      notifications: all('SELECT key FROM notification ORDER BY key').map(({ key }) => String(key)),
      deadLetters: Number(all('SELECT count(*) AS count FROM dead_letter')[0]?.['count']),
    }
  } finally {
    database.close()
  }
}
