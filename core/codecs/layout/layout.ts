import { CoreError } from '../../errors.ts'
import { isJsonObject, type Json } from '../../model/json.ts'
import { type Codec, type CodecMessage, NO_WARNINGS } from '../codec.ts'
import { badLayout } from './fault.ts'
import { type FormPlan, formOf } from './form.ts'
import type { LayoutOptions } from './options.ts'

/**
 * The codec of a layout: everything that can be known before a message comes is prepared once.
 * @throws CoreError `codec.bad_options`.
 */
export function openLayout(options: LayoutOptions): Codec {
  const { fields, ports = {}, downlink, messages } = options
  const usual = fields === undefined ? undefined : formOf(options, options, '')
  const byPort = new Map(
    Object.entries(ports).map(([port, form]): [number, FormPlan] => [
      Number(port),
      formOf(form, options, `ports.${port}`),
    ]),
  )
  if (usual === undefined && byPort.size === 0)
    throw badLayout('fields', 'expected fields or ports, found neither')
  if (messages !== undefined) expectRepeat(options, messages)
  const down = downlink === undefined ? undefined : formOf(downlink, options, 'downlink')
  const planFor = (port: number | undefined): FormPlan => {
    const plan = (port === undefined ? undefined : byPort.get(port)) ?? usual
    if (plan !== undefined) return plan
    throw new CoreError(
      'codec.unsupported',
      `layout: expected fPort ${[...byPort.keys()].join(', ')}, found ${port ?? 'none'}`,
      { details: { offset: 0 } },
    )
  }
  return {
    name: 'layout',
    decode(bytes, { fPort }) {
      const warnings: string[] = []
      const value = planFor(fPort).read(bytes, warnings)
      return { value, warnings }
    },
    encode(value, { fPort }) {
      const port = downlink?.fPort ?? fPort
      const bytes = (down ?? planFor(fPort)).write(value)
      return port === undefined
        ? { bytes, warnings: NO_WARNINGS }
        : { bytes, fPort: port, warnings: NO_WARNINGS }
    },
    split: messages === undefined ? undefined : (value) => splitBy(value, messages),
    exactText: undefined,
  }
}

/** Each item becomes a message, with what stands beside the list in every one. */
function splitBy(value: Json, name: string): readonly CodecMessage[] {
  if (!isJsonObject(value)) return [{ body: value }]
  const { [name]: items, ...rest } = value
  if (!Array.isArray(items) || items.length === 0) return [{ body: value }]
  return items.map((item) => ({
    body: isJsonObject(item) ? { ...rest, ...item } : { ...rest, [name]: item },
  }))
}

function expectRepeat({ fields = [], ports = {} }: LayoutOptions, name: string): void {
  const forms = [fields, ...Object.values(ports).map((form) => form.fields ?? [])]
  const found = forms.some((form) =>
    form.some(
      (field) =>
        field.type === 'repeat' && field.name === name && (field.into ?? 'list') === 'list',
    ),
  )
  if (!found)
    throw badLayout(
      'messages',
      `expected the name of a field that repeats into a list, found ${name}`,
    )
}
