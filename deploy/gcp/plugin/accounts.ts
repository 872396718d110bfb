import { z } from 'zod'
import type { Context } from './context.ts'
import { shortName } from './names.ts'

const Account = z.looseObject({ email: z.string(), description: z.string().optional() })

/** Makes the accounts that are missing. */
export async function applyAccounts(
  { api, names, say }: Context,
  accounts: ReadonlyMap<string, string>,
): Promise<void> {
  for (const [email, displayName] of accounts) {
    const what = `service account ${email}`
    const path = `/v1/projects/${names.project}/serviceAccounts`
    if ((await api.find(what, 'iam', `${path}/${email}`)) !== undefined) continue
    await api.call({
      what,
      service: 'iam',
      method: 'POST',
      path,
      body: {
        accountId: email.slice(0, email.indexOf('@')),
        serviceAccount: { displayName, description: names.mark },
      },
    })
    say(`${what}: made`)
  }
}

/** E-mails of the accounts that were made for this service and stage. */
export async function listAccounts({ api, names }: Context): Promise<readonly string[]> {
  const path = `/v1/projects/${names.project}/serviceAccounts?pageSize=100`
  const found = await api.list('service accounts', 'iam', path, 'accounts')
  return found
    .map((one) => Account.parse(one))
    .filter(({ description }) => description === names.mark)
    .map(({ email }) => email)
}

export async function removeAccount({ api, names, say }: Context, email: string): Promise<void> {
  const what = `service account ${shortName(email)}`
  const path = `/v1/projects/${names.project}/serviceAccounts/${email}`
  await api.call({ what, service: 'iam', method: 'DELETE', path, accept: [404] })
  say(`${what}: removed`)
}
