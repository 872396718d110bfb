import { createHash, createPrivateKey, sign } from 'node:crypto'
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type OutgoingHttpHeaders,
} from 'node:http2'
import { isIP } from 'node:net'
import {
  type ApnsChannel,
  type ChannelAnswer,
  type ChannelRequest,
  CoreError,
} from '../../core/index.ts'
import { createLookup, forbiddenAddress, type Resolve, shareLookups } from './guarded-lookup.ts'
import { isPublicAddress } from './public-address.ts'

/** Source: developer.apple.com, "Establishing a token-based connection to APNs": 20 to 60 minutes. */
const TOKEN_MS = 2_400_000
const TIMEOUT_MS = 10_000
const IDLE_MS = 300_000
const MAX_SAID = 4_096

/** Sends to Apple's service, which speaks HTTP/2 only, over one connection that is kept open. */
export interface ApnsSender {
  /** @throws CoreError `channel.unavailable`, `channel.rejected` or `channel.forbidden_address`. */
  ask(
    channel: ApnsChannel,
    request: ChannelRequest,
    key: string,
    now: number,
  ): Promise<ChannelAnswer>
  close(): void
}

/** `timeoutMs`: how long an answer may take. */
export function createApnsSender(resolve: Resolve, timeoutMs = TIMEOUT_MS): ApnsSender {
  const shared = shareLookups(resolve)
  const sessions = new Map<string, ClientHttp2Session>()
  const faults = new WeakMap<ClientHttp2Session, unknown>()
  const tokens = new Map<string, { readonly token: string; readonly until: number }>()

  function sessionTo({ url, allowPrivate }: ApnsChannel): ClientHttp2Session {
    const { origin, hostname } = new URL(url)
    const name = `${origin} ${allowPrivate}`
    const known = sessions.get(name)
    if (known !== undefined && !known.closed && !known.destroyed) return known
    const literal = hostname.replace(/^\[|\]$/g, '')
    if (!allowPrivate && isIP(literal) !== 0 && !isPublicAddress(literal))
      throw forbiddenAddress(hostname)
    const session = connect(origin, {
      lookup: createLookup(shared, allowPrivate ? () => true : isPublicAddress),
    })
    session.setTimeout(IDLE_MS, () => session.close())
    session.on('error', (error) => faults.set(session, error))
    session.unref()
    sessions.set(name, session)
    return session
  }

  function tokenOf({ key, keyId, team }: ApnsChannel, now: number): string {
    const name = JSON.stringify([keyId, team, key])
    const known = tokens.get(name)
    if (known !== undefined && known.until > now) return known.token
    const token = providerToken(key, keyId, team, now)
    tokens.set(name, { token, until: now + TOKEN_MS })
    return token
  }

  /** A token that Apple does not take any more is made anew. */
  function forget(token: string): void {
    for (const [name, known] of tokens) if (known.token === token) tokens.delete(name)
  }

  /** The next request finds another connection; what is under way on this one may end. */
  function leave(session: ClientHttp2Session): void {
    for (const [name, known] of sessions) if (known === session) sessions.delete(name)
    session.close()
  }

  return {
    ask: async (channel, { url, headers, body }, key, now) => {
      const token = tokenOf(channel, now)
      const session = sessionTo(channel)
      const { host, pathname } = new URL(url)
      const stream = open(session, host, {
        ...headers,
        [constants.HTTP2_HEADER_METHOD]: 'POST',
        [constants.HTTP2_HEADER_PATH]: pathname,
        authorization: `bearer ${token}`,
        'apns-id': uuidOf(key),
      })
      return new Promise((settle, reject) => {
        const lost = (cause?: unknown): void =>
          reject(
            cause instanceof CoreError
              ? cause
              : new CoreError('channel.unavailable', `${host}: the connection failed`, { cause }),
          )
        let status = 0
        let said = ''
        // One timer over all phases: a connection that is dead, an answer byte by byte.
        const timer = setTimeout(() => {
          reject(new CoreError('channel.unavailable', `${host}: no answer within ${timeoutMs} ms`))
          stream.close(constants.NGHTTP2_CANCEL)
          leave(session)
        }, timeoutMs)
        stream.setEncoding('utf8')
        stream.on('response', (answer) => {
          status = Number(answer[constants.HTTP2_HEADER_STATUS] ?? 0)
        })
        stream.on('data', (chunk: string) => {
          if (said.length < MAX_SAID) said += chunk
        })
        // Why a connection never came to be, the session knows.
        stream.on('error', (error) => lost(faults.get(session) ?? error))
        stream.on('close', () => {
          clearTimeout(timer)
          if (status === 0) return lost(faults.get(session))
          if (status === 403 && said.includes('ExpiredProviderToken')) forget(token)
          settle({ status, body: said })
        })
        stream.end(body)
      })
    },
    close() {
      for (const session of sessions.values()) session.destroy()
      sessions.clear()
    },
  }
}

/** A connection may end between two requests; a header that is none never gets better. */
function open(
  session: ClientHttp2Session,
  host: string,
  headers: OutgoingHttpHeaders,
): ClientHttp2Stream {
  try {
    return session.request(headers)
  } catch (cause) {
    const ended = session.closed || session.destroyed
    throw new CoreError(
      ended ? 'channel.unavailable' : 'channel.rejected',
      ended ? `${host}: the connection has ended` : `${host}: expected headers that are such`,
      { cause },
    )
  }
}

/** Source: RFC 7518, 3.4: ES256, the two numbers one after the other. */
function providerToken(key: string, keyId: string, team: string, now: number): string {
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const iat = Math.floor(now / 1_000)
  const signed = `${encode({ alg: 'ES256', kid: keyId })}.${encode({ iss: team, iat })}`
  try {
    const signature = sign('sha256', Buffer.from(signed), {
      key: createPrivateKey(key),
      dsaEncoding: 'ieee-p1363',
    })
    return `${signed}.${signature.toString('base64url')}`
  } catch (cause) {
    throw new CoreError('channel.rejected', 'key: expected an EC key (.p8) as PEM', { cause })
  }
}

/** Always the same for one delivery, so that Apple knows it again. Source: RFC 9562, 5.8. */
function uuidOf(key: string): string {
  const hex = createHash('sha256').update(key).digest('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}
