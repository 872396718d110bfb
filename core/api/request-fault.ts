import type { ConfigFault } from '../config-faults.ts'

/** Where something stands in a request. */
export type RequestPart = 'path' | 'query' | 'body' | 'header'

/** One thing that is wrong, and where. Source: RFC 9457, 3 (the example `errors`) and RFC 6901. */
export interface FaultView {
  readonly in: RequestPart
  /** JSON pointer into the part. */
  readonly pointer: string
  readonly detail: string
  /** Inside a text with lines of its own (SQL), 1-based. */
  readonly line?: number
  readonly column?: number
}

/** A part of a request does not fit what was expected there; every fault of it is named. */
export class RequestFault extends Error {
  override readonly name = 'RequestFault'
  readonly faults: readonly FaultView[]
  readonly status: 400 | 422

  constructor(part: RequestPart, faults: readonly ConfigFault[], status: 400 | 422 = 400) {
    const views = faults.map(
      ({ path, message, position }): FaultView => ({
        in: part,
        pointer: pointerOf(path),
        detail: message,
        ...position,
      }),
    )
    super(faults.map((fault) => sentence(part, fault)).join('; '))
    this.faults = views
    this.status = status
  }
}

function sentence(part: RequestPart, { path, message }: ConfigFault): string {
  if (path.length === 0) return part === 'body' ? message : `${part}: ${message}`
  return `${part === 'body' ? '' : `${part} `}${path.join('.')}: ${message}`
}

/** Source: RFC 6901, 3. */
function pointerOf(path: readonly (string | number)[]): string {
  return path.map((key) => `/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
}
