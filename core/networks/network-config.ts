import * as z from 'zod'
import { nearestName } from '../model/nearest.ts'
import { NETWORK_KINDS } from './list.ts'
import { option, textOption } from './options.ts'
import type { SecretPlace } from './secret.ts'

const Header = z.string().regex(/^[A-Za-z0-9-]{1,64}$/, 'expected the name of a header')

/** What every network of the config may have. */
const COMMON = {
  secret: z
    .string()
    .min(16, 'expected at least 16 characters: it is all that a request proves itself with')
    .max(1_024)
    .optional()
    .meta({
      description:
        "What requests to /networks/{name} prove themselves with; without it the admin's token does, and on a laptop nothing is asked for.",
    }),
  secretIn: z
    .strictObject({
      header: Header.optional().meta({ description: 'A header that holds the secret.' }),
      body: z
        .string()
        .regex(/^(\/([^~/]|~[01])*)+$/, 'expected a JSON pointer such as /secret')
        .optional()
        .meta({
          description: 'Where in the body, which is JSON, the secret stands: a JSON pointer.',
        }),
      signature: Header.optional().meta({
        description:
          'A header that holds the HMAC-SHA256 of the body under the secret, in hex or base64.',
      }),
    })
    .refine((places) => Object.keys(places).length === 1, {
      message: 'expected one of header, body, signature',
    })
    .prefault({ header: 'authorization' })
    .meta({
      description: 'Where the secret stands: the header Authorization, with Bearer or without.',
    }),
  prefix: z
    .string()
    .regex(/^[a-zA-Z0-9:._-]{0,32}$/, 'expected at most 32 letters, digits, and : . _ -')
    .default('')
    .meta({ description: 'Stands before the ids of its devices here.' }),
  devices: z.string().min(1).max(256).default('*').meta({
    description:
      'Which devices it may speak for, by their ids here: a pattern in which * stands for any characters.',
  }),
  use: z.enum(['decoded', 'bytes']).default('decoded').meta({
    description:
      'What counts where the network has decoded: its object, or the bytes that the codec decodes.',
  }),
}

/** A network as a checked config names it. */
export interface NetworkConfig {
  readonly type: string
  readonly secret: string | undefined
  readonly secretIn: SecretPlace
  readonly prefix: string
  readonly devices: string
  readonly use: 'decoded' | 'bytes'
  /** `type`, and the options of the codec. */
  readonly codec: { readonly type: string; readonly [option: string]: unknown } | undefined
  readonly [option: string]: unknown
}

/**
 * `networks.{name}`: a type, what every network may have, and what this type may have beside it. `codec` is the schema of
 * codecs, which is another folder's.
 */
export function networkSchema(codec: z.ZodType) {
  const common = { ...COMMON, codec: codec.optional().meta({ description: CODEC }) }
  const [first = z.strictObject({ type: z.literal('') }), ...others] = NETWORK_KINDS.map(
    ({ name, summary, options }) =>
      options.extend({ ...common, type: z.literal(name).meta({ description: summary }) }),
  )
  return z
    .discriminatedUnion('type', [first, ...others], {
      error: ({ input }) =>
        typeof input === 'object' ? unknownNetwork(option(input, 'type')) : undefined,
    })
    .transform(toConfig)
}

/** What the schema has checked, as what it is. */
function toConfig(checked: Readonly<Record<string, unknown>>): NetworkConfig {
  const codec = checked['codec']
  return {
    ...checked,
    type: textOption(checked, 'type') ?? '',
    secret: textOption(checked, 'secret'),
    secretIn: placeOf(checked['secretIn']),
    prefix: textOption(checked, 'prefix') ?? '',
    devices: textOption(checked, 'devices') ?? '*',
    use: textOption(checked, 'use') === 'bytes' ? 'bytes' : 'decoded',
    codec:
      typeof codec === 'object' && codec !== null
        ? { ...codec, type: textOption(codec, 'type') ?? '' }
        : undefined,
  }
}

function placeOf(given: unknown): SecretPlace {
  const body = textOption(given, 'body')
  if (body !== undefined) return { body }
  const signature = textOption(given, 'signature')
  if (signature !== undefined) return { signature }
  return { header: textOption(given, 'header') ?? 'authorization' }
}

const CODEC =
  'How the bytes of its devices are decoded; by the codec of their device type unless given.'

function unknownNetwork(name: unknown): string {
  const known = NETWORK_KINDS.map((kind) => kind.name)
  const expected = `expected a network (${known.join(', ')})`
  if (typeof name !== 'string') return `${expected}, found none`
  const close = nearestName(name, known)
  const hint = close === undefined ? '' : `; did you mean ${close}?`
  return `${expected}, found ${JSON.stringify(name)}${hint}`
}
