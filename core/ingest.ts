import { decodeUplink } from './codecs/decode-uplink.ts'
import type { DeviceGate } from './device-gate.ts'
import { CoreError } from './errors.ts'
import { isDeviceId } from './model/device-id.ts'
import type { TelemetryInput } from './model/input.ts'
import type { Telemetry } from './model/telemetry.ts'
import type { Ingest, Outcome, Uplink } from './model/uplink.ts'
import type { Ports } from './ports.ts'
import type { Program } from './program.ts'

/** What one decoded uplink waits for. */
interface Accepted {
  readonly index: number
  readonly telemetry: Telemetry
}

/**
 * Builds the use case that takes uplinks in: decode, group by device in order, devices in parallel through the gate.
 *
 * A bad message is set aside with its bytes and never fails its batch; a broken store makes its uplinks `retry`.
 */
export function createIngest(ports: Ports, program: Program, gate: DeviceGate): Ingest {
  async function setAside(uplink: Uplink, error: CoreError): Promise<Outcome> {
    ports.observer.count('uplink.rejected', 1, { code: error.code })
    const now = ports.clock.now()
    const id = ports.ids.next(now)
    try {
      await ports.deadLetters.put({
        id,
        at: now,
        topic: uplink.topic,
        source: uplink.source,
        contentType: uplink.contentType,
        payload: uplink.payload,
        payloadBytes: uplink.payload.length,
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

  function decode(uplink: Uplink): { deviceId: string; telemetry: Telemetry } {
    const deviceId = checkDeviceId(uplink)
    if (uplink.fault !== undefined) throw new CoreError('uplink.bad_properties', uplink.fault)
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
    return {
      deviceId,
      telemetry: decodeUplink(uplink, type.decode, ports.ids.next(uplink.receivedAt)),
    }
  }

  async function serve(
    deviceId: string,
    accepted: readonly Accepted[],
    uplinks: readonly Uplink[],
    settle: (index: number, outcome: Outcome) => void,
  ): Promise<void> {
    const inputs = accepted.map(
      ({ telemetry }): TelemetryInput => ({ kind: 'telemetry', telemetry }),
    )
    try {
      const results = await gate.run(deviceId, inputs)
      const counts = { accepted: 0, duplicate: 0 }
      let position = 0
      for (const { index, telemetry } of accepted) {
        const result = results[position++]
        const uplink = uplinks[index]
        if (result?.status === 'refused' && uplink !== undefined) {
          settle(index, await setAside(uplink, new CoreError(result.code, result.message)))
          continue
        }
        if (result?.status === 'unstored') {
          ports.observer.count('uplink.retried', 1)
          settle(index, { status: 'retry', error: result.error })
          continue
        }
        const status = result?.status === 'duplicate' ? 'duplicate' : 'accepted'
        counts[status]++
        settle(index, { status, deviceId, messageId: telemetry.messageId })
      }
      if (counts.accepted > 0) ports.observer.count('uplink.accepted', counts.accepted)
      if (counts.duplicate > 0) ports.observer.count('uplink.duplicate', counts.duplicate)
    } catch (error) {
      if (error instanceof CoreError && !error.retryable) {
        for (const { index } of accepted) {
          const uplink = uplinks[index]
          if (uplink !== undefined) settle(index, await setAside(uplink, error))
        }
        return
      }
      ports.observer.count('uplink.retried', accepted.length)
      ports.observer.log('error', 'uplinks not stored', {
        deviceId,
        messages: accepted.length,
        reason: asRetryable(error).message,
      })
      for (const { index } of accepted)
        settle(index, { status: 'retry', error: asRetryable(error) })
    }
  }

  return async (uplinks, onOutcome) => {
    ports.observer.count('uplink.received', uplinks.length)
    const outcomes: Outcome[] = new Array(uplinks.length)
    const settle = (index: number, outcome: Outcome): void => {
      outcomes[index] = outcome
      onOutcome?.(index, outcome)
    }
    const devices = new Map<string, Accepted[]>()
    const work: Promise<void>[] = []
    let next = 0
    for (const uplink of uplinks) {
      const index = next++
      try {
        const { deviceId, telemetry } = decode(uplink)
        const accepted = devices.get(deviceId)
        if (accepted === undefined) devices.set(deviceId, [{ index, telemetry }])
        else accepted.push({ index, telemetry })
      } catch (error) {
        work.push(setAside(uplink, asFault(error)).then((outcome) => settle(index, outcome)))
      }
    }
    for (const [deviceId, accepted] of devices)
      work.push(serve(deviceId, accepted, uplinks, settle))
    await Promise.all(work)
    if (!ports.longLived) await gate.idle()
    return outcomes
  }
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
