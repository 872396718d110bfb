import type { Context } from 'hono'

/** Says where the next page of a list is. Source: RFC 8288. */
export function nextLink(context: Context, next: string | undefined): void {
  if (next === undefined) return
  const { pathname, searchParams } = new URL(context.req.url)
  searchParams.set('after', next)
  context.header('link', `<${pathname}?${searchParams}>; rel="next"`)
}
