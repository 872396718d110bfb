import { CoreError } from '../errors.ts'
import type { Recipient, WordsByLanguage } from '../model/audience.ts'
import type { Notification } from '../model/notification.ts'
import { wordsFor } from './audience.ts'
import { compileNotificationTemplate } from './template.ts'

/** Words a notification for somebody: in his language, with numbers and times as he writes them. */
export type Reworder = (
  notification: Notification,
  words: WordsByLanguage | undefined,
  recipient: Recipient,
  otherwise?: string | undefined,
) => Notification

/** Most of an audience speak a few languages in a few time zones: each is worded once. */
export function createReworder(): Reworder {
  const worded = new Map<WordsByLanguage, Map<string, Notification>>()
  return (notification, words, { language, timeZone }, otherwise) => {
    if (words === undefined) return notification
    const tag = language ?? otherwise
    const place = `${tag ?? ''} ${timeZone ?? ''}`
    let known = worded.get(words)
    if (known === undefined) {
      known = new Map()
      worded.set(words, known)
    }
    const found = known.get(place)
    if (found !== undefined) return found
    const made = reword(notification, words, tag, timeZone)
    known.set(place, made)
    return made
  }
}

function reword(
  notification: Notification,
  words: WordsByLanguage,
  language: string | undefined,
  timeZone = 'UTC',
): Notification {
  const own = wordsFor(words, language)
  if (own === undefined) return notification
  const locale = { locale: language ?? 'en', timeZone }
  const fill = (template: string | undefined): string | undefined =>
    template === undefined ? undefined : compileNotificationTemplate(template, locale)(notification)
  try {
    return {
      ...notification,
      subject: fill(own.subject) ?? notification.subject,
      text: fill(own.text) ?? notification.text,
    }
  } catch (error) {
    // Words are checked when they are written down; what another release took is told as it is.
    if (error instanceof CoreError) return notification
    throw error
  }
}

/** @throws CoreError `config.invalid` for a placeholder that is none. */
export function checkWords(words: WordsByLanguage): void {
  for (const [language, { subject, text }] of Object.entries(words)) {
    const locale = { locale: language === '' ? 'en' : language, timeZone: 'UTC' }
    for (const template of [subject, text])
      if (template !== undefined) compileNotificationTemplate(template, locale)
  }
}
