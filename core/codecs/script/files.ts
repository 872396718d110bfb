/** A file that a config names and that cannot be had. */
export interface FileFault {
  readonly path: readonly string[]
  readonly message: string
}

/** The member that the text of a codec's `file` goes into, by the type of the codec. */
const TEXT_MEMBERS: ReadonlyMap<unknown, string> = new Map([
  ['script', 'script'],
  ['protobuf', 'descriptor'],
])

/**
 * Puts the text of each script and each schema that a config names by its file into the config, so that the config stands
 * for itself.
 *
 * Shape:  `data` is what a config file holds, unchecked; `read` gives the text of a file, `undefined` if there is none.
 * Result: `data` itself where it names no file.
 */
export function inlineScripts(
  data: unknown,
  read: (file: string) => string | undefined,
): { readonly data: unknown; readonly faults: readonly FileFault[] } {
  const faults: FileFault[] = []
  const types = memberOf(data, 'deviceTypes')
  if (!isObject(types)) return { data, faults }
  const filled = Object.entries(types).map(([name, type]): [string, unknown] => {
    const codec = memberOf(type, 'codec')
    const file = memberOf(codec, 'file')
    const member = TEXT_MEMBERS.get(memberOf(codec, 'type'))
    if (member === undefined || typeof file !== 'string') return [name, type]
    const path = ['deviceTypes', name, 'codec', 'file']
    if (memberOf(codec, member) !== undefined) {
      faults.push({ path, message: `expected ${member} or file, found both` })
      return [name, type]
    }
    const text = read(file)
    if (text === undefined) {
      faults.push({ path, message: `expected a file ${file} beside the config, found none` })
      return [name, type]
    }
    return [name, { ...asObject(type), codec: { ...asObject(codec), [member]: text } }]
  })
  return { data: { ...asObject(data), deviceTypes: Object.fromEntries(filled) }, faults }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function asObject(value: unknown): object {
  return isObject(value) ? value : {}
}

function memberOf(value: unknown, name: string): unknown {
  return isObject(value) ? Object.getOwnPropertyDescriptor(value, name)?.value : undefined
}
