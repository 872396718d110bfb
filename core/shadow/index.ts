export type { ShadowDocument, ShadowMetadata } from '../model/shadow.ts'
export { changesDesired } from './changes-desired.ts'
export { shadowDelta } from './delta.ts'
export {
  clearReachedDesired,
  endsBefore,
  expireDesired,
  type Lifetimes,
  nextDesiredExpiry,
} from './desired-lifetime.ts'
export { isAlive, isForgotten, newShadow } from './document.ts'
export { type DeltaLeaf, explainDelta } from './explain-delta.ts'
export { type FollowedDesired, followDesired } from './follow-desired.ts'
export { mergeDiff } from './merge-diff.ts'
export { mergePatch } from './merge-patch.ts'
export { type MergeTwinOptions, mergeTwin } from './merge-twin.ts'
export { type MirrorOptions, mirrorShadow, type OwnersShadow } from './mirror-shadow.ts'
export { type PropertyAck, readPropertyAck, withoutAcks } from './property-ack.ts'
export { type RejectionReason, reject, type ShadowRejection } from './rejection.ts'
export { reportValues } from './report-values.ts'
export { acceptedBody, changeBodies, deltaBody, snapshotBody } from './shadow-bodies.ts'
export { AWS_SHADOW, type ShadowDialect } from './shadow-dialect.ts'
export { logChange } from './shadow-log.ts'
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
export { shadowTopic } from './shadow-topic.ts'
export { twinPatchFault } from './twin-check.ts'
export {
  AZURE_EDGE_HUB,
  AZURE_IOT_HUB,
  type TwinDialect,
  type TwinSection,
} from './twin-dialect.ts'
export { twinForBackEnd, twinForDevice } from './twin-views.ts'
export {
  type RefusedShadow,
  type ShadowChange,
  type UpdatedShadow,
  type UpdateOptions,
  updateShadow,
} from './update-shadow.ts'
export {
  parseTwinPatch,
  type RefusedTwin,
  type TwinChange,
  type TwinOptions,
  type TwinRejection,
  type TwinUpdate,
  twinVersion,
  type UpdatedTwin,
  updateTwin,
  withoutServiceProperties,
} from './update-twin.ts'
