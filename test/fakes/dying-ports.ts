import type { Ports } from '../../core/index.ts'

/** When a process dies: at its nth call of a port, before the call has reached the other side or after. */
export interface Death {
  /** Counts from 1; 0: it lives. */
  readonly call: number
  readonly when: 'before' | 'after'
}

export interface DyingPorts {
  readonly ports: Ports
  /** How many calls were made so far, as `devices.load`, …. */
  readonly calls: readonly string[]
  /** Resolves when the process is dead. */
  readonly dead: Promise<void>
}

const PARTS = [
  'devices',
  'telemetry',
  'cold',
  'downlink',
  'notifications',
  'channels',
  'deadLetters',
  'tables',
  'queues',
  'commands',
  'lookups',
] as const

/** Ports of a process that dies at one of its calls: that call and all later ones never come back. */
export function createDyingPorts(ports: Ports, { call, when }: Death): DyingPorts {
  const calls: string[] = []
  let die = (): void => undefined
  const dead = new Promise<void>((resolve) => {
    die = resolve
  })
  const never = (): Promise<never> => new Promise(() => undefined)
  let gone = false

  function mortal<P extends object>(name: string, port: P): P {
    return new Proxy(port, {
      get(target, method, receiver) {
        const real = Reflect.get(target, method, receiver)
        if (typeof real !== 'function') return real
        return async (...args: unknown[]): Promise<unknown> => {
          if (gone) return never()
          calls.push(`${name}.${String(method)}`)
          const last = calls.length === call
          if (last) gone = true
          if (last && when === 'before') {
            die()
            return never()
          }
          const result: unknown = await Reflect.apply(real, target, args)
          if (last) die()
          return gone ? never() : result
        }
      },
    })
  }

  const mortals = Object.fromEntries(PARTS.map((part) => [part, mortal(part, ports[part])]))
  return { ports: { ...ports, ...mortals }, calls, dead }
}
