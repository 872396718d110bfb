import { CoreError } from './errors.ts'
import { isJsonObject, type Json } from './model/json.ts'
import type { LookupRequest } from './model/lookup.ts'
import { RESERVED_TABLES } from './notifications/tables.ts'
import type { Ports } from './ports.ts'
import type { Program } from './program.ts'
import type { LookupAnswer, Lookups, RuleMessage } from './rules/index.ts'
import { AWS_SHADOW, getShadow } from './shadow/index.ts'

/** An answer can lead to another question; more rounds than this no rule gets. */
const MAX_ROUNDS = 4

/** Questions of one batch at most: a rule that asks something else for each message is held back here. */
const MAX_QUESTIONS = 200

/** Fetches what the rules of some messages ask of the world, before the step: the step itself never waits. */
export type FetchLookups = (messages: readonly RuleMessage[]) => Promise<Lookups | undefined>

/** Whether any rule of the program asks something of the world. */
export function asksTheWorld(program: Program): boolean {
  const all = [...program.rulesById.values(), ...program.alarmsById.values()]
  return all.some(({ asking }) => asking.length > 0)
}

/**
 * Builds the fetcher. `undefined` comes back if nothing was asked.
 *
 * The same names work on every cloud: `get_thing_shadow` reads the core's shadow, `get_dynamodb` and `lookup` the cloud's
 * own table store, the others go to the lookup port.
 * @throws CoreError `store.unavailable` if a store does not answer: the uplinks are asked for again.
 */
export function createFetchLookups(ports: Ports, program: Program): FetchLookups {
  async function answer({ function: name, args }: LookupRequest): Promise<Json | undefined> {
    switch (name) {
      case 'get_thing_shadow':
        return shadowOf(args)
      case 'lookup':
        return typeof args[0] === 'string' && typeof args[1] === 'string'
          ? itemAt(args[0], args[1])
          : undefined
      case 'get_dynamodb':
        return itemOf(args)
      default:
        return ports.lookups.answer({ function: name, args })
    }
  }

  /** get_thing_shadow(thing, [shadow,] roleArn). */
  async function shadowOf(args: readonly Json[]): Promise<Json | undefined> {
    const [thing, second] = args
    if (typeof thing !== 'string') return undefined
    const record = await ports.devices.load(thing)
    const name = args.length > 2 && typeof second === 'string' ? second : ''
    const document =
      record !== undefined && Object.hasOwn(record.shadows, name) ? record.shadows[name] : undefined
    const at = Math.floor(ports.clock.now() / 1_000)
    const found = getShadow(document, { at, dialect: AWS_SHADOW, name })
    return 'accepted' in found ? found.accepted : undefined
  }

  /** get_dynamodb(table, partition key name, value, [sort key name, value,] roleArn). A sort key follows after a slash. */
  function itemOf(args: readonly Json[]): Promise<Json | undefined> {
    const [table, , partition, , sort] = args
    if (typeof table !== 'string') return Promise.resolve(undefined)
    const key = args.length > 4 ? `${textOf(partition)}/${textOf(sort)}` : textOf(partition)
    return itemAt(table, key)
  }

  /** Tables of ours hold what not everybody who writes a rule may see: people, keys, sessions. */
  async function itemAt(table: string, key: string): Promise<Json | undefined> {
    return table.startsWith(RESERVED_TABLES) ? undefined : ports.tables.get(table, key)
  }

  /** What the rules and alarms that a message reaches ask. One that fails asks nothing: the step tells of it. */
  function requestsOf(message: RuleMessage): readonly LookupRequest[] {
    const { topic } = message.facts
    return [...program.rules.match(topic), ...program.alarms.match(topic)].flatMap(({ asking }) =>
      asking.flatMap((one) => {
        try {
          return one.lookups(message)
        } catch (error) {
          if (error instanceof CoreError) return []
          throw error
        }
      }),
    )
  }

  return async (messages) => {
    const answers = new Map<string, LookupAnswer>()
    const lookups: Lookups = { find: (request) => answers.get(keyOf(request)) }
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const questions = new Map<string, LookupRequest>()
      for (const message of messages) {
        const asked = { ...message, facts: { ...message.facts, lookups } }
        for (const request of requestsOf(asked)) questions.set(keyOf(request), request)
      }
      const open = [...questions].slice(0, MAX_QUESTIONS - answers.size)
      if (open.length === 0) break
      await Promise.all(
        open.map(async ([key, request]) => {
          answers.set(key, { value: await answer(request) })
        }),
      )
    }
    return answers.size === 0 ? undefined : lookups
  }
}

function keyOf({ function: name, args }: LookupRequest): string {
  return `${name}${JSON.stringify(args)}`
}

function textOf(value: Json | undefined): string {
  return typeof value === 'string'
    ? value
    : JSON.stringify(isJsonObject(value) ? null : (value ?? null))
}
