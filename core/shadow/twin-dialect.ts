import type { JsonObject } from '../model/json.ts'
import { jsonBytes } from './json-tree.ts'
import { type MergeRules, withNulls, withoutNulls } from './merge-patch.ts'
import { twinBytes } from './twin-size.ts'

/** The parts of a twin that are written. */
export type TwinSection = 'desired' | 'reported' | 'tags'

/** What one system says a twin is: limits, names, merging. Texts follow Azure/iotedge `ReportedPropertiesValidator`. */
export interface TwinDialect {
  /** Of a whole request, before anything in it is read. */
  readonly maxRequestBytes: number
  /** Of one patch as JSON in UTF-8, where the system judges the patch itself. */
  readonly maxPatchBytes: number | undefined
  /** Of each section after the patch, in the measure of the system. */
  readonly maxSectionBytes: Readonly<Record<TwinSection, number>>
  readonly measure: (section: JsonObject) => number
  /** Levels of objects and arrays below the section itself. */
  readonly maxDepth: number
  readonly maxKeyBytes: number
  readonly maxStringBytes: number
  readonly smallestInteger: number
  readonly largestInteger: number
  /** Finds the first character that a name must not have. */
  readonly forbiddenInKey: RegExp
  /** `$version` of a section that was never written. */
  readonly firstVersion: number
  readonly merge: MergeRules
}

/**
 * Azure IoT Hub device twin.
 *
 * Source: learn.microsoft.com, iot-hub-devguide-device-twins, "Device twin size" and "Tags and properties format".
 */
export const AZURE_IOT_HUB: TwinDialect = {
  maxRequestBytes: 262_144,
  maxPatchBytes: undefined,
  maxSectionBytes: { tags: 8_192, desired: 32_768, reported: 32_768 },
  measure: twinBytes,
  maxDepth: 10,
  maxKeyBytes: 1_024,
  maxStringBytes: 4_096,
  smallestInteger: -4_503_599_627_370_496,
  largestInteger: 4_503_599_627_370_495,
  forbiddenInKey: /[\p{Cc}.$ ]/u,
  firstVersion: 1,
  merge: { fresh: withoutNulls, nullRemoves: true },
}

/**
 * Azure IoT Edge Hub, which judges each patch before it passes it on, is stricter with names, measures plain JSON and
 * keeps the nulls of new subtrees.
 *
 * Source: Azure/iotedge `ReportedPropertiesValidator`, `JsonEx.Merge`.
 */
export const AZURE_EDGE_HUB: TwinDialect = {
  ...AZURE_IOT_HUB,
  maxPatchBytes: 32_768,
  measure: jsonBytes,
  forbiddenInKey: /[\p{Cc}\p{Z}.$#]/u,
  merge: { fresh: withNulls, nullRemoves: true },
}
