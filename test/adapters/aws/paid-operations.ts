import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { AwsSettings } from '../../../adapters/aws/config.ts'
import type { RecordedCall } from './recording-proxy.ts'

/** What an amount of work is paid by. Units: docs/aws.md. */
export type Usage = Readonly<Record<string, number>>

/** Operations on one table, and the units that they are paid by. Source: DynamoDB developer guide, read and write requests. */
export interface TableUsage {
  reads: number
  readUnits: number
  writes: number
  writeUnits: number
}

const READ_UNIT_BYTES = 4_096
const WRITE_UNIT_BYTES = 1_024

/** Counts what went over the wire to DynamoDB, for each table. */
export function tableUsage(calls: readonly RecordedCall[]): ReadonlyMap<string, TableUsage> {
  const usage = new Map<string, TableUsage>()
  const of = (table: string): TableUsage => {
    const found = usage.get(table) ?? { reads: 0, readUnits: 0, writes: 0, writeUnits: 0 }
    usage.set(table, found)
    return found
  }
  const read = (table: string, items: number, bytes: number): void => {
    const found = of(table)
    found.reads += items
    found.readUnits += Math.max(1, Math.ceil(bytes / READ_UNIT_BYTES))
  }
  const write = (table: string, item: object, factor = 1): void => {
    const found = of(table)
    found.writes++
    found.writeUnits += factor * Math.max(1, Math.ceil(itemBytes(item) / WRITE_UNIT_BYTES))
  }
  for (const { service, operation, body, answer } of calls) {
    if (service !== 'dynamodb') continue
    const asked = JSON.parse(body.toString('utf8'))
    const got = JSON.parse(answer.toString('utf8'))
    switch (operation) {
      case 'GetItem':
        read(asked.TableName, 1, itemBytes(got.Item ?? {}))
        break
      case 'BatchGetItem':
        for (const [table, { Keys }] of Object.entries<{ Keys: object[] }>(asked.RequestItems)) {
          const items: object[] = got.Responses[table] ?? []
          for (const item of items) read(table, 1, itemBytes(item))
          // What is not there is read too.
          for (let missing = items.length; missing < Keys.length; missing++) read(table, 1, 0)
        }
        break
      case 'Query':
        read(
          asked.TableName,
          1,
          got.Items.reduce((sum: number, item: object) => sum + itemBytes(item), 0),
        )
        break
      case 'PutItem':
        write(asked.TableName, asked.Item)
        break
      case 'TransactWriteItems':
        for (const { Put } of asked.TransactItems) write(Put.TableName, Put.Item, 2)
        break
      default:
        throw new Error(`expected an operation that is counted, found ${operation}`)
    }
  }
  return usage
}

/** What the tables of a stack are used for, in the words of the price table. */
export function dynamoUsage(
  calls: readonly RecordedCall[],
  { devicesTable, telemetryTable }: AwsSettings,
): { readonly records: TableUsage; readonly telemetry: TableUsage; readonly usage: Usage } {
  const none: TableUsage = { reads: 0, readUnits: 0, writes: 0, writeUnits: 0 }
  const tables = tableUsage(calls)
  const sum = (unit: 'readUnits' | 'writeUnits'): number =>
    [...tables.values()].reduce((total, one) => total + one[unit], 0)
  return {
    records: tables.get(devicesTable) ?? none,
    telemetry: tables.get(telemetryTable) ?? none,
    usage: { dynamoRead: sum('readUnits'), dynamoWrite: sum('writeUnits') },
  }
}

/** Dollars, by the price table of docs/aws.md. */
export function dollars(usage: Usage): number {
  const text = readFileSync(resolve(import.meta.dirname, '../../../docs/aws.md'), 'utf8')
  const prices = new Map(
    [...text.matchAll(/^\| `(\w+)` \|.*\| +([\d.]+) \|$/gm)].map(([, key, price]) => [
      key ?? '',
      Number(price),
    ]),
  )
  return Object.entries(usage).reduce((sum, [key, amount]) => {
    const price = prices.get(key)
    if (price === undefined) throw new Error(`docs/aws.md: expected a price of ${key}, found none`)
    return sum + (amount * price) / 1_000_000
  }, 0)
}

/** Names and values; numbers as two digits to a byte and one more. Source: DynamoDB developer guide, item sizes. */
function itemBytes(item: object): number {
  let bytes = 0
  for (const [name, value] of Object.entries(item)) {
    bytes += Buffer.byteLength(name)
    if ('S' in value) bytes += Buffer.byteLength(value.S)
    else if ('B' in value) bytes += Buffer.from(value.B, 'base64').length
    else bytes += Math.ceil(String(value.N).length / 2) + 1
  }
  return bytes
}
