/** Any JSON value. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject

/** A JSON object. Never mutated once it travels: whoever changes one makes a copy of the path. */
export interface JsonObject {
  readonly [key: string]: Json
}

/** Narrows a JSON value to an object (not `null`, not an array). */
export function isJsonObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
