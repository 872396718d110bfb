import { lookup } from 'node:dns'
import { request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import { isIP } from 'node:net'
import { type ChannelConfig, CoreError, type Delivery, renderWebhook } from '../../core/index.ts'
import { isPublicAddress } from './public-address.ts'
import { signWebhook } from './signature.ts'

type WebhookConfig = Extract<ChannelConfig, { type: 'webhook' }>

/** No more of an answer than this is read. Unit: bytes. */
const MAX_ANSWER = 65_536

/**
 * Posts one delivery to a webhook.
 *
 * The address is resolved once, judged, and used for the connection itself, so that a name cannot point elsewhere in
 * between; redirects are not followed.
 * @throws CoreError `channel.unavailable` for a timeout, a lost connection, 408, 425, 429 or 5xx; `channel.rejected` for any
 * other status but 2xx; `channel.forbidden_address` for an address that is not public, unless the channel allows it.
 */
export async function sendWebhook(
  config: WebhookConfig,
  delivery: Delivery,
  now: number,
): Promise<void> {
  const url = new URL(config.url)
  const body = JSON.stringify(renderWebhook(delivery))
  const timestamp = Math.floor(now / 1_000)
  const headers: Record<string, string> = {
    'content-type': 'application/json',
    'content-length': String(Buffer.byteLength(body)),
    'user-agent': 'anyhub',
    'webhook-id': delivery.key,
    'webhook-timestamp': String(timestamp),
    'idempotency-key': delivery.key,
  }
  if (config.secret !== undefined)
    headers['webhook-signature'] = signWebhook(config.secret, delivery.key, timestamp, body)
  const { status, retryAfter } = await post(url, headers, body, config)
  if (status >= 200 && status < 300) return
  if (status === 408 || status === 425 || status === 429 || status >= 500) {
    const retryAfterMs = readRetryAfter(retryAfter, now)
    throw new CoreError(
      'channel.unavailable',
      `${url.host}: expected status 2xx, found ${status}`,
      {
        details: retryAfterMs === undefined ? { status } : { status, retryAfterMs },
      },
    )
  }
  throw new CoreError('channel.rejected', `${url.host}: expected status 2xx, found ${status}`, {
    details: { status },
  })
}

function post(
  url: URL,
  headers: Record<string, string>,
  body: string,
  config: WebhookConfig,
): Promise<{ status: number; retryAfter: string | undefined }> {
  return new Promise((resolve, reject) => {
    const literal = url.hostname.replace(/^\[|\]$/g, '')
    if (isIP(literal) !== 0 && !config.allowPrivate && !isPublicAddress(literal)) {
      reject(forbidden(url.host))
      return
    }
    const send = url.protocol === 'https:' ? requestHttps : requestHttp
    const outgoing = send(
      url,
      {
        method: 'POST',
        headers,
        signal: AbortSignal.timeout(config.timeout),
        lookup: (hostname, options, callback) => {
          lookup(hostname, { ...options, all: true }, (error, addresses) => {
            const allowed =
              addresses?.filter(({ address }) => config.allowPrivate || isPublicAddress(address)) ??
              []
            const first = allowed[0]
            if (error) callback(error, '', 0)
            else if (first === undefined) callback(forbidden(url.host), '', 0)
            else if (options.all) callback(null, allowed)
            else callback(null, first.address, first.family)
          })
        },
      },
      (answer) => {
        let received = 0
        answer.on('data', (chunk: Buffer) => {
          received += chunk.length
          if (received > MAX_ANSWER) answer.destroy()
        })
        answer.on('close', () =>
          resolve({ status: answer.statusCode ?? 0, retryAfter: answer.headers['retry-after'] }),
        )
        answer.on('error', () => undefined)
      },
    )
    outgoing.on('error', (error) => {
      if (error instanceof CoreError) reject(error)
      else if (error.name === 'AbortError' || error.name === 'TimeoutError') {
        reject(
          new CoreError(
            'channel.unavailable',
            `${url.host}: no answer within ${config.timeout} ms`,
          ),
        )
      } else
        reject(
          new CoreError('channel.unavailable', `${url.host}: ${error.message}`, { cause: error }),
        )
    })
    outgoing.end(body)
  })
}

function forbidden(host: string): CoreError {
  return new CoreError(
    'channel.forbidden_address',
    `${host}: expected a public address; allowPrivate: true allows others`,
  )
}

/** Seconds or a date. Source: RFC 9110, 10.2.3. Unit of the result: ms. */
function readRetryAfter(value: string | undefined, now: number): number | undefined {
  if (value === undefined) return undefined
  if (/^\d+$/.test(value)) return Math.min(Number(value), 86_400) * 1_000
  const at = Date.parse(value)
  return Number.isNaN(at) ? undefined : Math.max(0, at - now)
}
