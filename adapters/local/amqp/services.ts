import type { Core, Outcome, Uplink } from '../../../core/index.ts'
import type { CommandDesk } from '../command-desk.ts'
import type { Identities } from '../identity.ts'
import type { AmqpHooks } from '../listeners/amqp/index.ts'
import type { MethodDesk } from '../method-desk.ts'
import type { DeviceConnections } from '../presence.ts'
import type { TwinDesk } from '../twin-desk.ts'
import type { EventLog } from './event-log.ts'

/** What the AMQP front works with. */
export interface AmqpServices {
  readonly core: Core
  readonly identities: Identities
  readonly adminToken: string
  /** Hands one uplink to the core. */
  readonly add: (uplink: Uplink) => Promise<Outcome>
  readonly twins: TwinDesk
  readonly commands: CommandDesk
  readonly methods: MethodDesk
  readonly connections: DeviceConnections
  /** What Event Hubs consumers read; `undefined`: nothing is kept. */
  readonly events: EventLog | undefined
  readonly log: AmqpHooks['log']
}
