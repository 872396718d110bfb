import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { adminTokenPath, LOCAL_SETTINGS } from '../adapters/local/index.ts'
import { CoreError, isJsonObject, type Json, type JsonObject } from '../core/index.ts'
import type { Terminal } from './terminal.ts'

/** Flags of every command that talks to a running cloud. */
export const REMOTE_FLAGS = ['url', 'token', 'data'] as const

/** A running cloud, as a client of its REST API. */
export interface Remote {
  readonly url: string
  /**
   * Bytes are sent as they are, anything else as JSON.
   * @throws CoreError `channel.unavailable` if nothing answers there; `channel.rejected` with the problem's own words.
   */
  call(method: string, path: string, body?: Json | Uint8Array): Promise<JsonObject>
}

/** Reaches the cloud that the flags or the environment name; the admin's token comes from the data folder of this machine. */
export function openRemote(
  values: Readonly<Record<string, string | undefined>>,
  terminal: Terminal,
): Remote {
  const url = (values['url'] ?? terminal.env['ANYHUB_URL'] ?? localUrl(terminal)).replace(
    /\/+$/,
    '',
  )
  const token =
    values['token'] ?? terminal.env['ANYHUB_TOKEN'] ?? readToken(values['data'], terminal)
  return {
    url,
    async call(method, path, body) {
      let answer: Response
      try {
        answer = await fetch(`${url}${path}`, {
          method,
          redirect: 'error',
          headers: {
            ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
            ...(body === undefined ? {} : { 'content-type': contentTypeOf(body) }),
          },
          ...(body === undefined
            ? {}
            : { body: body instanceof Uint8Array ? Buffer.from(body) : JSON.stringify(body) }),
        })
      } catch (cause) {
        throw new CoreError(
          'channel.unavailable',
          `nothing answers at ${url}: is "npm start" running there? --url names another`,
          { cause },
        )
      }
      const text = await answer.text()
      const parsed = readObject(text)
      if (answer.ok) return parsed
      const detail = parsed['detail'] ?? parsed['message'] ?? text.slice(0, 200)
      throw new CoreError(
        'channel.rejected',
        `${method} ${path}: ${answer.status} ${String(detail)}`,
      )
    },
  }
}

function contentTypeOf(body: Json | Uint8Array): string {
  return body instanceof Uint8Array ? 'application/octet-stream' : 'application/json'
}

function localUrl(terminal: Terminal): string {
  return `http://127.0.0.1:${terminal.env[LOCAL_SETTINGS.httpPort.env] ?? LOCAL_SETTINGS.httpPort.value}`
}

function readToken(data: string | undefined, terminal: Terminal): string | undefined {
  const folder = resolve(
    terminal.cwd,
    data ?? terminal.env[LOCAL_SETTINGS.data.env] ?? LOCAL_SETTINGS.data.value,
  )
  try {
    return readFileSync(adminTokenPath(folder), 'utf8').trim()
  } catch {
    return undefined
  }
}

function readObject(text: string): JsonObject {
  if (text === '') return {}
  try {
    const parsed: Json = JSON.parse(text)
    return isJsonObject(parsed) ? parsed : {}
  } catch {
    return {}
  }
}
