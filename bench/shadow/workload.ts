import {
  AWS_SHADOW,
  type JsonObject,
  mergePatch,
  readShadowRequest,
  reportValues,
  type ShadowDocument,
  type ShadowState,
  shadowDelta,
  updateShadow,
} from '../../core/index.ts'

/** Keys of the document; a tenth of them stands in groups of five. */
export const KEYS = 100

/** One thing that is measured; `run` is one operation. */
export interface Task {
  readonly name: string
  readonly run: () => void
  /** @throws Error if the result that was kept last is not the right one. */
  readonly check: () => void
}

/** A document as a device with a hundred settings has: numbers, texts, switches, two groups of five. */
function settings(turn: number): JsonObject {
  const flat: Record<string, number | string | boolean | JsonObject> = {}
  for (let n = 0; n < KEYS - 10; n++)
    flat[`setting-${n}`] = n % 3 === 0 ? n * 1.5 + turn : n % 3 === 1 ? `mode-${n}` : n % 2 === 0
  for (const group of ['network', 'display'])
    flat[group] = { a: turn, b: 'text', c: true, d: 4.25, e: 'last' }
  return flat
}

const desired = settings(0)
/** Ten of its values differ: those of every ninth setting. */
const reported: JsonObject = Object.fromEntries(
  Object.entries(settings(0)).map(([key, value], n) => [key, n % 9 === 0 ? -1 : value]),
)
const onePatch: JsonObject = { 'setting-30': -5 }
const allPatch = settings(7)

function updated(current: ShadowDocument | undefined, state: ShadowState): ShadowDocument {
  const options = { at: 1_700_000_000, dialect: AWS_SHADOW }
  const read = readShadowRequest({ state: { ...state } }, options)
  if (!('request' in read)) throw new Error(JSON.stringify(read))
  const change = updateShadow(current, read.request, options)
  if ('rejected' in change) throw new Error(JSON.stringify(change))
  return change.document
}

const stored = updated(undefined, { desired, reported })
const request = { state: { reported: onePatch } }
const requestOfAll = { state: { reported: allPatch } }

/** Everything that is measured; the first is the floor. */
export function createTasks(): Task[] {
  let kept: unknown
  const options = { at: 1_700_000_001, dialect: AWS_SHADOW }
  const task = (name: string, run: () => unknown, isRight: (result: unknown) => boolean): Task => ({
    name,
    run: () => {
      kept = run()
    },
    check: () => {
      if (!isRight(run())) throw new Error(`${name}: expected another result`)
      if (kept === undefined) throw new Error(`${name}: expected to have run`)
    },
  })
  const keysOf = (value: unknown): number => Object.keys(value ?? {}).length
  const versionOf = (value: unknown): unknown =>
    typeof value === 'object' && value !== null && 'document' in value ? value.document : undefined
  return [
    task(
      FLOOR,
      () => JSON.parse(JSON.stringify(desired)),
      (value) => keysOf(value) === KEYS - 8,
    ),
    task(
      'delta, 10 of 100 keys differ',
      () => shadowDelta(desired, reported),
      (value) => keysOf(value) === 11,
    ),
    task(
      'delta, nothing differs',
      () => shadowDelta(desired, allSame) ?? EQUAL,
      (value) => value === EQUAL,
    ),
    task(
      'merge of 1 key',
      () => mergePatch(reported, onePatch),
      (value) => keysOf(value) === KEYS - 8,
    ),
    task(
      'merge of 100 keys',
      () => mergePatch(reported, allPatch),
      (value) => keysOf(value) === KEYS - 8,
    ),
    task(
      'delta and merge of 1 key',
      () => {
        const merged = mergePatch(reported, onePatch)
        return shadowDelta(
          desired,
          merged === null || typeof merged !== 'object' || 'length' in merged ? {} : merged,
        )
      },
      (value) => keysOf(value) === 12,
    ),
    task(
      'one measured value mirrored, with its stamp',
      () => reportValues(stored, onePatch, 1_700_000_001),
      (value) => keysOf(value) > 5,
    ),
    task(
      'a whole update of 1 key: checks, merge, stamps, size, delta, answers',
      () => updateShadow(stored, request, options),
      (value) => keysOf(versionOf(value)) > 5,
    ),
    task(
      'a whole update of 100 keys',
      () => updateShadow(stored, requestOfAll, options),
      (value) => keysOf(versionOf(value)) > 5,
    ),
  ]
}

export const FLOOR = 'JSON.parse(JSON.stringify(…)) of the document'
const allSame = settings(0)
const EQUAL = 'equal'
