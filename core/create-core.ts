import { createAccountSweep } from './account-sweep.ts'
import { type Addresses, createAddresses } from './addresses.ts'
import { type AudienceStore, createAudienceStore } from './audience.ts'
import { type Broadcasts, createBroadcasts } from './broadcasts.ts'
import { type Commands, createCommands } from './commands.ts'
import { createRedrive, type Redrive } from './dead-letters.ts'
import { createDeviceGate, type DeviceGate, type GateOptions } from './device-gate.ts'
import { createFanOut, type FanOut } from './fan-out.ts'
import { createIngest } from './ingest.ts'
import { createMethodCalls, type MethodCalls } from './methods.ts'
import type { Ingest } from './model/uplink.ts'
import { type CallNetwork, createNetworkDownlinks } from './network-downlinks.ts'
import { createNetworks, type Networks } from './networks.ts'
import { createNotify, type Notify } from './notify.ts'
import { observePorts } from './observe.ts'
import type { NotificationQueue, Ports } from './ports.ts'
import type { Program } from './program.ts'
import { type AcknowledgeDelivery, createAcknowledgeDelivery } from './receipts.ts'
import { createRules, type Rules } from './rule-overlay.ts'
import { createRulePrograms, type RulePrograms } from './rule-programs.ts'
import { createRuleTrial, type RuleTrial } from './rule-trial.ts'
import { createTellingDeadLetters, createTellSystem } from './system-health.ts'
import { createTasks, type Tasks } from './tasks.ts'
import { createAdmit } from './throttle.ts'
import { createTick, type Tick } from './tick.ts'

/** The use cases over one set of ports. */
export interface Core {
  /** The program in force: rules may change while it runs. */
  readonly program: Program
  readonly programs: RulePrograms
  readonly rules: Rules
  readonly tryRule: RuleTrial
  readonly ports: Ports
  readonly gate: DeviceGate
  readonly ingest: Ingest
  readonly notify: Notify
  /** The same over a part of the queue, for hosts that are told what is in it. */
  readonly notifyFrom: (queue: NotificationQueue) => Notify
  readonly addresses: Addresses
  readonly acknowledgeDelivery: AcknowledgeDelivery
  /** Finds out who is told, page by page: what `notify` does with pages. */
  readonly fanOut: FanOut
  readonly tick: Tick
  /** Work that is longer than a request. */
  readonly tasks: Tasks
  readonly redrive: Redrive
  readonly commands: Commands
  readonly broadcasts: Broadcasts
  readonly audience: AudienceStore
  readonly methods: MethodCalls
  readonly networks: Networks
}

/** What a host may know that spares work. */
export interface CoreOptions extends Omit<GateOptions, 'networkDownlinks'> {
  /** Sends requests to the APIs of networks; without it only what is published reaches them. */
  readonly callNetwork?: CallNetwork | undefined
  /** True where the host sees topics and cannot ask whose they are: `ingest` then knows those of networks too. */
  readonly knowsNetworkTopics?: boolean
  /** What a device was registered as: the name of a device type of the config counts before every pattern. */
  readonly typeOf?: (deviceId: string) => string | undefined
  /** What takes messages in here, where the host does more with them than the core: replays go this way too. */
  readonly takesIn?: () => Ingest
}

/** Wires the use cases to the ports of one cloud. */
export function createCore(
  ports: Ports,
  given: Program,
  { typeOf, callNetwork, knowsNetworkTopics = false, takesIn, ...gateOptions }: CoreOptions = {},
): Core {
  const timed = observePorts(ports)
  const tellSystem = createTellSystem(timed, given)
  const observed: Ports = {
    ...timed,
    deadLetters: createTellingDeadLetters(timed.deadLetters, tellSystem),
  }
  const program: Program =
    typeOf === undefined
      ? given
      : { ...given, deviceType: (deviceId) => given.deviceType(deviceId, typeOf(deviceId)) }
  const networkDownlinks = createNetworkDownlinks({
    ports: observed,
    program,
    commands: () => commands,
    call: callNetwork,
  })
  const programs = createRulePrograms(observed, program, {
    stores: (program.config.api.rules ?? (ports.longLived ? 'stored' : 'fixed')) === 'stored',
    shared: !ports.longLived,
  })
  const gate = createDeviceGate(observed, programs, { ...gateOptions, networkDownlinks })
  const direct = createIngest(observed, programs, gate)
  const networks = createNetworks(observed, program, gate, direct)
  const ingest = knowsNetworkTopics ? networks.ingest : direct
  const fanOut = createFanOut(observed, program, gate)
  const commands = createCommands(observed, program, gate)
  const addresses = createAddresses(observed)
  const parts = {
    fanOut,
    addresses,
    circuits: new Map(),
    tellSystem,
    admit: createAdmit(observed, program, gate),
  }
  const tasks = createTasks(observed, (...given) => (takesIn?.() ?? ingest)(...given), gate)
  const notifyFrom = (notifications: NotificationQueue): Notify =>
    createNotify({ ...observed, notifications }, program, parts)
  return {
    get program() {
      return programs.current
    },
    programs,
    rules: createRules(observed, programs),
    tryRule: createRuleTrial(observed, programs),
    ports: observed,
    gate,
    ingest,
    notify: notifyFrom(observed.notifications),
    notifyFrom,
    addresses,
    acknowledgeDelivery: createAcknowledgeDelivery(observed, program),
    fanOut,
    tick: createTick(
      observed,
      gate,
      createAccountSweep(observed, given.config.retention.notifications),
      tasks,
    ),
    tasks,
    redrive: createRedrive(observed, direct, gate, networks.again),
    commands,
    broadcasts: createBroadcasts(observed, program),
    audience: createAudienceStore(observed, program),
    methods: createMethodCalls(observed),
    networks,
  }
}
