import {
  healthNotification,
  isSystemHealth,
  letterHealth,
  type TellSystem,
} from './health/system.ts'
import { toQueue } from './notifications/fan-out.ts'
import type { DeadLetters, Ports } from './ports.ts'
import type { Program } from './program.ts'

/** Builds the use case that tells of the system. What cannot be told now is not told: it is in the log. */
export function createTellSystem(
  { notifications, clock, observer }: Pick<Ports, 'notifications' | 'clock' | 'observer'>,
  { audience }: Pick<Program, 'audience'>,
): TellSystem {
  /** The keys of what this process told last, by what it was about: a flood of the same asks the queue once. */
  const told = new Map<string, string>()
  return async (found, about = '') => {
    if (!audience.hears('health') || isSystemHealth(about)) return
    const notification = healthNotification(found, clock.now())
    const what = `${found.id}/${found.place}/${found.change ?? ''}`
    if (told.get(what) === notification.key) return
    told.set(what, notification.key)
    try {
      await notifications.enqueue(toQueue(notification, audience))
    } catch (error) {
      told.delete(what)
      const reason = error instanceof Error ? error.message : String(error)
      observer.log('warn', 'health not told', { id: found.id, place: found.place, reason })
    }
  }
}

/** Dead letters that tell of themselves: the first of a source in an hour does. */
export function createTellingDeadLetters(letters: DeadLetters, tell: TellSystem): DeadLetters {
  return {
    ...letters,
    async put(letter) {
      await letters.put(letter)
      await tell(letterHealth(letter), letter.messageId)
    },
  }
}
