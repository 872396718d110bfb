import type { HttpResponseInit } from '@azure/functions'
import { registryEndpoints, type TwinTags } from '../../core/api/index.ts'
import { type Config, type Core, CoreError, isAlive } from '../../core/index.ts'
import { createPeopleApi, lastForwarded } from '../node/people-api.ts'
import type { AzureSettings } from './config.ts'
import { createAzure, type Invocation } from './create-azure.ts'
import { type AzureHttpRequest, toHttpReply, toRequest } from './http.ts'
import type { AzureObserver } from './observer.ts'

export { readConfig } from './config.ts'

/** What an HTTP function of Azure is. */
export interface AzureApi {
  (request: AzureHttpRequest, context: Invocation): Promise<HttpResponseInit>
  readonly observer: AzureObserver
  /** Ends the connections that are kept. */
  close(): Promise<void>
}

/** Wires the REST API to Azure, once per cold start. */
export function createAzureApi(settings: AzureSettings, config: Config): AzureApi {
  const { core, observer, objects, settle, run, close } = createAzure(settings, config)
  const people = createPeopleApi({
    core,
    adminTokenDigest: settings.adminTokenDigest,
    more: registryEndpoints({ ports: core.ports, twinTags: createTwinTags(core) }),
    page: objects,
  })

  const serve = (incoming: AzureHttpRequest, context: Invocation): Promise<HttpResponseInit> =>
    run(context, async () => {
      const request = await toRequest(incoming)
      const remote = lastForwarded(request.headers.get('x-forwarded-for'))
      const response = await people.serve(request, remote)
      await settle()
      observer.flush()
      return toHttpReply(response)
    })
  return Object.assign(serve, {
    observer,
    async close() {
      people.close()
      await close()
    },
  })
}

/** Tags of the copy of the twin that we have. Our registry tells the hub of them. */
function createTwinTags({ gate, ports }: Core): TwinTags {
  return {
    async read(deviceId) {
      const document = (await ports.devices.load(deviceId))?.shadows['']
      return isAlive(document) ? document.tags : undefined
    },
    async replace(deviceId, tags) {
      const [result] = await gate.run(deviceId, [
        { kind: 'twin', patches: { tags }, replace: true, at: ports.clock.now() },
      ])
      if (result?.status === 'answered' && !result.accepted)
        throw new CoreError('input.malformed', `tags: ${JSON.stringify(result.body)}`)
    },
  }
}
