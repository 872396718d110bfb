import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import { describe, expect, it } from 'vitest'
import { toRequest } from '../../../adapters/gcp/http.ts'

describe('a request of the runtime of Google', () => {
  const urlOf = (url: string): string => {
    const incoming = new IncomingMessage(new Socket())
    Object.assign(incoming, { method: 'GET', url, headers: { host: 'fn.example' } })
    return toRequest(incoming).url
  }

  it.each([
    ['/devices?limit=1&query=a?b', 'https://fn.example/devices?limit=1&query=a?b'],
    ['/devices/a%2Fb', 'https://fn.example/devices/a%2Fb'],
    ['/', 'https://fn.example/'],
  ])('keeps %s', (given, expected) => expect(urlOf(given)).toBe(expected))

  it.each(['//evil.example/session', '///evil.example/session', '//', '/\\evil.example/'])(
    'is for our host whatever its path says: %s',
    (given) => expect(new URL(urlOf(given)).host).toBe('fn.example'),
  )
})
