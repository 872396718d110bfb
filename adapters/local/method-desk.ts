import { CoreError, type MethodAnswer, type MethodCall, type Methods } from '../../core/index.ts'

/** What answers methods over one connection of a device. */
export interface MethodResponder {
  /**
   * Asks the device, and resolves with what it says. A rejection means that it could not be asked: it is taken for
   * offline. `signal` is aborted when nobody waits any more.
   */
  call(call: MethodCall, signal: AbortSignal): Promise<MethodAnswer>
}

/** Brings calls of methods to the connections of this process. */
export interface MethodDesk extends Methods {
  /** From here on this responder answers for the device, and no other, unless it leaves before them. */
  attach(deviceId: string, responder: MethodResponder): void
  detach(deviceId: string, responder: MethodResponder): void
}

/**
 * How long a device that has just come is left to itself: the session of a client may be there before its handlers are,
 * and it drops what nothing handles. Source: azure-iot-device 1.18, which opens first and sets its handlers after that.
 */
const SETTLE_MS = 100

/** Creates the desk. Nothing is queued but who waits for a device to connect, at most as long as he said. */
export function createMethodDesk(): MethodDesk {
  /** Of several connections of a device the newest one answers, and stands last. */
  const responders = new Map<string, MethodResponder[]>()
  /** Who waits for a device to be there. */
  const waiting = new Map<string, Set<() => void>>()

  function connected(deviceId: string, timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const waiters = waiting.get(deviceId) ?? new Set()
      waiting.set(deviceId, waiters)
      const end = (): void => {
        clearTimeout(timer)
        waiters.delete(end)
        if (waiters.size === 0) waiting.delete(deviceId)
        resolve()
      }
      const timer = setTimeout(end, timeoutMs)
      timer.unref()
      waiters.add(end)
    })
  }

  function settled(): Promise<void> {
    return new Promise((resolve) => void setTimeout(resolve, SETTLE_MS).unref())
  }

  return {
    attach(deviceId, responder) {
      const others = (responders.get(deviceId) ?? []).filter((one) => one !== responder)
      responders.set(deviceId, [...others, responder])
      for (const end of [...(waiting.get(deviceId) ?? [])]) end()
    },

    detach(deviceId, responder) {
      const others = (responders.get(deviceId) ?? []).filter((one) => one !== responder)
      if (others.length === 0) responders.delete(deviceId)
      else responders.set(deviceId, others)
    },

    async invoke(deviceId, call) {
      if (!responders.has(deviceId) && call.connectTimeoutMs > 0) {
        await connected(deviceId, call.connectTimeoutMs)
        if (responders.has(deviceId)) await settled()
      }
      const responder = responders.get(deviceId)?.at(-1)
      if (responder === undefined) throw offline(deviceId)
      const controller = new AbortController()
      let timer: NodeJS.Timeout | undefined
      const timeOut = new Promise<never>((_, reject) => {
        timer = setTimeout(() => {
          const message = `${deviceId}: expected an answer within ${call.responseTimeoutMs} ms, found none`
          reject(new CoreError('method.timed_out', message))
        }, call.responseTimeoutMs)
        timer.unref()
      })
      try {
        const asked = responder.call(call, controller.signal).catch((cause: unknown) => {
          throw cause instanceof CoreError ? cause : offline(deviceId, cause)
        })
        return await Promise.race([asked, timeOut])
      } finally {
        clearTimeout(timer)
        controller.abort()
      }
    },
  }
}

function offline(deviceId: string, cause?: unknown): CoreError {
  const message = `${deviceId}: expected a connection that answers methods, found none`
  return new CoreError('method.device_offline', message, cause === undefined ? {} : { cause })
}
