import { isJsonObject, type Json, type LookupSource, type Registry } from '../../core/index.ts'

/** What a cloud has for the questions of rules. */
export interface LookupWays {
  /** The text of a secret, or `undefined` if there is none. */
  secret(id: string): Promise<string | undefined>
  /** What a function of AWS answers; elsewhere there is none. */
  lambda(name: string, input: Json): Promise<Json | undefined>
  readonly registry: Pick<Registry, 'get'>
}

/** Answers what rules ask of the world, in the words of AWS IoT: `get_secret`, `aws_lambda`, `get_registry_data`. */
export function createLookups({ secret, lambda, registry }: LookupWays): LookupSource {
  async function memberOf(id: string, key: string | undefined): Promise<Json | undefined> {
    const text = await secret(id)
    if (key === undefined || text === undefined) return text
    const parsed = parseText(text)
    return isJsonObject(parsed) && Object.hasOwn(parsed, key) ? parsed[key] : undefined
  }

  return {
    async answer({ function: name, args: [first, second, third, ...rest] }) {
      if (typeof first !== 'string') return undefined
      switch (name) {
        case 'get_secret':
          // get_secret(id, type[, key], roleArn)
          return memberOf(first, rest.length > 0 && typeof third === 'string' ? third : undefined)
        case 'aws_lambda':
          return lambda(first, second ?? null)
        case 'get_registry_data': {
          // get_registry_data('DescribeThing', thing, roleArn)
          if (first.toLowerCase() !== 'describething' || typeof second !== 'string')
            return undefined
          const device = await registry.get(second)
          if (device === undefined) return undefined
          const { deviceId, type, tags, version } = device
          return {
            thingName: deviceId,
            attributes: { ...tags },
            version,
            ...(type === undefined ? {} : { thingTypeName: type }),
          }
        }
        default:
          return undefined
      }
    },
  }
}

/** The value that a text says in JSON; `undefined` if it says none. */
export function parseText(text: string): Json | undefined {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
