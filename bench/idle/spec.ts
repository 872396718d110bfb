/** What the idle process does. */
export interface IdleSpec {
  readonly port: number
  readonly connections: number
  readonly tls: boolean
  /** What each connection proves itself with; none where nobody asks. */
  readonly password?: string
}
