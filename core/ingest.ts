import { decodePack, decodeUplink } from './codecs/decode-uplink.ts'
import type { DeviceGate } from './device-gate.ts'
import { CoreError } from './errors.ts'
import { isDeviceId } from './model/device-id.ts'
import type { TelemetryInput } from './model/input.ts'
import type { Telemetry } from './model/telemetry.ts'
import type { Ingest, Outcome, Uplink } from './model/uplink.ts'
import type { Ports } from './ports.ts'
import type { ProgramSource } from './program.ts'

/** What one decoded uplink waits for. */
interface Accepted {
  readonly index: number
  readonly telemetry: Telemetry
}

/** Uplinks that came together. */
interface Batch {
  readonly uplinks: readonly Uplink[]
  /** Counted up once for all of them. */
  readonly counts: { accepted: number; duplicate: number }
  /** What becomes of those that are set aside. */
  readonly aside: Map<number, Promise<Outcome>>
  /** Called once for each message. */
  readonly settle: (index: number, outcome: Outcome) => void
}

/**
 * Builds the use case that takes uplinks in: decode, group by device in order, devices in parallel through the gate.
 *
 * A bad message is set aside with its bytes and never fails its batch; a broken store makes its uplinks `retry`.
 */
export function createIngest(ports: Ports, programs: ProgramSource, gate: DeviceGate): Ingest {
  async function setAside(uplink: Uplink, error: CoreError): Promise<Outcome> {
    ports.observer.count('uplink.rejected', 1, { code: error.code })
    const now = ports.clock.now()
    const id = ports.ids.next(now)
    // Sent again, it is read by its network again: what that made of it is not kept.
    const { topic, payload, contentType } = uplink.network?.origin ?? uplink
    try {
      await ports.deadLetters.put({
        id,
        at: now,
        topic,
        source: uplink.source,
        contentType,
        payload,
        payloadBytes: payload.length,
        receivedAt: uplink.receivedAt,
        code: error.code,
        reason: error.message,
        ...(uplink.deviceId === undefined ? {} : { deviceId: uplink.deviceId }),
        ...(uplink.sentAt === undefined ? {} : { sentAt: uplink.sentAt }),
        ...(uplink.messageId === undefined ? {} : { messageId: uplink.messageId }),
        ...(uplink.ruleId === undefined ? {} : { ruleId: uplink.ruleId }),
      })
    } catch (failure) {
      return { status: 'retry', error: asRetryable(failure) }
    }
    return { status: 'dead_lettered', deadLetterId: id, error }
  }

  function decode(uplink: Uplink): {
    deviceId: string
    telemetry: Telemetry | readonly Telemetry[]
  } {
    // First what the transport says: it may be why no device is known.
    if (uplink.fault !== undefined) throw new CoreError('uplink.bad_properties', uplink.fault)
    const deviceId = checkDeviceId(uplink)
    const program = programs.current
    const type = program.deviceType(deviceId)
    if (type === undefined) {
      throw new CoreError(
        'uplink.bad_device_id',
        'expected a device id that a device type covers, found one that none does',
      )
    }
    if (uplink.ruleId !== undefined && !program.rulesById.has(uplink.ruleId))
      throw new CoreError(
        'uplink.no_rule',
        'expected the name of a rule that is enabled, found none',
      )
    const uniqueId = ports.ids.next(uplink.receivedAt)
    const codec = program.networks.codecOf(uplink.network?.name)
    const plan = codec === undefined ? type.decode : { ...type.decode, codec }
    return {
      deviceId,
      telemetry:
        plan.codec.split === undefined
          ? decodeUplink(uplink, plan, uniqueId)
          : decodePack(uplink, plan, uniqueId),
    }
  }

  /** Hands the messages of one device to the gate; its batch is told when each of them is settled. */
  function serve(deviceId: string, accepted: readonly Accepted[], batch: Batch): void {
    const inputs: TelemetryInput[] = []
    for (const { telemetry } of accepted) inputs.push({ kind: 'telemetry', telemetry })
    gate.submit(deviceId, {
      inputs,
      resolve(results) {
        let position = 0
        for (const { index, telemetry } of accepted) {
          const result = results[position++]
          switch (result?.status) {
            case 'refused':
              putAside(index, new CoreError(result.code, result.message), batch)
              break
            case 'unstored':
              ports.observer.count('uplink.retried', 1)
              batch.settle(index, { status: 'retry', error: result.error })
              break
            default: {
              const status = result?.status === 'duplicate' ? 'duplicate' : 'accepted'
              batch.counts[status]++
              batch.settle(index, { status, deviceId, messageId: telemetry.messageId })
            }
          }
        }
      },
      reject(error) {
        if (error instanceof CoreError && !error.retryable) {
          for (const { index } of accepted) putAside(index, error, batch)
          return
        }
        ports.observer.count('uplink.retried', accepted.length)
        ports.observer.log('error', 'uplinks not stored', {
          deviceId,
          messages: accepted.length,
          reason: asRetryable(error).message,
        })
        for (const { index } of accepted)
          batch.settle(index, { status: 'retry', error: asRetryable(error) })
      },
    })
  }

  function putAside(index: number, error: CoreError, { uplinks, aside, settle }: Batch): void {
    const uplink = uplinks[index]
    if (uplink === undefined) return
    // Of a pack several messages may be refused: its bytes are set aside once.
    const outcome = aside.get(index) ?? setAside(uplink, error)
    aside.set(index, outcome)
    void outcome.then((told) => settle(index, told))
  }

  function count({ accepted, duplicate }: Batch['counts']): void {
    if (accepted > 0) ports.observer.count('uplink.accepted', accepted)
    if (duplicate > 0) ports.observer.count('uplink.duplicate', duplicate)
  }

  /** Takes all in; one promise for all of them, as a batch may be of very many devices. */
  function takeIn(
    uplinks: readonly Uplink[],
    onOutcome: ((index: number, outcome: Outcome) => void) | undefined,
  ): Promise<Outcome[]> {
    return new Promise((resolve, reject) => {
      const outcomes: Outcome[] = new Array(uplinks.length)
      const counts = { accepted: 0, duplicate: 0 }
      let open = uplinks.length
      let packs: Map<number, { open: number; worst: Outcome | undefined }> | undefined
      const settle = (index: number, partial: Outcome): void => {
        const pack = packs?.get(index)
        let outcome = partial
        if (pack !== undefined) {
          pack.worst = worseOf(pack.worst, partial)
          if (--pack.open > 0) return
          outcome = pack.worst
        }
        outcomes[index] = outcome
        try {
          onOutcome?.(index, outcome)
        } catch (error) {
          reject(error)
        }
        if (--open > 0) return
        count(counts)
        resolve(outcomes)
      }
      const batch: Batch = { uplinks, counts, aside: new Map(), settle }
      if (open === 0) resolve(outcomes)
      const devices = new Map<string, Accepted[]>()
      let next = 0
      for (const uplink of uplinks) {
        const index = next++
        try {
          const { deviceId, telemetry } = decode(uplink)
          const accepted = devices.get(deviceId)
          if (!isPack(telemetry)) {
            if (accepted === undefined) devices.set(deviceId, [{ index, telemetry }])
            else accepted.push({ index, telemetry })
            continue
          }
          packs ??= new Map()
          packs.set(index, { open: telemetry.length, worst: undefined })
          const all = telemetry.map((one) => ({ index, telemetry: one }))
          if (accepted === undefined) devices.set(deviceId, all)
          else accepted.push(...all)
        } catch (error) {
          putAside(index, asFault(error), batch)
        }
      }
      for (const [deviceId, accepted] of devices) serve(deviceId, accepted, batch)
    })
  }

  return async (uplinks, onOutcome) => {
    ports.observer.count('uplink.received', uplinks.length)
    const stale = programs.refresh()
    if (stale !== undefined) await stale
    const outcomes = await takeIn(uplinks, onOutcome)
    if (!ports.longLived) await gate.idle()
    return outcomes
  }
}

