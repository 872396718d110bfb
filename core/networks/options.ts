import * as z from 'zod'

/** An own member of checked options, at the end of a path of names. */
export function option(options: unknown, ...path: readonly string[]): unknown {
  let value = options
  for (const name of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined
    value = Object.getOwnPropertyDescriptor(value, name)?.value
  }
  return value
}

/** A text among checked options. */
export function textOption(options: unknown, ...path: readonly string[]): string | undefined {
  const value = option(options, ...path)
  return typeof value === 'string' ? value : undefined
}

/** A number among checked options. */
export function numberOption(options: unknown, ...path: readonly string[]): number | undefined {
  const value = option(options, ...path)
  return typeof value === 'number' ? value : undefined
}

/** Where a network's own API takes downlinks. */
export const API_OPTIONS = {
  url: z
    .url({ protocol: /^https?$/ })
    .optional()
    .meta({ description: 'Where the API of the network is; without it downlinks are published.' }),
  apiKey: z
    .string()
    .min(1)
    .optional()
    .meta({ description: 'What the API asks for: a key or token of the network.' }),
  allowPrivate: z
    .boolean()
    .default(false)
    .meta({ description: 'Allow loopback and private addresses: a server of your own.' }),
}

/** What LoRaWAN downlinks say unless the command does. */
export const LORA_OPTIONS = {
  fPort: z
    .int()
    .min(1)
    .max(223)
    .default(1)
    .meta({ description: 'The port of downlinks for which neither command nor codec names one.' }),
  confirmed: z.boolean().default(false).meta({
    description: 'Whether devices have to confirm downlinks, unless the command says so.',
  }),
}

/** An URL below another, whatever it ends in. */
export function below(url: string, path: string): string {
  return `${url.replace(/\/+$/, '')}${path}`
}
