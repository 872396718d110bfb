import { createAzureMqtt } from './azure-mqtt.ts'
import type { ClientDialect } from './client-dialect.ts'
import type { GoogleServices } from './google-link.ts'
import { createGoogleMqtt } from './google-mqtt.ts'

/** Every dialect whose clients are known at CONNECT. The first that recognises one decides on it. */
export function createClientDialects(services: GoogleServices): readonly ClientDialect[] {
  return [createAzureMqtt(services), createGoogleMqtt(services)]
}
