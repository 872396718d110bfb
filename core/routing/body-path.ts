import { isJsonObject, type Json } from '../model/json.ts'
import type { Value } from './value.ts'

/** The steps of a path into a document: keys, and indexes of arrays. */
export type Path = readonly (string | number)[]

/**
 * Reads a path such as `Weather.History[0].Temperature`; `undefined` if the text is none.
 * Source: Azure/iotedge, `JsonPath.g4`.
 */
export function parsePath(text: string): Path | undefined {
  const steps: (string | number)[] = []
  for (const part of text.split('.')) {
    const found = STEP.exec(part)
    const [, key, index] = found ?? []
    if (key === undefined || /^[0-9]+$/.test(key)) return undefined
    steps.push(key)
    if (index !== undefined) steps.push(Number(index))
  }
  return steps
}

const STEP = /^([^()<>@,;:\\"/[\]?={}.\t\n\r]+)(?:\[([0-9]+)\])?$/

/** What stands at the end of a path; `undefined` if it leads nowhere. Keys count letter by letter. */
export function findAt(document: Json, path: Path): Json | undefined {
  let at: Json | undefined = document
  for (const step of path) {
    if (typeof step === 'number') {
      at = Array.isArray(at) ? at[step] : undefined
    } else {
      at = isJsonObject(at) && Object.hasOwn(at, step) ? at[step] : undefined
    }
    if (at === undefined) return undefined
  }
  return at
}

/**
 * The value at the end of a path as the language has it: null where the path leads nowhere, Undefined for what is no
 * single value. Source: Azure/iotedge, `JsonMessageQueryValueProvider`; Newtonsoft.Json takes texts that are times for
 * times, which the language does not have.
 */
export function readAt(document: Json, path: Path): Value {
  const found = findAt(document, path)
  if (found === undefined) return null
  if (typeof found === 'object') return found === null ? null : undefined
  return typeof found === 'string' && isTime(found) ? undefined : found
}

function isTime(text: string): boolean {
  const isIso = text.charCodeAt(10) === 84 && text.length >= 19 && text.length <= 40
  if (isIso) return ISO_TIME.test(text) && !Number.isNaN(Date.parse(text.slice(0, 19)))
  return text.startsWith('/Date(') && /^\/Date\(-?\d+(?:[+-]\d{4})?\)\/$/.test(text)
}

const ISO_TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,12})?(?:Z|[+-]\d{2}:?\d{2})?$/
