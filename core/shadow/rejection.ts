/** Why a shadow request is refused. */
export type RejectionReason =
  | 'invalidJson'
  | 'missingState'
  | 'stateNotObject'
  | 'desiredNotObject'
  | 'reportedNotObject'
  | 'invalidVersion'
  | 'invalidClientToken'
  | 'tooDeep'
  | 'invalidNode'
  | 'invalidName'
  | 'invalidPage'
  | 'notFound'
  | 'versionConflict'
  | 'tooLarge'
  | 'notUtf8'

/** What one dialect says for a reason. */
export interface RejectionText {
  readonly code: number
  readonly message: string
  /** True: the body has no `timestamp`. */
  readonly unstamped?: boolean
}

/** The body of a rejected message: a bad request is a value. */
export type ShadowRejection = {
  readonly code: number
  readonly message: string
  /** Epoch s. */
  readonly timestamp?: number
  readonly clientToken?: string
}

/** What a rejection echoes: the time, and the client's token where the request had one. */
export interface RejectionContext {
  /** Epoch s. */
  readonly at: number
  readonly clientToken?: string | undefined
}

/** The body of a rejected message. */
export function reject(text: RejectionText, context: RejectionContext): ShadowRejection {
  return {
    code: text.code,
    message: text.message,
    ...(text.unstamped ? {} : { timestamp: context.at }),
    ...(context.clientToken === undefined ? {} : { clientToken: context.clientToken }),
  }
}
