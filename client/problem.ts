import type { components } from './schema.ts'

type Problem = components['schemas']['Problem']

/** One thing that was wrong with a request, and where. */
export type ProblemFault = NonNullable<Problem['errors']>[number]

/** The API said no, or could not. */
export class AnyhubProblem extends Error {
  override readonly name = 'AnyhubProblem'
  readonly status: number
  /** Such as `input.not_found`: stable, for programs. */
  readonly code: string
  /** What is wrong, part by part. */
  readonly faults: readonly ProblemFault[]

  constructor({ status, title, detail, errors = [] }: Problem) {
    super(detail)
    this.status = status
    this.code = title
    this.faults = errors
  }
}

/** What an answer says that went wrong; whatever stands in the way may answer in words of its own. */
export function problemOf(status: number, body: unknown): AnyhubProblem {
  if (isProblem(body)) return new AnyhubProblem(body)
  const detail = `expected an answer of anyhub, found status ${status}`
  return new AnyhubProblem({ type: 'about:blank', title: `http.${status}`, status, detail })
}

function isProblem(body: unknown): body is Problem {
  return (
    typeof body === 'object' &&
    body !== null &&
    'title' in body &&
    typeof body.title === 'string' &&
    'status' in body &&
    typeof body.status === 'number' &&
    'detail' in body &&
    typeof body.detail === 'string'
  )
}
