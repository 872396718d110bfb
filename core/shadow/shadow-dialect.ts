import { type MergeRules, withoutNullSubtrees } from './merge-patch.ts'
import type { RejectionReason, RejectionText } from './rejection.ts'

/** What one system says a shadow is: limits, names, merging and words. */
export interface ShadowDialect {
  /** Of a whole request, before anything in it is read. */
  readonly maxRequestBytes: number
  /** Of the stored desired and reported sections together, as JSON in UTF-8. Metadata is not counted. */
  readonly maxStateBytes: number
  /** Levels of objects and arrays; the section itself is the first. */
  readonly maxDepth: number
  readonly maxClientTokenBytes: number
  readonly maxNameLength: number
  readonly namePattern: RegExp
  readonly page: { readonly smallest: number; readonly largest: number; readonly usual: number }
  /** For how long the version of a deleted shadow is remembered. */
  readonly tombstoneSeconds: number
  readonly merge: MergeRules
  readonly rejections: Readonly<Record<RejectionReason, RejectionText>>
}

/**
 * AWS IoT Device Shadow.
 *
 * Source: AWS IoT developer guide, device-shadow-document, device-shadow-error-messages and the service quotas. The
 *         texts of `invalidName` and `invalidPage` and the merge of null subtrees are not published: the names follow
 *         aws-greengrass-shadow-manager `Validator`, the merge its `JsonMerger`. Not verified either: which text a null in
 *         an array gets (here `invalidNode`), and that a shadow counts from 1 again once its tombstone is forgotten.
 */
export const AWS_SHADOW: ShadowDialect = {
  maxRequestBytes: 131_072,
  maxStateBytes: 8_192,
  maxDepth: 6,
  maxClientTokenBytes: 64,
  maxNameLength: 64,
  namePattern: /^[a-zA-Z0-9:_-]+$/,
  page: { smallest: 1, largest: 100, usual: 25 },
  tombstoneSeconds: 48 * 3_600,
  merge: { fresh: withoutNullSubtrees, nullRemoves: true },
  rejections: {
    invalidJson: { code: 400, message: 'Invalid JSON' },
    missingState: { code: 400, message: 'Missing required node: state' },
    stateNotObject: { code: 400, message: 'State node must be an object' },
    desiredNotObject: { code: 400, message: 'Desired node must be an object' },
    reportedNotObject: { code: 400, message: 'Reported node must be an object' },
    invalidVersion: { code: 400, message: 'Invalid version' },
    invalidClientToken: { code: 400, message: 'Invalid clientToken' },
    tooDeep: { code: 400, message: 'JSON contains too many levels of nesting; maximum is 6' },
    invalidNode: { code: 400, message: 'State contains an invalid node' },
    invalidName: {
      code: 400,
      message: 'ShadowName must match pattern [a-zA-Z0-9:_-]+ and has a maximum length of 64',
    },
    invalidPage: { code: 400, message: 'Invalid pageSize or nextToken' },
    notFound: { code: 404, message: 'No shadow exists with name', unstamped: true },
    versionConflict: { code: 409, message: 'Version conflict' },
    tooLarge: { code: 413, message: 'The payload exceeds the maximum size allowed' },
    notUtf8: { code: 415, message: 'Unsupported documented encoding; supported encoding is UTF-8' },
  },
}
