import { CoreError } from '../errors.ts'
import { isJsonObject, type Json } from '../model/json.ts'
import { type Delivery, type Notification, SEVERITIES } from '../model/notification.ts'

/** How a template writes numbers and times. */
export interface TemplateLocale {
  /** BCP 47, such as `de-DE`. */
  readonly locale: string
  /** IANA, such as `Europe/Berlin`. */
  readonly timeZone: string
}

/** A template, compiled. Total: what is not there writes nothing. */
export type NotificationTemplate = (notification: Notification) => string

/** Longer ones are no texts for people. Unit: UTF-16 units. */
const MAX_RENDERED = 10_000

const PLACEHOLDER = /\{\{([^{}]*)\}\}/g

/**
 * Compiles a template of a notification.
 *
 * Shape: `{{path}}`, `{{path | number 1}}`, `{{path | time}}`, `{{path | date}}`, `{{path | upper}}`. A path begins at the
 * notification: `deviceId`, `severity`, `subject`, `text`, `at`, `data.temp`.
 * @throws CoreError `config.invalid` for a placeholder that is none, a locale or a time zone that nobody knows.
 */
export function compileNotificationTemplate(
  text: string,
  locale: TemplateLocale,
): NotificationTemplate {
  checkLocale(locale)
  const parts: (string | NotificationTemplate)[] = []
  let end = 0
  for (const match of text.matchAll(PLACEHOLDER)) {
    parts.push(text.slice(end, match.index), compilePlaceholder(match[1] ?? '', locale))
    end = match.index + match[0].length
  }
  parts.push(text.slice(end))
  const open = parts.find((part) => typeof part === 'string' && /\{\{|\}\}/.test(part))
  if (open !== undefined)
    throw new CoreError('config.invalid', 'expected {{path}}, found {{ or }} that stands alone')
  return (notification) => {
    let rendered = ''
    for (const part of parts) rendered += typeof part === 'string' ? part : part(notification)
    return rendered.slice(0, MAX_RENDERED)
  }
}

/** The delivery as its channel's templates word it. */
export function reworded(
  delivery: Delivery,
  subject: NotificationTemplate | undefined,
  text: NotificationTemplate | undefined,
): Delivery {
  if (subject === undefined && text === undefined) return delivery
  const { notification } = delivery
  return {
    ...delivery,
    notification: {
      ...notification,
      subject: subject?.(notification) ?? notification.subject,
      text: text?.(notification) ?? notification.text,
    },
  }
}

type Format = (value: Json) => string

function compilePlaceholder(inner: string, locale: TemplateLocale): NotificationTemplate {
  const [path = '', format, ...more] = inner.split('|').map((part) => part.trim())
  if (!/^[A-Za-z_][\w-]*(\.[\w-]+)*$/.test(path) || more.length > 0)
    throw new CoreError(
      'config.invalid',
      `expected a path such as data.temp, found ${JSON.stringify(inner.trim())}`,
    )
  const keys = path.split('.')
  if (!FIELDS.has(keys[0] ?? ''))
    throw new CoreError(
      'config.invalid',
      `expected one of ${[...FIELDS].join(', ')}, found ${JSON.stringify(keys[0])}`,
    )
  const write = compileFormat(format, locale)
  return (notification) => {
    const value = valueAt(notification, keys)
    return value === undefined || value === null ? '' : write(value)
  }
}

const FIELDS: ReadonlySet<string> = new Set([
  'deviceId',
  'severity',
  'subject',
  'text',
  'at',
  'data',
  'key',
])

function valueAt(
  notification: Notification,
  [field, ...rest]: readonly string[],
): Json | undefined {
  const { deviceId, severity, subject, text, at, data, key } = notification
  const root: Json = { deviceId, severity, subject, text, at, data, key }
  let value: Json | undefined = Object.hasOwn(root, field ?? '') ? root[field ?? ''] : undefined
  for (const name of rest) {
    if (Array.isArray(value)) value = value[Number(name)]
    else value = isJsonObject(value) && Object.hasOwn(value, name) ? value[name] : undefined
  }
  return value
}

function compileFormat(format: string | undefined, { locale, timeZone }: TemplateLocale): Format {
  const [name, argument, ...more] = (format ?? '').split(/\s+/)
  if (more.length > 0) throw unknownFormat(format)
  switch (name) {
    case '':
      return plain
    case 'number': {
      const digits = argument === undefined ? undefined : Number(argument)
      if (digits !== undefined && !(Number.isInteger(digits) && digits >= 0 && digits <= 20))
        throw new CoreError('config.invalid', 'number: expected 0 to 20 digits')
      const formatter = new Intl.NumberFormat(
        locale,
        digits === undefined
          ? {}
          : { minimumFractionDigits: digits, maximumFractionDigits: digits },
      )
      return (value) => {
        const number = typeof value === 'number' ? value : Number.NaN
        return Number.isNaN(number) ? plain(value) : formatter.format(number)
      }
    }
    case 'time':
      return timeFormat(locale, { dateStyle: 'medium', timeStyle: 'short', timeZone })
    case 'date':
      return timeFormat(locale, { dateStyle: 'long', timeZone })
    case 'upper':
      return (value) => plain(value).toLocaleUpperCase(locale)
    default:
      throw unknownFormat(format)
  }
}

/** Not `String`: an object from outside may have a `toString` of its own that is no function. */
function plain(value: Json): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

function timeFormat(locale: string, options: Intl.DateTimeFormatOptions): Format {
  const formatter = new Intl.DateTimeFormat(locale, options)
  return (value) => {
    const at = typeof value === 'number' ? value : Date.parse(plain(value))
    return Number.isFinite(at) && Math.abs(at) < 8.64e15 ? formatter.format(at) : plain(value)
  }
}

function unknownFormat(format: string | undefined): CoreError {
  return new CoreError(
    'config.invalid',
    `expected number, time, date or upper, found ${JSON.stringify(format)}`,
  )
}

function checkLocale({ locale, timeZone }: TemplateLocale): void {
  try {
    new Intl.DateTimeFormat(locale, { timeZone })
  } catch {
    throw new CoreError(
      'config.invalid',
      `expected a locale such as de-DE and a time zone such as Europe/Berlin, found ${JSON.stringify(locale)} and ${JSON.stringify(timeZone)}`,
    )
  }
}

/** A topic of a channel, filled in; what could be a level or a wildcard of its own is not. */
export function renderTopic(topic: string, { deviceId, severity, key }: Notification): string {
  const values: Readonly<Record<string, string>> = { deviceId, severity, key }
  return topic.replace(/\{\{(\w+)\}\}/g, (whole, name: string) =>
    Object.hasOwn(values, name) ? (values[name] ?? '').replace(/[/+#\0]/g, '_') : whole,
  )
}

/** A made-up notification, so that people see what their words look like before something happens. */
export const SAMPLE: Notification = {
  key: 'dev-1/alarm/too-warm/1750000000000/raised',
  channelIds: [],
  deviceId: 'dev-1',
  severity: SEVERITIES[2],
  subject: 'too-warm raised on dev-1',
  text: 'Container dev-1 is at 9.5 °C',
  at: 1_750_000_000_000,
  data: { alarmId: 'too-warm', status: 'active', temp: 9.5 },
}
