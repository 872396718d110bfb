import { actility } from './actility.ts'
import { awsIotWireless } from './aws-iot-wireless.ts'
import { azureEvents } from './azure-events.ts'
import { chirpstack } from './chirpstack.ts'
import { googlePubsub } from './google-pubsub.ts'
import { helium } from './helium.ts'
import { homeAssistant } from './home-assistant.ts'
import { loriot } from './loriot.ts'
import type { NetworkKind } from './network.ts'
import { shelly } from './shelly.ts'
import { sigfox } from './sigfox.ts'
import { sparkplug } from './sparkplug.ts'
import { tasmota } from './tasmota.ts'
import { theThingsStack } from './the-things-stack.ts'
import { webhook } from './webhook.ts'
import { zigbee2mqtt } from './zigbee2mqtt.ts'

/** Every network that a config may name: one file and one entry each. */
export const NETWORK_KINDS: readonly NetworkKind[] = [
  actility,
  awsIotWireless,
  azureEvents,
  chirpstack,
  googlePubsub,
  helium,
  homeAssistant,
  loriot,
  shelly,
  sigfox,
  sparkplug,
  tasmota,
  theThingsStack,
  webhook,
  zigbee2mqtt,
]
