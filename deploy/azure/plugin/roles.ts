/** Ids of Azure's own roles for data, the same in every tenant. Source: "Azure built-in roles". */
const ROLES: Readonly<Record<string, string>> = {
  'Storage Blob Data Owner': 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b',
  'Storage Blob Data Contributor': 'ba92f5b4-2d11-453d-a403-e96b0029c9fe',
  'Storage Blob Data Reader': '2a2b9908-6ea1-4ae2-8e65-a410df84e7d1',
  'Storage Blob Delegator': 'db58b8e5-c6ad-4a2a-8342-4190687cbf4a',
  'Storage Queue Data Contributor': '974c5e8b-45b9-4653-ba55-5f855dd0fb88',
  'Storage Queue Data Message Processor': '8a0f0c08-91a1-4084-bc3d-661d67233fed',
  'Storage Queue Data Message Sender': 'c6a89b2d-59bc-44d0-9896-0f6e12d7b80a',
  'Storage Queue Data Reader': '19e7f393-937e-4f77-808e-94535e297925',
  'Storage Table Data Contributor': '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3',
  'Azure Service Bus Data Receiver': '4f6d3b9b-027b-4f4c-9142-0e5a2a2247e0',
  'Azure Service Bus Data Sender': '69a216fc-b8fb-44d8-bc22-1f3c2cd27a39',
  'Azure Event Hubs Data Receiver': 'a638d3c7-ab3a-418d-83e6-5f17a39d4fde',
  'Azure Event Hubs Data Sender': '2b629674-e913-4c01-ae53-ef4638d8f975',
  'Key Vault Secrets User': '4633458b-17de-408a-b874-0445c86b69e6',
  'Monitoring Metrics Publisher': '3913510d-42f4-4e42-8a64-420c390055eb',
  'IoT Hub Data Contributor': '4fc6c259-987e-4a07-842e-c321cc9d413f',
  'IoT Hub Data Reader': 'b447c946-2db7-41ec-983d-d8bf3b1c77e3',
  'IoT Hub Registry Contributor': '4ea46cd5-c1b2-4a8e-910b-273211f9ce47',
  'IoT Hub Twin Contributor': '494bdba2-168f-4f31-a0a1-191d2f7c028c',
  'Communication and Email Service Owner': '09976791-48a7-449e-bb21-39d1a415f350',
}

const ID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i

/** Whether this names a role: one of Azure's for data, or any by its id. */
export function isRole(role: string): boolean {
  return ROLES[role] !== undefined || ID.test(role)
}

/** The id of a role that is named, or an id as it is. */
export function roleId(role: string): string {
  return ROLES[role] ?? role
}

/** The name of a role by its id, as far as it is known. */
export function roleName(id: string): string {
  return Object.entries(ROLES).find(([, known]) => known === id)?.[0] ?? id
}

/** Ids of the roles of Cosmos DB itself. Source: Cosmos DB, "Data plane security reference". */
export const COSMOS_ROLES = {
  reader: '00000000-0000-0000-0000-000000000001',
  contributor: '00000000-0000-0000-0000-000000000002',
} as const
