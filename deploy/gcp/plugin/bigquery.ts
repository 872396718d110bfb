import { differences } from './compare.ts'
import type { Context } from './context.ts'
import { DeployError } from './errors.ts'
import { assertOurs } from './pubsub.ts'

/** The dataset and its tables. Fields are `TYPE`, or `TYPE REQUIRED` and `TYPE REPEATED`. */
export async function applyBigquery(context: Context): Promise<void> {
  const { api, names, config, say } = context
  const given = config.resources.bigquery
  if (given === undefined) return
  const what = `dataset ${names.dataset}`
  const parent = `/bigquery/v2/projects/${names.project}/datasets`
  const found = await api.find(what, 'bigquery', `${parent}/${names.dataset}`)
  const datasetReference = { projectId: names.project, datasetId: names.dataset }
  if (found === undefined) {
    const body = {
      datasetReference,
      location: given.location ?? names.region,
      labels: names.labels,
    }
    await api.call({ what, service: 'bigquery', method: 'POST', path: parent, body })
    say(`${what}: made`)
  } else assertOurs(what, found, names.labels)
  for (const [table, wanted] of Object.entries(given.tables)) {
    const what = `table ${names.dataset}.${table}`
    const path = `${parent}/${names.dataset}/tables`
    const { partitionBy, expirationDays, clusterBy } = wanted
    const body = {
      tableReference: { ...datasetReference, tableId: table },
      labels: names.labels,
      schema: { fields: fieldsOf(wanted.fields) },
      ...(partitionBy === undefined
        ? {}
        : {
            timePartitioning: {
              type: 'DAY',
              field: partitionBy,
              ...(expirationDays === undefined
                ? {}
                : { expirationMs: String(expirationDays * 86_400_000) }),
            },
          }),
      ...(clusterBy === undefined ? {} : { clustering: { fields: clusterBy } }),
    }
    const there = await api.find(what, 'bigquery', `${path}/${table}`)
    if (there === undefined) {
      await api.call({ what, service: 'bigquery', method: 'POST', path, body })
      say(`${what}: made`)
      continue
    }
    const changed = differences(body, there)
    if (changed.length === 0) continue
    const patch = Object.fromEntries(
      Object.entries(body).filter(([field]) => changed.includes(field)),
    )
    await api.call({
      what,
      service: 'bigquery',
      method: 'PATCH',
      path: `${path}/${table}`,
      body: patch,
    })
    say(`${what}: ${changed.join(', ')}`)
  }
}

/** Google answers with the older names. Source: REST reference of BigQuery, TableFieldSchema. */
const OLDER: Readonly<Record<string, string>> = {
  INT64: 'INTEGER',
  FLOAT64: 'FLOAT',
  BOOL: 'BOOLEAN',
  STRUCT: 'RECORD',
}

const MODES = ['NULLABLE', 'REQUIRED', 'REPEATED']

function fieldsOf(fields: Readonly<Record<string, string>>) {
  return Object.entries(fields).map(([name, text]) => {
    const [type = '', mode = 'NULLABLE'] = text.trim().toUpperCase().split(/\s+/)
    if (!MODES.includes(mode))
      throw new DeployError(
        `field ${name}: expected a type and ${MODES.join(', ')} or nothing, found ${text}`,
      )
    // NULLABLE need not be said, and is not always answered.
    return { name, type: OLDER[type] ?? type, ...(mode === 'NULLABLE' ? {} : { mode }) }
  })
}

export async function removeBigquery({ api, names, config, say }: Context): Promise<void> {
  const given = config.resources.bigquery
  if (given === undefined) return
  const what = `dataset ${names.dataset}`
  if (given.onRemove !== 'delete') {
    say(`${what}: kept, with all that is in it (onRemove)`)
    return
  }
  const path = `/bigquery/v2/projects/${names.project}/datasets/${names.dataset}`
  const found = await api.find(what, 'bigquery', path)
  if (found === undefined) return
  assertOurs(what, found, names.labels)
  await api.call({
    what,
    service: 'bigquery',
    method: 'DELETE',
    path: `${path}?deleteContents=true`,
  })
  say(`${what}: removed`)
}
