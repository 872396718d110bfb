import { registryEndpoints } from '../../core/api/index.ts'
import type { Config } from '../../core/index.ts'
import { createPeopleApi, lastForwarded } from '../node/people-api.ts'
import type { GcpSettings } from './config.ts'
import { createGcp } from './create-gcp.ts'
import { type HttpFunction, send, toRequest, traceOf } from './http.ts'
import { createObjectStore } from './object-store.ts'

export { readConfig } from './config.ts'

/**
 * Wires the REST API to Google, once per cold start. What a caller shows is in `Authorization`: where the function is private
 * as well, Google's own token goes into `X-Serverless-Authorization`. Devices that sign their tokens have ingest-http.
 */
export function createGcpApi(settings: GcpSettings, config: Config): HttpFunction {
  const { core, observer, openBucket, settle, trace } = createGcp(settings, config)
  const { serve } = createPeopleApi({
    core,
    adminTokenDigest: settings.adminTokenDigest,
    more: registryEndpoints({ ports: core.ports }),
    page: openBucket(createObjectStore),
  })

  return async (incoming, outgoing) => {
    const request = toRequest(incoming)
    const { headers } = request
    const traceId = traceOf(headers.get('traceparent'), headers.get('x-cloud-trace-context'))
    await trace(traceId, async () => {
      const response = await serve(request, lastForwarded(headers.get('x-forwarded-for')))
      await settle()
      observer.flush()
      await send(response, outgoing)
    })
  }
}
