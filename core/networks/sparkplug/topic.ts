import { safeDeviceId } from '../device-id.ts'

/** Messages of edge nodes, of the devices behind them, and of host applications. */
const NODE_TYPES = ['NBIRTH', 'NDATA', 'NDEATH', 'NCMD'] as const
const DEVICE_TYPES = ['DBIRTH', 'DDATA', 'DDEATH', 'DCMD'] as const

export type SparkplugType = (typeof NODE_TYPES)[number] | (typeof DEVICE_TYPES)[number]

/** What a topic of Sparkplug says. */
export type SparkplugTopic =
  | {
      readonly type: SparkplugType
      readonly group: string
      readonly node: string
      /** Set for types of devices. */
      readonly device: string | undefined
    }
  | { readonly type: 'STATE'; readonly host: string }

/**
 * Reads a topic; `undefined` if it is none.
 *
 * Shape:  `spBv1.0/{group}/{type}/{node}[/{device}]`, `spBv1.0/STATE/{host}`. Case counts.
 * Source: Sparkplug 3.0.0, 4 and tck-id-topic-structure.
 */
export function readSparkplugTopic(topic: string): SparkplugTopic | undefined {
  const [namespace, group, type, node, device, ...more] = topic.split('/')
  if (namespace !== 'spBv1.0' || more.length > 0 || group === undefined || type === undefined)
    return undefined
  if (group === 'STATE' && node === undefined)
    return type === '' ? undefined : { type: 'STATE', host: type }
  if (group === '' || node === undefined || node === '' || device === '') return undefined
  const ofNode = NODE_TYPES.find((one) => one === type)
  if (ofNode !== undefined && device === undefined) return { type: ofNode, group, node, device }
  const ofDevice = DEVICE_TYPES.find((one) => one === type)
  if (ofDevice !== undefined && device !== undefined) return { type: ofDevice, group, node, device }
  return undefined
}

/**
 * What an edge node, or a device behind one, is called here: `{group}:{node}` and `{group}:{node}:{device}`. Names with
 * characters that ids do not have are marked: see `safeDeviceId`. A colon in a name is such a character.
 */
export function sparkplugDeviceId(group: string, node: string, device?: string): string {
  const names = device === undefined ? [group, node] : [group, node, device]
  return safeDeviceId(names.join(names.some((name) => name.includes(':')) ? '/' : ':'))
}
