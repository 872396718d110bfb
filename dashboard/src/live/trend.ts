import { useEffect } from 'react'
import { api } from '../api.ts'
import { type Device, putHistory } from './device.ts'
import { live } from './live.ts'

/** How many histories are asked of the cloud at the same time. */
const MAX_QUESTIONS = 2
const HISTORY_ROWS = 90

const asked = new Set<string>()
const questions: string[] = []
const under = { way: 0 }
const NONE: readonly number[] = []

/** The trend of a device with the time before the page was opened, which is asked for once it is looked at. */
export function useTrend(device: Device | undefined): readonly number[] {
  const deviceId = device?.deviceId
  const worth = (device?.accepted ?? 0) > 1
  useEffect(() => {
    if (deviceId !== undefined && worth) ask(deviceId)
  }, [deviceId, worth])
  return device?.history ?? NONE
}

function ask(deviceId: string): void {
  if (asked.has(deviceId)) return
  asked.add(deviceId)
  questions.push(deviceId)
  void answer()
}

async function answer(): Promise<void> {
  if (under.way >= MAX_QUESTIONS) return
  under.way++
  for (let id = questions.pop(); id !== undefined; id = questions.pop()) {
    try {
      const { rows } = await api.telemetry(id, { limit: HISTORY_ROWS })
      const device = live.devices.get(id)
      if (device !== undefined) putHistory(device, rows)
      live.touch(id)
    } catch {
      // The trend starts with what the page sees itself.
    }
  }
  under.way--
}
