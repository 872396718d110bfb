import {
  type ColdStore,
  type Commit,
  type DeviceRecord,
  type DeviceStore,
  newDeviceRecord,
  type TelemetryRow,
  type TelemetryStore,
} from '../../core/index.ts'

/** What a suite needs of whatever it looks at. */
export interface Backend {
  /** Takes the backend away for good: the disk is gone, the network is cut. */
  takeAway(): Promise<void>
  close(): Promise<void>
}

/** The stores of one cloud, fresh and empty. Rows come in by commits only, so the three are looked at together. */
export interface StoreSubject extends Backend {
  readonly devices: DeviceStore
  readonly telemetry: TelemetryStore
  readonly cold: ColdStore
}

/** Three o'clock of one afternoon, epoch ms. */
export const THREE = Date.UTC(2026, 0, 31, 15)

/** A record as a commit would bring it. */
export function record(
  deviceId: string,
  version: number,
  changes: Partial<DeviceRecord> = {},
): DeviceRecord {
  return { ...newDeviceRecord(deviceId, THREE), version, ...changes }
}

/** A commit of version `version` over the one before. */
export function commit(
  deviceId: string,
  version: number,
  {
    rows = [],
    cold = [],
    contents = [],
    ...changes
  }: Partial<
    DeviceRecord & Pick<Commit, 'rows' | 'cold'> & { readonly contents: Commit['commands'] }
  > = {},
): Commit {
  return {
    record: record(deviceId, version, changes),
    expectedVersion: version - 1,
    rows,
    cold,
    commands: contents,
  }
}

export function row(
  at: number,
  messageId: string,
  metrics: TelemetryRow['metrics'] = {},
): TelemetryRow {
  return { at, messageId, metrics }
}
