import * as z from 'zod'
import type { Caller } from '../access/index.ts'
import { CoreError } from '../errors.ts'
import type { Fleet } from '../fleet.ts'
import { type DeviceGroup, isGroupId } from '../groups.ts'
import { isDeviceId } from '../model/device-id.ts'
import { inPart, readSearch, readSort, SearchText } from './device-query.ts'
import { DeviceSummaryView, deviceSummaryView } from './device-view.ts'
import { type Endpoint, endpoint } from './endpoint.ts'
import { checkMatch, readIfMatch, setEtag } from './etag.ts'
import { problem } from './problem.ts'
import { RequestFault } from './request-fault.ts'
import { After, DeviceId, Instant, limit } from './schemas.ts'

/** Members that one request may put in, and that an answer shows. */
const MAX_MEMBERS = 1_000

const GROUP_ID = 'expected 1 to 64 letters, digits, _ or -'

const GroupParams = z.strictObject({
  groupId: z.string().refine(isGroupId, GROUP_ID).meta({ description: 'Id of the group.' }),
})

const MemberParams = GroupParams.extend({
  deviceId: DeviceId.refine(isDeviceId, 'expected 1 to 128 letters, digits and : . _ -'),
})

const GroupView = z
  .object({
    id: z.string(),
    name: z.string(),
    description: z.string().optional(),
    query: z.string().optional().meta({
      description: 'Who is in it is who this search finds; without it, who was put in.',
    }),
    devices: z
      .array(z.string())
      .optional()
      .meta({
        description: `Who was put in, the first ${MAX_MEMBERS}; only of one group.`,
      }),
    createdAt: Instant,
    version: z.int().meta({ description: 'Counts changes of the group itself; it is the ETag.' }),
  })
  .meta({ id: 'DeviceGroup' })

const GroupWish = z
  .strictObject({
    name: z.string().min(1).max(128).optional().meta({ description: 'Its id unless given.' }),
    description: z.string().max(1_000).optional(),
    query: z.string().max(2_000).optional(),
    devices: z
      .array(z.string().refine(isDeviceId, 'expected the id of a device'))
      .max(MAX_MEMBERS)
      .optional()
      .meta({
        description: 'All its members. Without it, and without a query, those that are in stay.',
      }),
  })
  .meta({ id: 'DeviceGroupWish' })

