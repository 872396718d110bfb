import type { RecordedCall } from '../../adapters/aws/recording-proxy.ts'
import type { Packaged } from './packaged.ts'

/** One right that a call needs. */
interface Need {
  readonly action: string
  /** The name of a table, queue or stream; a thing, topic or certificate as its ARN ends. '' for what has no ARN. */
  readonly resource: string
}

interface Grant {
  readonly actions: readonly string[]
  /** Shape: as `Need.resource`, with `*`. */
  readonly resources: readonly string[]
}

/** What functions were allowed to do by luck only: calls that their packaged roles do not grant. */
export function callsWithoutRight(packaged: Packaged, calls: readonly RecordedCall[]): string[] {
  const missing = calls.flatMap((call) => {
    const grants = grantsOf(packaged, call.accessKey)
    return needsOf(call)
      .filter((need) => !grants.some((grant) => allows(packaged, grant, need)))
      .map(({ action, resource }) => `${call.accessKey}: ${action} ${resource}`)
  })
  return [...new Set(missing)].toSorted()
}

/** Source: Service Authorization Reference of each service. */
function needsOf(call: RecordedCall): readonly Need[] {
  const { service, operation, method, path } = call
  const asked = (): Record<string, unknown> => JSON.parse(call.body.toString('utf8'))
  switch (service) {
    case 'dynamodb':
      return ofTables(operation, asked())
    case 'sqs': {
      const { QueueUrl, QueueName } = asked()
      const resource = String(QueueName ?? QueueUrl).replace(/^.*\//, '')
      return [{ action: `sqs:${operation.replace(/Batch$/, '')}`, resource }]
    }
    case 'firehose':
      return [{ action: `firehose:${operation}`, resource: String(asked()['DeliveryStreamName']) }]
    case 'iotdata': {
      const [, kind, name = ''] = path.split(/[/?]/)
      if (kind === 'topics') {
        const resource = `topic/${decodeURIComponent(name)}`
        const retained = path.includes('retain=true')
        return ['iot:Publish', ...(retained ? ['iot:RetainPublish'] : [])].map((action) => ({
          action,
          resource,
        }))
      }
      const verb = { GET: 'Get', POST: 'Update', DELETE: 'Delete' }[method]
      return [{ action: `iot:${verb}ThingShadow`, resource: `thing/${name}` }]
    }
    case 'execute-api':
    case 'iot': {
      const [, kind, name = '', rest = ''] = path.replace(/\?.*$/, '').split('/')
      return [ofRegistry(`${method} ${kind}${rest === '' ? '' : `/${rest}`}`, name)]
    }
    default:
      throw new Error(`expected a service whose rights are known, found ${service} ${path}`)
  }
}

function ofTables(operation: string, asked: Record<string, unknown>): readonly Need[] {
  const index = asked['IndexName'] === undefined ? '' : `/index/${asked['IndexName']}`
  if (operation === 'BatchGetItem')
    return Object.keys(asked['RequestItems'] as object).map((resource) => ({
      action: 'dynamodb:BatchGetItem',
      resource,
    }))
  if (operation === 'TransactWriteItems')
    return (asked['TransactItems'] as { Put: { TableName: string } }[]).map(({ Put }) => ({
      action: 'dynamodb:PutItem',
      resource: Put.TableName,
    }))
  return [{ action: `dynamodb:${operation}`, resource: `${asked['TableName']}${index}` }]
}

function ofRegistry(request: string, name: string): Need {
  const thing = `thing/${name}`
  const certificate = `cert/${name}`
  switch (request) {
    case 'POST things':
      return { action: 'iot:CreateThing', resource: thing }
    case 'DELETE things':
      return { action: 'iot:DeleteThing', resource: thing }
    case 'GET things/principals':
      return { action: 'iot:ListThingPrincipals', resource: thing }
    // The principal stands in a header: any certificate.
    case 'PUT things/principals':
      return { action: 'iot:AttachThingPrincipal', resource: 'cert/any' }
    case 'DELETE things/principals':
      return { action: 'iot:DetachThingPrincipal', resource: 'cert/any' }
    case 'GET certificates':
      return { action: 'iot:DescribeCertificate', resource: certificate }
    case 'PUT certificates':
      return { action: 'iot:UpdateCertificate', resource: certificate }
    case 'DELETE certificates':
      return { action: 'iot:DeleteCertificate', resource: certificate }
    case 'PUT target-policies':
      return { action: 'iot:AttachPolicy', resource: 'cert/any' }
    case 'POST target-policies':
      return { action: 'iot:DetachPolicy', resource: 'cert/any' }
    case 'POST keys-and-certificate':
      return { action: 'iot:CreateKeysAndCertificate', resource: '' }
    default:
      throw new Error(`expected a request whose rights are known, found ${request}`)
  }
}

function grantsOf({ template }: Packaged, functionName: string): readonly Grant[] {
  const [role] = Object.values(template.Resources)
    .filter(({ Properties }) => Properties?.['FunctionName'] === functionName)
    .map(({ Properties }) => Properties['Role'] as { 'Fn::GetAtt': [string, string] })
  const policies = template.Resources[role?.['Fn::GetAtt'][0] ?? '']?.Properties['Policies']
  return (policies as { PolicyDocument: { Statement: Statement[] } }[]).flatMap(
    ({ PolicyDocument }) =>
      PolicyDocument.Statement.map(({ Action, Resource, NotResource }) => ({
        actions: [Action].flat(),
        // What is granted on all but some names is for what has none.
        resources: NotResource === undefined ? [Resource].flat().map(nameOf) : [''],
      })),
  )
}

interface Statement {
  readonly Action: string | string[]
  readonly Resource?: unknown
  readonly NotResource?: unknown
}

/** A table by its logical name, everything else by the end of its ARN. */
function nameOf(resource: unknown): string {
  if (typeof resource === 'string') return resource
  const { 'Fn::GetAtt': of, 'Fn::Sub': text } = resource as Record<string, string | string[]>
  if (of !== undefined) return `{${of[0]}}`
  return String(text)
    .replace(/\$\{(\w+)\.Arn\}/, '{$1}')
    .replace(/\$\{AWS::\w+\}/g, 'any')
    .replace(/^arn:[^:]+:[^:]+:[^:]+:[^:]+:/, '')
}

function allows({ template }: Packaged, { actions, resources }: Grant, need: Need): boolean {
  return actions.includes(need.action) && resources.some((resource) => matches(resource, need))

  function matches(granted: string, { resource }: Need): boolean {
    const logical = /^\{(\w+)\}/.exec(granted)?.[1]
    if (logical === undefined) return wild(granted).test(resource)
    const named = Object.values(template.Resources[logical]?.Properties ?? {}).includes(resource)
    // A name that CloudFormation made: it holds that of the resource.
    const [name = '', ...rest] = resource.split('/')
    const made = name.includes(`-${logical}-`)
    return named || (made && granted === [`{${logical}}`, ...rest].join('/'))
  }
}

function wild(pattern: string): RegExp {
  const parts = pattern.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(`^${parts.join('.*')}$`)
}
