import type { DeviceCredential, RegisteredDevice } from '../model/registered-device.ts'

/** Ended credentials that are remembered, so that an old certificate of our own authority stays refused. */
const MAX_CREDENTIALS = 50

/** Whether a credential still proves something. */
export function isLive({ endsAt }: DeviceCredential, at: number): boolean {
  return endsAt === undefined || at < endsAt
}

/** The credential with this digest, live or not. */
export function findCredential(
  device: RegisteredDevice,
  kind: DeviceCredential['kind'],
  digest: string,
): DeviceCredential | undefined {
  return device.credentials.find((one) => one.kind === kind && one.digest === digest)
}

/** Adds a credential; those of its kind that were live end at `endsAt` (epoch ms), unless they end before. */
export function rotateCredential(
  credentials: readonly DeviceCredential[],
  fresh: DeviceCredential,
  endsAt: number,
): readonly DeviceCredential[] {
  const kept = credentials.map((one) =>
    one.kind === fresh.kind && isLive(one, endsAt) ? { ...one, endsAt } : one,
  )
  return [...kept, fresh].slice(-MAX_CREDENTIALS)
}

/** Whether a change takes something away from who is connected now: then the connection must end. */
export function losesAccess(
  before: RegisteredDevice,
  after: RegisteredDevice | undefined,
  at: number,
): boolean {
  if (after === undefined || !after.enabled) return true
  return before.credentials.some((one) => {
    const now = findCredential(after, one.kind, one.digest)
    return isLive(one, at) && (now === undefined || !isLive(now, at))
  })
}
