// CloudFormation removes no policy that a certificate holds: `sls remove` takes it from the devices before. Where the data is
// to go too, their things and certificates go as well.

const {
  DeleteCertificateCommand,
  DeleteThingCommand,
  DetachPolicyCommand,
  DetachThingPrincipalCommand,
  IoTClient,
  ListPrincipalThingsCommand,
  ListTargetsForPolicyCommand,
  UpdateCertificateCommand,
} = require('@aws-sdk/client-iot')

/** AWS takes a moment until it knows that something was detached. */
const TRIES = 10
const PAUSE_MS = 1_000

class LetDevicesGo {
  constructor(serverless) {
    this.serverless = serverless
    this.hooks = { 'before:remove:remove': () => this.letGo() }
  }

  async letGo() {
    const { resources } = this.serverless.service
    const policyName = resources.Resources.DevicePolicy.Properties.PolicyName
    const dataGoes = resources.Resources.DevicesTable.DeletionPolicy === 'Delete'
    const aws = this.serverless.getProvider('aws')
    const client = new IoTClient(await aws.getAwsSdkV3Config())
    for (;;) {
      // Each page is the first: what was on it holds the policy no more.
      const { targets = [] } = await client
        .send(new ListTargetsForPolicyCommand({ policyName }))
        .catch(noneWithoutPolicy)
      if (targets.length === 0) return
      for (const target of targets) {
        const certificateGoes = dataGoes && target.includes(':cert/')
        if (certificateGoes) await removeThings(client, target)
        await client.send(new DetachPolicyCommand({ policyName, target }))
        if (certificateGoes) await removeCertificate(client, target)
      }
    }
  }
}

/** Deletes the things that connect with a certificate. */
async function removeThings(client, principal) {
  const { things = [] } = await client.send(new ListPrincipalThingsCommand({ principal }))
  for (const thingName of things) {
    await client.send(new DetachThingPrincipalCommand({ thingName, principal }))
    await whenDetached(() => client.send(new DeleteThingCommand({ thingName })))
  }
}

async function removeCertificate(client, principal) {
  const certificateId = principal.split('/').at(-1)
  await client.send(new UpdateCertificateCommand({ certificateId, newStatus: 'INACTIVE' }))
  const command = new DeleteCertificateCommand({ certificateId, forceDelete: true })
  await whenDetached(() => client.send(command))
}

async function whenDetached(remove) {
  for (let tries = 1; ; tries++) {
    try {
      return await remove()
    } catch (error) {
      const early = /DeleteConflictException|InvalidRequestException/.test(error.name)
      if (!early || tries === TRIES) throw error
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
    }
  }
}

function noneWithoutPolicy(error) {
  if (error.name === 'ResourceNotFoundException') return {}
  throw error
}

module.exports = LetDevicesGo
