import { afterAll, beforeAll } from 'vitest'
import { createColdStore } from '../../../adapters/aws/cold-store.ts'
import { createCommandStore } from '../../../adapters/aws/command-store.ts'
import { createDeviceStore } from '../../../adapters/aws/device-store.ts'
import { createHotTails } from '../../../adapters/aws/hot-tails.ts'
import { createObjectStore } from '../../../adapters/aws/object-store.ts'
import { createTelemetryStore } from '../../../adapters/aws/telemetry-store.ts'
import { coldStoreContract } from '../../contract/cold-store.ts'
import { type CommandStoreSubject, commandStoreContract } from '../../contract/command-store.ts'
import { deviceStoreContract } from '../../contract/device-store.ts'
import type { StoreSubject } from '../../contract/subject.ts'
import { telemetryStoreContract } from '../../contract/telemetry-store.ts'
import { devicesTable, freshName, openAccount, pairTable, REGION } from './fresh-account.ts'
import { describeWithMoto, type Moto, startMoto } from './moto.ts'

describeWithMoto('AWS, stores on moto', () => {
  let moto: Moto
  beforeAll(async () => {
    moto = await startMoto()
  }, 90_000)
  afterAll(() => moto.stop())

  /** `remembered`: how many tails a process keeps; with 0 each commit has to read. Moto has room for ten streams. */
  function openStores(
    remembered: number,
    archives = false,
  ): () => Promise<StoreSubject & CommandStoreSubject> {
    return async () => {
      const account = await openAccount(moto.endpoint)
      const { client, dynamo } = account
      const name = freshName()
      const [table, telemetryTable, bucket] = [`${name}-d`, `${name}-t`, `${name}-b`]
      await account.create('dynamodb', 'DynamoDB_20120810.CreateTable', devicesTable(table))
      await account.create(
        'dynamodb',
        'DynamoDB_20120810.CreateTable',
        pairTable(telemetryTable, 'deviceId', 'sk'),
      )
      const objects = createObjectStore({ client, bucket, region: REGION, pathStyle: true })
      await account.createBucket(bucket)
      if (archives)
        await account.create('firehose', 'Firehose_20150804.CreateDeliveryStream', {
          DeliveryStreamName: name,
          ExtendedS3DestinationConfiguration: {
            RoleARN: 'arn:aws:iam::123456789012:role/r',
            BucketARN: `arn:aws:s3:::${bucket}`,
            Prefix: 'cold/',
          },
        })
      const cold = createColdStore({
        client,
        stream: name,
        objects,
        // The test cloud knows no partitions by content: all days are in one place.
        prefixOf: () => 'cold/',
        now: Date.now,
        random: Math.random,
      })
      await account.create(
        'dynamodb',
        'DynamoDB_20120810.CreateTable',
        pairTable(`${name}-i`, 'tbl', 'key'),
      )
      const commands = createCommandStore({ dynamo, table: `${name}-i`, now: Date.now })
      const tails = createHotTails(remembered)
      let nonce = 0
      return {
        takeAway: account.takeAway,
        close: account.close,
        cold,
        commands,
        devices: createDeviceStore({
          dynamo,
          table,
          telemetryTable,
          tails,
          contents: commands,
          archive: archives ? cold.archive : async () => undefined,
          now: Date.now,
          retentionMs: 86_400_000,
          newId: () => `${++nonce}`,
        }),
        telemetry: createTelemetryStore({ dynamo, table, telemetryTable, tails }),
      }
    }
  }

  deviceStoreContract('DynamoDB', openStores(1_000))
  deviceStoreContract('DynamoDB, nothing in memory', openStores(0))
  telemetryStoreContract('DynamoDB', openStores(1_000))
  telemetryStoreContract('DynamoDB, nothing in memory', openStores(0))
  commandStoreContract('DynamoDB', openStores(1_000))
  coldStoreContract('Firehose and S3', openStores(1_000, true))
})
