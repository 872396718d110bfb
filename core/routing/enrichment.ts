import { CoreError } from '../errors.ts'
import type { JsonObject } from '../model/json.ts'
import { findAt, parsePath } from './body-path.ts'

/** What `$iothubname` stands for. */
export const HUB_NAME = 'anyhub'

/** A property that a route adds to a message, ready to be made. */
export interface Enrichment {
  readonly key: string
  /** True if it asks for the twin of the sender. */
  readonly needsTwin: boolean
  value(twin: JsonObject | undefined): string
}

/** The parts of a twin that an enrichment may read. */
const READABLE = /^\$twin\.(tags|properties\.desired|properties\.reported)\.(.+)$/

/**
 * Makes an enrichment of its name and its value: a text, `$iothubname`, or a path into the twin. Where the twin has nothing
 * there, the property is the path as it is written.
 *
 * Source: learn.microsoft.com, iot-hub-message-enrichments-overview.
 * @throws CoreError `rule.syntax` for a `$` that starts nothing known.
 */
export function compileEnrichment(key: string, value: string): Enrichment {
  if (!value.startsWith('$')) return { key, needsTwin: false, value: () => value }
  if (value.toLowerCase() === '$iothubname') return { key, needsTwin: false, value: () => HUB_NAME }
  const path = READABLE.test(value) ? parsePath(value.slice('$twin.'.length)) : undefined
  if (path === undefined) {
    throw new CoreError(
      'rule.syntax',
      `expected a text, $iothubname, or a path such as $twin.tags.site, $twin.properties.desired.mode or $twin.properties.reported.version, found ${JSON.stringify(value)}`,
    )
  }
  return {
    key,
    needsTwin: true,
    value(twin) {
      const found = twin === undefined ? undefined : findAt(twin, path)
      if (found === undefined || found === null) return value
      return typeof found === 'string' ? found : JSON.stringify(found)
    },
  }
}
