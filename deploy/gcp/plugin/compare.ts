import type { Body } from './api.ts'

/**
 * Names of the top fields in which what stands there differs from what is wanted. What only Google sets is not
 * looked at; a default that is not sent is the same as one that is (proto3 JSON).
 */
export function differences(wanted: Body, found: Body): string[] {
  return Object.keys(wanted).filter((key) => !holds(found[key], wanted[key], key))
}

/** A map that belongs to whoever deploys, whole: what was put there by hand goes. */
const WHOLE = 'environmentVariables'

function holds(found: unknown, wanted: unknown, key: string): boolean {
  if (isDefault(wanted)) return isDefault(found)
  if (Array.isArray(wanted))
    return (
      Array.isArray(found) &&
      found.length === wanted.length &&
      wanted.every((one, index) => holds(found[index], one, key))
    )
  if (typeof wanted === 'object' && wanted !== null) {
    if (typeof found !== 'object' || found === null) return false
    const there = new Map(Object.entries(found))
    if (key === WHOLE && there.size !== Object.keys(wanted).length) return false
    return Object.entries(wanted).every(([name, value]) => holds(there.get(name), value, name))
  }
  if (key === 'availableMemory') return memoryOf(found) === memoryOf(wanted)
  return String(found) === String(wanted)
}

function isDefault(value: unknown): boolean {
  if (value === undefined || value === null || value === false || value === 0 || value === '')
    return true
  return typeof value === 'object' && Object.values(value).every(isDefault)
}

/** `512Mi` and `512M` are the same to Cloud Functions. */
function memoryOf(value: unknown): string {
  return String(value).replace(/i$/, '')
}
