export type { ShadowDocument, ShadowMetadata } from '../model/shadow.ts'
export { shadowDelta } from './delta.ts'
export {
  clearReachedDesired,
  expireDesired,
  type Lifetimes,
  nextDesiredExpiry,
} from './desired-lifetime.ts'
export { isAlive, isForgotten, newShadow } from './document.ts'
export { type DeltaLeaf, explainDelta } from './explain-delta.ts'
export { mergePatch } from './merge-patch.ts'
export { type RejectionReason, reject, type ShadowRejection } from './rejection.ts'
export { reportValues } from './report-values.ts'
export { AWS_SHADOW, type ShadowDialect } from './shadow-dialect.ts'
export {
  deleteShadow,
  getShadow,
  type ListOptions,
  listNamedShadows,
  type QueryOptions,
  type ShadowAnswer,
  type ShadowDeletion,
} from './shadow-queries.ts'
export {
  isShadowName,
  parseShadowRequest,
  type ReadRequest,
  type RequestOptions,
  readClientToken,
  readShadowRequest,
  type ShadowState,
  type ShadowUpdate,
} from './shadow-request.ts'
export {
  type RefusedShadow,
  type ShadowChange,
  type UpdatedShadow,
  type UpdateOptions,
  updateShadow,
} from './update-shadow.ts'
