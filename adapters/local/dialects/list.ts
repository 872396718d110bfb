import { AWS } from './aws.ts'
import type { Dialect, Meaning } from './dialect.ts'
import { answerTopic, pushTopic, readTopic } from './native.ts'

/** The dialect of anyhub itself. What stands under its prefixes and means nothing in it means nothing at all. */
const NATIVE: Dialect = {
  name: 'native',
  namespaces: [{ prefix: ['devices'], at: 1 }],
  takesShadowWills: true,
  takesQos2: () => true,
  readTopic: (topic) =>
    topic.startsWith('devices/') || topic.startsWith('$anyhub/') ? readTopic(topic) : undefined,
  answerTopic,
  pushTopic,
  presence: () => undefined,
}

/**
 * Every dialect that this cloud speaks. The first that knows a topic says what it means.
 *
 * Pushes go out in each of them: a dialect holds no state, so nobody has to know what a device speaks, people who watch
 * may speak another one, and a topic without subscribers costs one look-up.
 */
export const DIALECTS: readonly Dialect[] = [NATIVE, AWS]

/** What a topic means, and in whose words its answer goes out. */
export function readAnyTopic(topic: string): {
  readonly dialect: Dialect
  readonly meaning: Meaning
} {
  for (const dialect of DIALECTS) {
    const meaning = dialect.readTopic(topic)
    if (meaning !== undefined) return { dialect, meaning }
  }
  return { dialect: NATIVE, meaning: { kind: 'unknown' } }
}
