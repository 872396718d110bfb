// Stands in for `@azure/functions-core`, which the host of Azure gives to a worker, so that the real
// `@azure/functions` registers functions and converts triggers. Lies in the node_modules of an unpacked zip.

const { randomUUID } = require('node:crypto')

class Disposable {
  #end
  constructor(end) {
    this.#end = end
  }
  static from(...all) {
    return new Disposable(() => {
      for (const one of all) one.dispose()
    })
  }
  dispose() {
    this.#end?.()
  }
}

const functions = new Map()
const hooks = new Map()
const logs = []
let model

/** Source: Azure/azure-functions-language-worker-protobuf, RpcBindingInfo; the worker gives a function its id. */
function registerFunction(metadata, callback) {
  const { name, bindings } = metadata
  if (functions.has(name))
    throw new Error(`A function with id "${name}" has already been registered.`)
  const rawBindings = Object.entries(bindings).map(([binding, it]) =>
    JSON.stringify({ ...it, name: binding }),
  )
  functions.set(name, { metadata: { ...metadata, functionId: name, rawBindings }, callback })
  return new Disposable(() => functions.delete(name))
}

function registerHook(name, callback) {
  hooks.set(name, [...(hooks.get(name) ?? []), callback])
  return new Disposable(() => {})
}

async function runHooks(name, context) {
  for (const hook of hooks.get(name) ?? []) await hook(context)
  return context
}

/** What is text goes as text, everything else as JSON, as the host does with trigger metadata. */
const typed = (value) =>
  typeof value === 'string' ? { string: value } : { json: JSON.stringify(value) }

/**
 * Calls a function as the host does. `data` is the trigger's value as the protocol has it:
 * { json } or { string } or { bytes } or { http } or { collectionBytes }.
 */
async function invoke(name, data, { triggerMetadata = {}, retryContext, traceContext } = {}) {
  const found = functions.get(name)
  if (found === undefined) throw new Error(`no function ${name}`)
  const { metadata } = found
  const [trigger] = Object.entries(metadata.bindings).find(([, it]) => /trigger$/i.test(it.type))
  const request = {
    invocationId: randomUUID(),
    functionId: metadata.functionId,
    inputData: [{ name: trigger, data }],
    triggerMetadata: Object.fromEntries(
      Object.entries(triggerMetadata).map(([key, value]) => [key, typed(value)]),
    ),
    retryContext,
    traceContext,
  }
  const { invocationId } = request
  const log = (level, category, message) => logs.push({ level, category, message, invocationId })
  const invocation = model.getInvocationModel({ invocationId, request, metadata, log })
  const { context, inputs } = await invocation.getArguments()
  const data0 = { hookData: {}, appHookData: {}, invocationContext: context }
  const before = await runHooks('preInvocation', {
    ...data0,
    inputs,
    functionCallback: found.callback,
  })
  const after = { ...data0, inputs: before.inputs, result: null, error: null }
  try {
    after.result = await invocation.invokeFunction(context, before.inputs, before.functionCallback)
  } catch (error) {
    after.error = error
  }
  await runHooks('postInvocation', after)
  if (after.error) return { invocationId, result: { status: 'failure' }, error: after.error }
  return { ...(await invocation.getResponse(context, after.result)), result: { status: 'success' } }
}

/** The host ends the worker. */
const terminate = () => runHooks('appTerminate', { appHookData: {} })

module.exports = {
  version: '3.12.0',
  hostVersion: '4.1036.1',
  Disposable,
  setProgrammingModel: (given) => {
    model = given
  },
  getProgrammingModel: () => model,
  log: (level, category, message) => logs.push({ level, category, message }),
  registerHook,
  registerFunction,
  // What only tests use.
  testing: { functions, logs, invoke, terminate },
}
