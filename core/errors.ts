/** Every code the core may raise, and whether the same input could succeed later. */
export const ERROR_CODES = {
  'access.bad_credentials': { retryable: false },
  'access.expired': { retryable: false },
  'access.forbidden': { retryable: false },
  'access.no_role': { retryable: false },
  'access.csrf': { retryable: false },
  'access.throttled': { retryable: true },
  'access.issuer_unavailable': { retryable: true },
  'uplink.no_device': { retryable: false },
  'uplink.no_rule': { retryable: false },
  'uplink.bad_device_id': { retryable: false },
  'uplink.too_large': { retryable: false },
  'uplink.too_deep': { retryable: false },
  'uplink.future_time': { retryable: false },
  'uplink.bad_time': { retryable: false },
  'uplink.bad_message_id': { retryable: false },
  'uplink.bad_value': { retryable: false },
  'uplink.unknown_metric': { retryable: false },
  'uplink.bad_properties': { retryable: false },
  'codec.unknown': { retryable: false },
  'codec.malformed': { retryable: false },
  'codec.truncated': { retryable: false },
  'codec.wrong_type': { retryable: false },
  'codec.failed': { retryable: false },
  'codec.bad_options': { retryable: false },
  'codec.checksum': { retryable: false },
  'codec.duplicate_key': { retryable: false },
  'codec.no_encoder': { retryable: false },
  'codec.out_of_range': { retryable: false },
  'codec.script_failed': { retryable: false },
  'codec.script_limit': { retryable: false },
  'codec.script_timeout': { retryable: false },
  'codec.too_deep': { retryable: false },
  'codec.too_large': { retryable: false },
  'codec.trailing_bytes': { retryable: false },
  'codec.unsupported': { retryable: false },
  'codec.unsupported_version': { retryable: false },
  'trigger.malformed': { retryable: false },
  'config.invalid': { retryable: false },
  'config.syntax': { retryable: false },
  'config.not_found': { retryable: false },
  'rule.syntax': { retryable: false },
  'rule.type': { retryable: false },
  'rule.unknown_function': { retryable: false },
  'rule.unsupported': { retryable: false },
  'rule.limit': { retryable: false },
  'rule.topic_filter': { retryable: false },
  'rule.failed': { retryable: false },
  'rule.fixed': { retryable: false },
  'rule.declared': { retryable: false },
  'shadow.bad_request': { retryable: false },
  'shadow.not_found': { retryable: false },
  'shadow.version_conflict': { retryable: false },
  'shadow.too_large': { retryable: false },
  'channel.rejected': { retryable: false },
  'channel.unavailable': { retryable: true },
  'channel.forbidden_address': { retryable: false },
  'channel.gone': { retryable: false },
  'channel.throttled': { retryable: false },
  'device.disabled': { retryable: false },
  'device.exists': { retryable: false },
  'device.record_too_large': { retryable: false },
  'device.outbox_full': { retryable: true },
  'device.step_failed': { retryable: false },
  'command.invalid': { retryable: false },
  'command.too_large': { retryable: false },
  'command.queue_full': { retryable: true },
  'command.lock_lost': { retryable: false },
  'network.malformed': { retryable: false },
  'network.no_birth': { retryable: false },
  'network.no_downlink': { retryable: false },
  'network.unauthorized': { retryable: false },
  'network.not_its_device': { retryable: false },
  'method.invalid': { retryable: false },
  'method.device_offline': { retryable: true },
  'method.timed_out': { retryable: true },
  'method.unsupported': { retryable: false },
  'query.invalid': { retryable: false },
  'store.conflict': { retryable: true },
  'store.unavailable': { retryable: true },
  'store.locked': { retryable: false },
  'store.wrong_version': { retryable: false },
  'port.in_use': { retryable: false },
  'input.not_found': { retryable: false },
  'input.malformed': { retryable: false },
  'input.too_large': { retryable: false },
  'input.wrong_type': { retryable: false },
  'input.precondition_failed': { retryable: false },
  'input.key_reused': { retryable: false },
  'input.key_in_use': { retryable: true },
  'input.key_done': { retryable: false },
  'access.rate_limited': { retryable: true },
  'usage.wrong': { retryable: false },
} as const satisfies Record<string, { retryable: boolean }>

export type ErrorCode = keyof typeof ERROR_CODES

/** Where in a text the fault is: 1-based line and column. */
export interface SourcePosition {
  readonly line: number
  readonly column: number
}

export interface CoreErrorOptions {
  readonly cause?: unknown
  /** Facts for the log, already safe to print: ids and lengths, never payloads or secrets. */
  readonly details?: Readonly<Record<string, string | number>>
  /** For faults in a text that a person wrote (SQL, YAML). */
  readonly position?: SourcePosition
}

/** The one error class of the project. Callers branch on `code`, people read `message`. */
export class CoreError extends Error {
  override readonly name = 'CoreError'
  readonly code: ErrorCode
  readonly details: Readonly<Record<string, string | number>>
  readonly position: SourcePosition | undefined

  constructor(code: ErrorCode, message: string, options: CoreErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.details = options.details ?? {}
    this.position = options.position
  }

  /** True if the same input could succeed later. */
  get retryable(): boolean {
    return ERROR_CODES[this.code].retryable
  }
}