/** Devices under one name: to look at together, and to limit callers to. */
export function groupEndpoints(fleet: Fleet): readonly Endpoint[] {
  const { groups } = fleet

  async function find(groupId: string, caller: Caller): Promise<DeviceGroup> {
    if (caller.groups?.includes(groupId) === false)
      throw new CoreError('access.forbidden', 'expected a group that is yours, found another')
    const group = await groups.get(groupId)
    if (group !== undefined) return group
    throw new CoreError('input.not_found', `no group ${JSON.stringify(groupId)}`)
  }

  return [
    endpoint({
      method: 'get',
      path: '/groups',
      operation: 'listGroups',
      tag: 'Groups',
      summary: 'Groups of devices in the order of their ids.',
      needs: 'groups:read',
      byGroups: true,
      query: z.strictObject({ limit: limit(100, 1_000), after: After }),
      answer: z.object({ groups: z.array(GroupView), next: z.string().optional() }),
      async handle({ caller, query: { limit, after = '' } }) {
        const all = await groups.list(after, limit)
        const next = all.length === limit ? all.at(-1)?.id : undefined
        return {
          groups: all.filter(({ id }) => caller.groups?.includes(id) ?? true),
          ...(next === undefined ? {} : { next }),
        }
      },
    }),
    endpoint({
      method: 'get',
      path: '/groups/{groupId}',
      operation: 'getGroup',
      tag: 'Groups',
      summary: 'One group.',
      needs: 'groups:read',
      byGroups: true,
      params: GroupParams,
      answer: GroupView,
      async handle({ context, caller, params: { groupId } }) {
        const group = await find(groupId, caller)
        setEtag(context, group.version)
        if (group.query !== undefined) return group
        return { ...group, devices: await groups.members(groupId, '', MAX_MEMBERS) }
      },
    }),
    endpoint({
      method: 'put',
      path: '/groups/{groupId}',
      operation: 'putGroup',
      tag: 'Groups',
      summary: 'Makes a group, or puts another in its place.',
      needs: 'groups:write',
      params: GroupParams,
      body: GroupWish,
      bodyOptional: true,
      maxBytes: 262_144,
      answer: GroupView,
      others: { 201: { description: 'It is new.', answer: GroupView } },
      async handle({ context, params: { groupId }, body }) {
        checkWish(body)
        const before = await groups.get(groupId)
        checkMatch(readIfMatch(context), before?.version ?? 0)
        const after = await groups.put(groupId, body).catch((error) => {
          throw inPart(error, 'body', 'query')
        })
        context.set('change', {
          target: `group/${groupId}`,
          ...(before === undefined ? {} : { before: { ...before } }),
          after: { ...after, ...(body.devices === undefined ? {} : { devices: body.devices }) },
        })
        setEtag(context, after.version)
        return before === undefined
          ? context.body(JSON.stringify(after), 201, {
              'content-type': 'application/json',
              etag: `"${after.version}"`,
              location: `/groups/${groupId}`,
            })
          : after
      },
    }),
    endpoint({
      method: 'delete',
      path: '/groups/{groupId}',
      operation: 'deleteGroup',
      tag: 'Groups',
      summary:
        'Removes a group; its devices stay. Callers who are limited to it reach nothing by it any more.',
      needs: 'groups:write',
      params: GroupParams,
      async handle({ context, caller, params: { groupId } }) {
        const before = await find(groupId, caller)
        checkMatch(readIfMatch(context), before.version)
        await groups.remove(groupId)
        context.set('change', { target: `group/${groupId}`, before: { ...before } })
        return undefined
      },
    }),
    endpoint({
      method: 'get',
      path: '/groups/{groupId}/devices',
      operation: 'listGroupDevices',
      tag: 'Groups',
      summary: 'The devices of a group, searched and sorted as in the list of all.',
      needs: 'devices:read',
      byGroups: true,
      params: GroupParams,
      query: z.strictObject({
        query: SearchText,
        sort: z.string().max(200).optional(),
        limit: limit(100, 1_000),
        after: After,
      }),
      answer: z.object({
        devices: z.array(DeviceSummaryView),
        next: z.string().optional(),
        total: z.int().optional(),
      }),
      async handle({ caller, params: { groupId }, query: { query, sort, limit, after = '' } }) {
        await find(groupId, caller)
        const { devices, ...rest } = await fleet.find({
          search: readSearch(query),
          sort: readSort(sort),
          limit,
          after,
          caller,
          group: groupId,
        })
        return { devices: devices.map(deviceSummaryView), ...rest }
      },
    }),
    // Who may change who is in a group may widen what others reach: never somebody who is limited himself.
    endpoint({
      method: 'put',
      path: '/groups/{groupId}/devices/{deviceId}',
      operation: 'addGroupDevice',
      tag: 'Groups',
      summary: 'Puts a device into a group that has no search.',
      needs: 'groups:write',
      params: MemberParams,
      async handle({ context, caller, params: { groupId, deviceId } }) {
        refuseLimited(caller)
        const group = await find(groupId, caller)
        if (group.query !== undefined) return hasSearch(context)
        await groups.addMember(groupId, deviceId)
        context.set('change', { target: `group/${groupId}`, after: { added: deviceId } })
        return undefined
      },
    }),
    endpoint({
      method: 'delete',
      path: '/groups/{groupId}/devices/{deviceId}',
      operation: 'removeGroupDevice',
      tag: 'Groups',
      summary: 'Takes a device out of a group.',
      needs: 'groups:write',
      params: MemberParams,
      async handle({ context, caller, params: { groupId, deviceId } }) {
        refuseLimited(caller)
        const group = await find(groupId, caller)
        if (group.query !== undefined) return hasSearch(context)
        if (!(await groups.dropMember(groupId, deviceId)))
          throw new CoreError('input.not_found', `${deviceId} is not in ${groupId}`)
        context.set('change', { target: `group/${groupId}`, before: { removed: deviceId } })
        return undefined
      },
    }),
  ]
}

function refuseLimited({ groups, device }: Caller): void {
  if (groups !== undefined || device !== undefined)
    throw new CoreError('access.forbidden', 'expected a caller who is not limited to groups')
}

function hasSearch(context: Parameters<typeof problem>[0]): Response {
  return problem(
    context,
    409,
    'input.malformed',
    'expected a group without a search: its search says who is in it',
  )
}

function checkWish({ query, devices }: z.output<typeof GroupWish>): void {
  if (query !== undefined && devices !== undefined)
    throw new RequestFault(
      'body',
      [{ path: ['devices'], message: 'expected query or devices, found both' }],
      422,
    )
}
