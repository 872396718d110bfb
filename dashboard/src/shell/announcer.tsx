import { useEffect, useState } from 'react'
import { live } from '../live/live.ts'
import type { AlarmNews } from '../live/store.ts'

/** No more often than this something is said. Unit: ms. */
const EVERY_MS = 1_000
const MOST = 3

/** Says aloud what was raised and cleared, not more than a sentence a second. */
export function Announcer() {
  const [text, setText] = useState('')
  useEffect(() => {
    let waiting: AlarmNews[] = []
    let timer: ReturnType<typeof setTimeout> | undefined
    const speak = (): void => {
      timer = undefined
      setText(sentencesOf(waiting))
      waiting = []
    }
    const end = live.subscribeAlarms((news) => {
      waiting.push(...news)
      timer ??= setTimeout(speak, EVERY_MS)
    })
    return () => {
      clearTimeout(timer)
      end()
    }
  }, [])
  return (
    <p className="visually-hidden" aria-live="polite" id="announcer">
      {text}
    </p>
  )
}

function sentencesOf(news: readonly AlarmNews[]): string {
  const said = news
    .slice(0, MOST)
    .map(({ is, severity, alarmId, deviceId, text }) =>
      is === 'raised'
        ? `${severity} alarm ${alarmId} on ${deviceId}: ${text}`
        : `${alarmId} on ${deviceId} is cleared`,
    )
  const more = news.length - MOST
  return [...said, ...(more > 0 ? [`and ${more} more`] : [])].join('. ')
}