function isPack(telemetry: Telemetry | readonly Telemetry[]): telemetry is readonly Telemetry[] {
  return Array.isArray(telemetry)
}

/** What becomes of an uplink of several messages: it comes again if one of them has to, and those that stand are then known. */
const WORST_FIRST = ['retry', 'dead_lettered', 'accepted', 'duplicate'] as const

function worseOf(left: Outcome | undefined, right: Outcome): Outcome {
  if (left === undefined) return right
  return WORST_FIRST.indexOf(left.status) <= WORST_FIRST.indexOf(right.status) ? left : right
}

function checkDeviceId(uplink: Uplink): string {
  if (uplink.deviceId === undefined) {
    throw new CoreError(
      'uplink.no_device',
      'expected a topic that names a device, such as devices/{id}/telemetry, found none in it',
    )
  }
  if (!isDeviceId(uplink.deviceId)) {
    throw new CoreError(
      'uplink.bad_device_id',
      `expected a device id of 1 to 128 letters, digits and : . _ -, found one of ${uplink.deviceId.length} characters that is not`,
    )
  }
  return uplink.deviceId
}

/** Decoding is pure: what fails once fails each time, and must not come again. */
function asFault(error: unknown): CoreError {
  if (error instanceof CoreError) return error
  return new CoreError('codec.failed', 'expected the codec to go well: this is a bug here', {
    cause: error,
  })
}

function asRetryable(error: unknown): CoreError {
  if (error instanceof CoreError) return error
  return new CoreError(
    'store.unavailable',
    error instanceof Error ? error.message : String(error),
    { cause: error },
  )
}
