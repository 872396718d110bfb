import { createAzureMqtt } from './azure-mqtt.ts'
import type { ClientDialect, ClientServices } from './client-dialect.ts'

/** Every dialect whose clients are known at CONNECT. The first that recognises one decides on it. */
export function createClientDialects(services: ClientServices): readonly ClientDialect[] {
  return [createAzureMqtt(services)]
}
