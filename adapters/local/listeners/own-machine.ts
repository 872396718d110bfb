export interface RequestOrigin {
  readonly host: string | undefined
  readonly origin: string | undefined
  /** A request that can only read is answered even for a page of another site: its browser keeps the answer from it. */
  readonly readOnly: boolean
  /** Pages of other sites that the config lets in. */
  readonly origins?: ReadonlySet<string>
}

/**
 * Why a request is not served, or `undefined`: a page of another site must not speak for the person in front of this
 * machine.
 *
 * The name in Host has to be this machine's (against DNS rebinding), and whoever changes something must be a page of
 * ours or no page at all.
 */
export function refuseForeign({
  host,
  origin,
  readOnly,
  origins,
}: RequestOrigin): string | undefined {
  const name = (host ?? '').replace(/:\d*$/, '')
  if (!/^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/i.test(name))
    return `expected Host to name this machine, found ${JSON.stringify(name)}`
  if (origin === undefined || readOnly || origins?.has(origin) || origins?.has('*'))
    return undefined
  // Both as URLs, so that the default port and the case of letters make no difference.
  return URL.canParse(origin) && new URL(origin).host === new URL(`http://${host}`).host
    ? undefined
    : 'expected a request from a page of this server'
}
