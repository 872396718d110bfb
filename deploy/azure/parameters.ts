import { z } from 'zod'

/** `true`, or as the command line writes it. */
const Flag = z
  .union([z.boolean(), z.literal(['true', 'false'])], { error: 'expected true or false' })
  .transform((value) => value === true || value === 'true')

const text = (pattern: RegExp, expected: string) =>
  z.coerce.string().regex(pattern, `expected ${expected}`)

/** What `--param` sets; the sentences are what people read of a wrong value. */
export const Parameters = z.object({
  subscriptionId: text(
    /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i,
    'the id of a subscription (az account show --query id -o tsv)',
  ),
  region: text(/^[a-z]+[a-z0-9]*$/, 'a region as az writes it, such as westeurope'),
  /** B1 to B3 have neither twins nor messages to devices. */
  hub: z.enum(['F1', 'S1', 'S2', 'S3'], {
    error:
      'expected F1 (free, one for each subscription), S1, S2 or S3; B1 to B3 cannot send to devices',
  }),
  hubUnits: z.coerce
    .number({ error: 'expected a whole number, 1 to 200' })
    .int('expected a whole number, 1 to 200')
    .min(1, 'expected a whole number, 1 to 200')
    .max(200, 'expected a whole number, 1 to 200'),
  dps: Flag,
  mail: Flag,
  smsFrom: text(/^(?:\+[1-9]\d{6,14})?$/, 'a number as +18005550123, or nothing'),
  push: Flag,
  adminTokenSha256: text(
    /^[0-9a-f]{64}$/,
    'the SHA-256 of a token in hex (printf %s "$TOKEN" | sha256sum)',
  ),
  data: z.enum(['delete', 'retain'], { error: 'expected delete or retain' }),
  dataLocation: text(/^[A-Z][A-Za-z ]+$/, 'a geography of Communication Services, such as Europe'),
})

export type Parameters = z.infer<typeof Parameters>

/** @throws Error naming every fault. */
export function readParameters(given: unknown): Parameters {
  const parsed = Parameters.safeParse(given)
  const found = (name: PropertyKey): unknown =>
    typeof given === 'object' && given !== null ? Reflect.get(given, name) : undefined
  const faults = parsed.success
    ? parsed.data.hub === 'F1' && parsed.data.hubUnits !== 1
      ? [`param hubUnits: expected 1 with hub F1, found ${parsed.data.hubUnits}`]
      : []
    : parsed.error.issues.map(({ path: [name = ''], message }) => {
        const value = found(name)
        const shown = value === undefined || value === '' ? 'nothing' : String(value)
        return `param ${String(name)}: ${message}, found ${shown}`
      })
  if (parsed.success && faults.length === 0) return parsed.data
  throw new Error(faults.join('\n'))
}
