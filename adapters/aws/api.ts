import { registryEndpoints } from '../../core/api/index.ts'
import type { Config } from '../../core/index.ts'
import { systemClock } from '../node/clock.ts'
import { createPeopleApi } from '../node/people-api.ts'
import type { AwsSettings } from './config.ts'
import { createAws } from './create-aws.ts'
import { sourceOf, toHttpReply, toRequest } from './http.ts'
import { createThings } from './things.ts'

export { readConfig } from './config.ts'

/** Wires the REST API to AWS, once per cold start. */
export function createAwsApi(
  settings: AwsSettings,
  config: Config,
): (event: unknown) => Promise<unknown> {
  const { region, endpoint, adminTokenDigest, devicePolicy: policy } = settings
  const { core, observer, objects, settle } = createAws(settings, config, {
    things: () => createThings({ region, endpoint, policy, clock: systemClock }),
  })
  const { serve } = createPeopleApi({
    core,
    adminTokenDigest,
    more: registryEndpoints({ ports: core.ports }),
    page: objects,
  })

  return async (event) => {
    const reply = await toHttpReply(await serve(toRequest(event), sourceOf(event)))
    await settle()
    observer.flush()
    return reply
  }
}
