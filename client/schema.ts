// What the REST API takes and gives, written by `node scripts/client.ts` from its document. A test compares.

export interface paths {
  '/alarms': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never }
    /** The open alarms of all devices, in the order of their ids. */
    get: operations['listAlarms']
    put?: never
    post?: never
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/audit': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never }
    /** Who changed what, newest first. */
    get: operations['listAudit']
    put?: never
    post?: never
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/cold/{day}': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never }
    /** The archive of one day of UTC, as JSON lines. */
    get: operations['readCold']
    put?: never
    post?: never
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/commands/feedback': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never }
    /** Takes what became of commands, and hides it from others for a while. */
    get: operations['claimFeedback']
    put?: never
    post?: never
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/commands/feedback/{feedbackId}': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never }
    get?: never
    put?: never
    post?: never
    /** The feedback was read. */
    delete: operations['removeFeedback']
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/dead-letters': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never }
    /** Dead letters, the newest first. */
    get: operations['listDeadLetters']
    put?: never
    post?: never
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/dead-letters/{deadLetterId}': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never }
    /** One dead letter with its payload. */
    get: operations['getDeadLetter']
    put?: never
    post?: never
    /** Throws it away. */
    delete: operations['deleteDeadLetter']
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/dead-letters/{deadLetterId}/redrive': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never }
    get?: never
    put?: never
    /** Tries it once more. */
    post: operations['redriveDeadLetter']
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/devices': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never }
    /** Devices that were heard of or are registered, searched and sorted. */
    get: operations['listDevices']
    put?: never
    post?: never
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/devices/{deviceId}': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never }
    /** One device with all that is remembered of it, and what it was registered as. */
    get: operations['getDevice']
    put?: never
    post?: never
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/devices/{deviceId}/alarms': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never }
    /** The alarms of one device. */
    get: operations['listDeviceAlarms']
    put?: never
    post?: never
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/devices/{deviceId}/alarms/{alarmId}/acknowledge': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never }
    get?: never
    put?: never
    /** Says that somebody knows. */
    post: operations['acknowledgeAlarm']
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/devices/{deviceId}/alarms/{alarmId}/assign': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never }
    get?: never
    put?: never
    /** Says whose it is. */
    post: operations['assignAlarm']
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/devices/{deviceId}/alarms/{alarmId}/comment': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never }
    get?: never
    put?: never
    /** Writes something beside it. */
    post: operations['commentAlarm']
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/devices/{deviceId}/alarms/{alarmId}/shelve': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never }
    get?: never
    put?: never
    /** Keeps it quiet for a while. */
    post: operations['shelveAlarm']
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/devices/{deviceId}/alarms/{alarmId}/unshelve': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never }
    get?: never
    put?: never
    /** Ends its shelf. */
    post: operations['unshelveAlarm']
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/devices/{deviceId}/commands': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never }
    /** Commands that wait or are held, and those that ended lately. */
    get: operations['listCommands']
    put?: never
    /** Queues a command. */
    post: operations['sendCommand']
    /** Ends all commands that have not ended. */
    delete: operations['purgeCommands']
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/devices/{deviceId}/commands/{commandId}': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never }
    /** One command, and how far it came. */
    get: operations['getCommand']
    put?: never
    post?: never
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/devices/{deviceId}/config': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never }
    /** The last configs that were looked at, the newest first. */
    get: operations['listDeviceConfigs']
    /** Sets what a device is to have, as bytes. */
    put: operations['putDeviceConfig']
    post?: never
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/devices/{deviceId}/executions/next': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never }
    /** Hands the next command to its device, which holds it then. */
    get: operations['receiveCommand']
    put?: never
    post?: never
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/devices/{deviceId}/executions/{lockToken}': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never }
    get?: never
    put?: never
    post?: never
    /** The device did what it was asked, or will not. */
    delete: operations['settleCommand']
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/devices/{deviceId}/executions/{lockToken}/abandon': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never }
    get?: never
    put?: never
    /** The command waits again. */
    post: operations['abandonCommand']
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/devices/{deviceId}/methods/{method}': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never }
    get?: never
    put?: never
    /** Asks a device that is there, and waits for its answer. */
    post: operations['invokeMethod']
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/devices/{deviceId}/shadow': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never }
    /** A shadow: desired, reported, delta and their times. */
    get: operations['getShadow']
    put?: never
    post?: never
    delete?: never
    options?: never
    head?: never
    /** Changes what a device shall be. */
    patch: operations['patchShadow']
    trace?: never
  }
  '/devices/{deviceId}/shadow/delta': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never }
    /** Why a device is not yet what it shall be. */
    get: operations['explainShadow']
    put?: never
    post?: never
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/devices/{deviceId}/shadow/history': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never }
    /** What changed in a shadow lately, the newest first. */
    get: operations['listShadowChanges']
    put?: never
    post?: never
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/devices/{deviceId}/shadows': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never }
    /** The shadows that a device has. */
    get: operations['listShadows']
    put?: never
    post?: never
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/devices/{deviceId}/state': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never }
    /** What a device said last that it is, as bytes. */
    get: operations['getDeviceState']
    put?: never
    post?: never
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/devices/{deviceId}/telemetry': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never }
    /** Rows of one device in the order of time. */
    get: operations['listTelemetry']
    put?: never
    /** Takes a message of a device, or many in one body. */
    post: operations['postTelemetry']
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/docs': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never }
    /** This document, for people. */
    get: operations['getDocs']
    put?: never
    post?: never
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/docs/page.css': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never }
    /** How /docs looks. */
    get: operations['getDocsStyle']
    put?: never
    post?: never
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/docs/page.js': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never }
    /** What it does. */
    get: operations['getDocsScript']
    put?: never
    post?: never
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/groups': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never }
    /** Groups of devices in the order of their ids. */
    get: operations['listGroups']
    put?: never
    post?: never
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/groups/{groupId}': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never }
    /** One group. */
    get: operations['getGroup']
    /** Makes a group, or puts another in its place. */
    put: operations['putGroup']
    post?: never
    /** Removes a group; its devices stay. Callers who are limited to it reach nothing by it any more. */
    delete: operations['deleteGroup']
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/groups/{groupId}/devices': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never }
    /** The devices of a group, searched and sorted as in the list of all. */
    get: operations['listGroupDevices']
    put?: never
    post?: never
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/groups/{groupId}/devices/{deviceId}': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never }
    get?: never
    /** Puts a device into a group that has no search. */
    put: operations['addGroupDevice']
    post?: never
    /** Takes a device out of a group. */
    delete: operations['removeGroupDevice']
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/healthz': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never }
    /** Whether it serves. */
    get: operations['getHealth']
    put?: never
    post?: never
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/keys': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never }
    /** API keys, without their secrets. */
    get: operations['listKeys']
    put?: never
    /** Makes an API key. Its secret is in this answer and nowhere else. */
    post: operations['createKey']
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/keys/{keyId}': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never }
    get?: never
    put?: never
    post?: never
    /** Revokes an API key, and the sessions that it opened. */
    delete: operations['revokeKey']
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/live': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never }
    /** What happens, as server-sent events. */
    get: operations['followLive']
    put?: never
    post?: never
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/mailbox': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never }
    /** Mails that would have been sent, the newest first; a page for whoever wants HTML. */
    get: operations['listMails']
    put?: never
    post?: never
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/networks/{name}': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never }
    get?: never
    put?: never
    /** Takes a message of a network or a vendor. */
    post: operations['postNetworkMessage']
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/notifications': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never }
    /** Notifications on demand, the newest first. */
    get: operations['listNotifications']
    put?: never
    /** Tells an audience something. */
    post: operations['sendNotification']
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/notifications/addresses': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never }
    /** Addresses to which nothing is sent any more. */
    get: operations['listGoneAddresses']
    put?: never
    post?: never
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/notifications/addresses/{channelId}/{digest}': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never }
    get?: never
    put?: never
    post?: never
    /** An address may be sent to again. */
    delete: operations['enableAddress']
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/notifications/deliveries/{deliveryId}/ack': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never }
    get?: never
    put?: never
    /** The receiver of a webhook has it: its token comes with the delivery. */
    post: operations['acknowledgeDelivery']
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/notifications/preview': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never }
    get?: never
    put?: never
    /** What each channel would send; nothing is sent. */
    post: operations['previewNotification']
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/notifications/queues/{queue}/claim': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never }
    get?: never
    put?: never
    /** Takes what waits in the queue of a channel. */
    post: operations['claimNotifications']
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/notifications/queues/{queue}/messages/{messageId}': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never }
    get?: never
    put?: never
    post?: never
    /** What was taken is done with. */
    delete: operations['removeClaimed']
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/notifications/{notificationId}': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never }
    /** What became of a notification. */
    get: operations['getNotification']
    put?: never
    post?: never
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/notifications/{notificationId}/acknowledge': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never }
    get?: never
    put?: never
    /** Somebody takes note: chains of escalation end. */
    post: operations['acknowledgeNotification']
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/notifications/{notificationId}/recipients': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never }
    /** Who is told. */
    get: operations['listRecipients']
    put?: never
    post?: never
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/openapi.json': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never }
    /** This document. */
    get: operations['getDocument']
    put?: never
    post?: never
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/people': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never }
    /** People in the order of their ids. */
    get: operations['listPeople']
    put?: never
    post?: never
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/people/{id}': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never }
    /** One: somebody who can be told. */
    get: operations['getPerson']
    /** Says somebody who can be told. */
    put: operations['putPerson']
    post?: never
    /** Takes away somebody who can be told. */
    delete: operations['removePerson']
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/registry/connection-strings': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never }
    /** What SDKs of Azure are configured with, of back ends or of one device. */
    get: operations['getConnectionStrings']
    put?: never
    post?: never
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/registry/devices': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never }
    /** Registered devices in the order of their ids. */
    get: operations['listRegisteredDevices']
    put?: never
    /** Registers a device, and makes what it proves itself by. */
    post: operations['registerDevice']
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/registry/devices/{deviceId}': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never }
    /** One registered device. */
    get: operations['getRegisteredDevice']
    put?: never
    post?: never
    /** Takes a device off the registry; what it told stays. */
    delete: operations['removeRegisteredDevice']
    options?: never
    head?: never
    /** Changes what is known of a device, or whether it may speak at all. */
    patch: operations['changeRegisteredDevice']
    trace?: never
  }
  '/registry/devices/{deviceId}/public-keys': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never }
    get?: never
    put?: never
    /** Adds the public key of a pair that the device made. */
    post: operations['addPublicKey']
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/registry/devices/{deviceId}/public-keys/{fingerprint}': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never }
    get?: never
    put?: never
    post?: never
    /** Takes a public key away. */
    delete: operations['removePublicKey']
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/registry/devices/{deviceId}/rotate': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never }
    get?: never
    put?: never
    /** Gives a device a new credential; those before go on for a while. */
    post: operations['rotateCredential']
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/registry/devices/{gatewayId}/bound/{deviceId}': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never }
    get?: never
    /** Lets a gateway speak for a device. */
    put: operations['bindToGateway']
    post?: never
    /** A gateway speaks for a device no longer. */
    delete: operations['unbindFromGateway']
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/rules': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never }
    /** Rules in the order of their ids. */
    get: operations['listRules']
    put?: never
    post?: never
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/rules/test': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never }
    get?: never
    put?: never
    /** Tries SQL on messages, or on the last ones of a device, and shows how it came to that. */
    post: operations['testRule']
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/rules/{ruleId}': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never }
    /** One rule. */
    get: operations['getRule']
    /** Puts a rule in place of whatever has its id, and runs by it. */
    put: operations['putRule']
    post?: never
    /** Takes back what was changed: the rule is as anyhub.yml says, or gone. */
    delete: operations['deleteRule']
    options?: never
    head?: never
    /** Switches a rule on or off. */
    patch: operations['switchRule']
    trace?: never
  }
  '/session': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never }
    /** Who asks, what he may do, and how people sign in. */
    get: operations['getSession']
    put?: never
    /** Opens a session for a browser. */
    post: operations['signIn']
    /** Ends the session of the cookie. */
    delete: operations['signOut']
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/session/codes': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never }
    get?: never
    put?: never
    /** Makes a code that signs a browser in, once, as whoever asks. */
    post: operations['createSignInCode']
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/subscriptions': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never }
    /** Subscriptions in the order of their ids. */
    get: operations['listSubscriptions']
    put?: never
    post?: never
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/subscriptions/{id}': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never }
    /** One: who wants to be told of what. */
    get: operations['getSubscription']
    /** Says who wants to be told of what. */
    put: operations['putSubscription']
    post?: never
    /** Takes away who wants to be told of what. */
    delete: operations['removeSubscription']
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/subscriptions/{id}/inboxes/{recipientId}': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never }
    /** What waits for a recipient of a subscription, and what he was not told. */
    get: operations['getInbox']
    put?: never
    post?: never
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/tasks': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never }
    /** Tasks, the newest first. They are forgotten a week after their end. */
    get: operations['listTasks']
    put?: never
    /** Writes rows of some devices into a file of at most 64 MB, which is there for a day. */
    post: operations['startTask']
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/tasks/export': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never }
    get?: never
    put?: never
    /** Writes rows of some devices into a file of at most 64 MB, which is there for a day. */
    post: operations['startExport']
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/tasks/import': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never }
    get?: never
    put?: never
    /** Registers the devices of a table, or changes those that are registered. */
    post: operations['startImport']
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/tasks/replay': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never }
    get?: never
    put?: never
    /** Takes recorded messages in, as if their devices had sent them. */
    post: operations['startReplay']
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/tasks/{taskId}': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never }
    /** How far a task is. */
    get: operations['getTask']
    put?: never
    post?: never
    /** Ends a task; what it has done stays. */
    delete: operations['cancelTask']
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/tasks/{taskId}/result': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never }
    /** The file that a task made, or what became of each row of an import. */
    get: operations['getTaskResult']
    put?: never
    post?: never
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/telemetry/export': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never }
    /** Rows of some devices as a file: CSV, JSON lines or Parquet. */
    get: operations['exportTelemetry']
    put?: never
    post?: never
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/telemetry/latest': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never }
    /** The newest value of each metric of some devices. */
    get: operations['getLatestTelemetry']
    put?: never
    post?: never
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
  '/telemetry/series': {
    parameters: { query?: never; header?: never; path?: never; cookie?: never }
    /** Metrics of some devices over time, drawn together in buckets. */
    get: operations['getTelemetrySeries']
    put?: never
    post?: never
    delete?: never
    options?: never
    head?: never
    patch?: never
    trace?: never
  }
}

export type Json = string | number | boolean | null | Json[] | { [key: string]: Json }

export interface components {
  schemas: {
    Json: Json
    AlarmEntry: {
      deviceId: string
      alarmId: string
      severity: 'info' | 'warning' | 'critical'
      /** The sentence for people. */
      text: string
      standing: 'normal' | 'pending' | 'active' | 'acknowledged' | 'cleared' | 'shelved'
      status: 'quiet' | 'pending' | 'active' | 'cleared'
      /** Event time at which the condition became true. */
      since: number
      /** Epoch milliseconds. */
      raisedAt?: number
      /** Epoch milliseconds. */
      clearedAt?: number
      /** Epoch milliseconds. */
      acknowledgedAt?: number
      acknowledgedBy?: string
      assignedTo?: string
      /** Epoch milliseconds. */
      shelvedUntil?: number
      shelvedBy?: string
      shelvedFor?: string
      /** How many. */
      comments: number
    }
    AlarmState: {
      status: 'quiet' | 'pending' | 'active' | 'cleared'
      standing: 'normal' | 'pending' | 'active' | 'acknowledged' | 'cleared' | 'shelved'
      severity: 'info' | 'warning' | 'critical'
      text: string
      /** Epoch milliseconds. */
      since: number
      /** Epoch milliseconds. */
      judgedAt: number
      /** When time alone moves it on, even if no message comes; epoch milliseconds. */
      dueAt?: number
      /** Epoch milliseconds. */
      raisedAt?: number
      /** Epoch milliseconds. */
      clearedAt?: number
      /** Epoch milliseconds. */
      acknowledgedAt?: number
      acknowledgedBy?: string
      assignedTo?: string
      /** Epoch milliseconds. */
      clearingSince?: number
      /** How often the condition was true, where it has to be several times. */
      hits?: number
      /** Epoch milliseconds. */
      shelvedUntil?: number
      shelvedBy?: string
      shelvedFor?: string
      /** Oldest first; the last ones. */
      comments?: {
        /** Epoch milliseconds. */
        at: number
        by: string
        text: string
      }[]
      /** Oldest first; the last ones. */
      history?: ({
        /** Epoch milliseconds. */
        at: number
        is: 'raised' | 'cleared' | 'escalated' | 'eased' | 'acknowledged' | 'shelved' | 'unshelved' | 'assigned'
        severity?: 'info' | 'warning' | 'critical'
        by?: string
      })[]
    }
    ApiKey: {
      id: string
      name: string
      role?: 'viewer' | 'operator' | 'admin'
      scopes: ('devices:read' | 'devices:write' | 'groups:read' | 'groups:write' | 'shadows:read' | 'shadows:write' | 'telemetry:read' | 'telemetry:write' | 'commands:read' | 'commands:write' | 'rules:read' | 'rules:write' | 'alarms:read' | 'alarms:write' | 'notifications:read' | 'notifications:write' | 'people:read' | 'people:write' | 'dead-letters:read' | 'dead-letters:write' | 'tasks:read' | 'tasks:write' | 'keys:read' | 'keys:write' | 'audit:read' | 'system:read' | 'system:write')[]
      groups?: string[]
      /** Epoch milliseconds. */
      createdAt: number
      createdBy: string
      /** Epoch milliseconds. */
      expiresAt?: number
      /** Epoch milliseconds. */
      lastUsedAt?: number
    }
    Assign: {
      to: string
    }
    AuditEntry: {
      id: string
      /** Epoch milliseconds. */
      at: number
      actor: {
        kind: string
        id: string
        name?: string
      }
      operation: string
      target: string
      method: string
      path: string
      status: number
      before?: Json
      after?: Json
      remote?: string
    }
    Caller: {
      kind: 'admin' | 'person' | 'key' | 'device' | 'anonymous'
      id: string
      name?: string
      scopes: ('devices:read' | 'devices:write' | 'groups:read' | 'groups:write' | 'shadows:read' | 'shadows:write' | 'telemetry:read' | 'telemetry:write' | 'commands:read' | 'commands:write' | 'rules:read' | 'rules:write' | 'alarms:read' | 'alarms:write' | 'notifications:read' | 'notifications:write' | 'people:read' | 'people:write' | 'dead-letters:read' | 'dead-letters:write' | 'tasks:read' | 'tasks:write' | 'keys:read' | 'keys:write' | 'audit:read' | 'system:read' | 'system:write')[]
      groups?: string[]
    }
    ChangedRule: {
      id: string
      description?: string
      sql: string
      sqlVersion: '2016-03-23' | '2015-10-08' | 'beta'
      enabled: boolean
      group: 'device' | 'fleet'
      /** A duration such as 90s, or 0. */
      lateness: string
      actions: ({
        /** Publishes the result of the SQL on a topic. */
        republish: {
          /** A topic; ${…} is evaluated on the message. */
          topic: string
          /** A text with ${…} instead of the result. */
          payload?: string
          /** Quality of service. */
          qos: 0 | 1
          /** Whether the broker keeps it for later subscribers. */
          retain: boolean
        }
      } | {
        /** Stores the values that the SQL selected as telemetry of the sender, beside what it measured. */
        store: {
          /** Put before the name of each value. */
          prefix: string
        }
      } | {
        /** Raises an alarm of the sender; one that is open already stays as it is. */
        raiseAlarm: {
          /** Its id: one of alarms:, or any other name. */
          alarm: string
          /** How much it matters. */
          severity: 'info' | 'warning' | 'critical'
          /** The sentence for people; ${…} is evaluated on the message. */
          text: string
          /** Channels to tell. */
          notify: string[]
        }
      } | {
        /** Clears an alarm of the sender, if it is open. */
        clearAlarm: {
          /** Its id. */
          alarm: string
          /** Channels to tell. */
          notify: string[]
        }
      } | {
        /** Tells people or systems through channels. */
        notify: {
          /** Channels to tell. */
          channels: string[]
          /** How much it matters. */
          severity: 'info' | 'warning' | 'critical'
          /** A few words; ${…} is evaluated on the message. */
          subject: string
          /** The sentence for people; ${…} is evaluated on the message. */
          text: string
        }
      } | {
        /** Changes the desired state of the sender or of another device. */
        setDesired: {
          /** The device; the sender unless given. */
          device?: string
          /** The name of the shadow; the classic one unless given. */
          shadow: string
          /** The desired state; the result of the SQL unless given. */
          state?: { [key: string]: Json }
          /** How long it stays wanted, such as 90s or 2h; for ever unless given. */
          for?: string
          /** Takes the values away again as soon as the device reports them. */
          once: boolean
        }
      } | {
        /** Queues a command for the sender or for another device. */
        sendCommand: {
          /** What the device is asked to do; ${…} is evaluated. */
          name: string
          /** The device; the sender unless given. */
          device?: string
          /** The result of the SQL unless given. */
          payload?: Json
        }
      } | {
        /** Posts the result of the SQL, as it is, to a channel of type webhook. */
        webhook: {
          /** A channel of type webhook. */
          channel: string
        }
      } | {
        /** Appends the result of the SQL to a queue for other programs. */
        queue: {
          /** The queue; ${…} is evaluated on the message. */
          name: string
        }
      } | {
        /** Puts the result of the SQL, or an item, into a table under a key. */
        table: {
          /** The table; ${…} is evaluated on the message. */
          table: string
          /** The key; ${…} is evaluated on the message. */
          key: string
          /** The result of the SQL unless given. */
          item?: Json
        }
      } | {
        /** Writes the result of the SQL to the archive. */
        coldRow: Record<string, never>
      } | {
        /** Writes a line to the log. */
        log: {
          /** The line; ${…} is evaluated on the message. */
          text: string
          /** Its level. */
          level: 'info' | 'warn' | 'error'
        }
      })[]
      errorAction?: {
        /** Publishes the result of the SQL on a topic. */
        republish: {
          /** A topic; ${…} is evaluated on the message. */
          topic: string
          /** A text with ${…} instead of the result. */
          payload?: string
          /** Quality of service. */
          qos: 0 | 1
          /** Whether the broker keeps it for later subscribers. */
          retain: boolean
        }
      } | {
        /** Stores the values that the SQL selected as telemetry of the sender, beside what it measured. */
        store: {
          /** Put before the name of each value. */
          prefix: string
        }
      } | {
        /** Raises an alarm of the sender; one that is open already stays as it is. */
        raiseAlarm: {
          /** Its id: one of alarms:, or any other name. */
          alarm: string
          /** How much it matters. */
          severity: 'info' | 'warning' | 'critical'
          /** The sentence for people; ${…} is evaluated on the message. */
          text: string
          /** Channels to tell. */
          notify: string[]
        }
      } | {
        /** Clears an alarm of the sender, if it is open. */
        clearAlarm: {
          /** Its id. */
          alarm: string
          /** Channels to tell. */
          notify: string[]
        }
      } | {
        /** Tells people or systems through channels. */
        notify: {
          /** Channels to tell. */
          channels: string[]
          /** How much it matters. */
          severity: 'info' | 'warning' | 'critical'
          /** A few words; ${…} is evaluated on the message. */
          subject: string
          /** The sentence for people; ${…} is evaluated on the message. */
          text: string
        }
      } | {
        /** Changes the desired state of the sender or of another device. */
        setDesired: {
          /** The device; the sender unless given. */
          device?: string
          /** The name of the shadow; the classic one unless given. */
          shadow: string
          /** The desired state; the result of the SQL unless given. */
          state?: { [key: string]: Json }
          /** How long it stays wanted, such as 90s or 2h; for ever unless given. */
          for?: string
          /** Takes the values away again as soon as the device reports them. */
          once: boolean
        }
      } | {
        /** Queues a command for the sender or for another device. */
        sendCommand: {
          /** What the device is asked to do; ${…} is evaluated. */
          name: string
          /** The device; the sender unless given. */
          device?: string
          /** The result of the SQL unless given. */
          payload?: Json
        }
      } | {
        /** Posts the result of the SQL, as it is, to a channel of type webhook. */
        webhook: {
          /** A channel of type webhook. */
          channel: string
        }
      } | {
        /** Appends the result of the SQL to a queue for other programs. */
        queue: {
          /** The queue; ${…} is evaluated on the message. */
          name: string
        }
      } | {
        /** Puts the result of the SQL, or an item, into a table under a key. */
        table: {
          /** The table; ${…} is evaluated on the message. */
          table: string
          /** The key; ${…} is evaluated on the message. */
          key: string
          /** The result of the SQL unless given. */
          item?: Json
        }
      } | {
        /** Writes the result of the SQL to the archive. */
        coldRow: Record<string, never>
      } | {
        /** Writes a line to the log. */
        log: {
          /** The line; ${…} is evaluated on the message. */
          text: string
          /** Its level. */
          level: 'info' | 'warn' | 'error'
        }
      }
      /** Who says what it is: anyhub.yml, or whoever put it here. */
      source: 'config' | 'api'
      /** Whether anyhub.yml has a rule of this id. */
      declared: boolean
      /** Counts changes made here; 0: none. */
      version: number
      /** Epoch milliseconds. */
      changedAt?: number
      changedBy?: string
      /** In lists: how often it matched since the process started, where the host counts that. */
      matched?: number
      /** Why it does not run. */
      faults?: {
        /** JSON pointer into the rule. */
        pointer: string
        detail: string
        line?: number
        column?: number
      }[]
      /** What became of its open windows: those of the same shape go on. */
      windows: 'none' | 'kept' | 'dropped'
    }
    Claim: {
      limit?: number
      /** For how long they are hidden from others. */
      leaseSeconds?: number
      /** When they are gone: at once, or when they are removed. */
      ack?: 'receipt' | 'processed'
    }
    ClaimedMessage: {
      id: string
      /** ISO 8601. */
      at: string
      body: Json
    }
    Command: {
      deviceId: string
      commandId: string
      name: string
      state: 'Enqueued' | 'Delivered' | 'Completed' | 'Rejected' | 'Expired' | 'DeliveryCountExceeded' | 'Purged'
      /** Epoch milliseconds. */
      enqueuedAt: number
      /** Epoch milliseconds. */
      expiresAt: number
      deliveries: number
      maxDeliveries: number
      priority: number
      ack: 'none' | 'positive' | 'negative' | 'full'
      bytes: number
      sentBy?: string
      /** Epoch milliseconds. */
      finishedAt?: number
      /** Why it ended, where somebody said so. */
      reason?: string
      /** Until when the device holds it. */
      lockedUntil?: number
    }
    CommandFeedback: {
      id: string
      /** Epoch milliseconds. */
      at: number
      originalMessageId: string
      deviceId: string
      deviceGenerationId: string
      statusCode: 'Success' | 'Expired' | 'DeliveryCountExceeded' | 'Rejected' | 'Purged'
      description: string
      /** ISO 8601. */
      enqueuedTimeUtc: string
    }
    Comment: {
      text: string
    }
    ConnectionStrings: {
      mqtt?: string
      amqp?: string
      https?: string
      eventHubs?: string
      /** PEM of what has to be trusted. */
      authority?: string
    }
    Credential: {
      kind: 'certificate' | 'token' | 'key' | 'public_key'
      /** SHA-256 in hex, of certificates and of public keys. */
      fingerprint?: string
      /** Epoch milliseconds. */
      createdAt: number
      /** Epoch milliseconds. */
      endsAt?: number
      /** Whether it proves something now. */
      live: boolean
    }
    DeadLetter: {
      id: string
      /** Epoch milliseconds. */
      at: number
      deviceId?: string
      topic: string
      source: string
      contentType: string
      /** As it was sent; of a long one only its start is kept. */
      payloadBytes: number
      /** The payload, where it is text. */
      payloadText?: string
      /** The payload, where it is none. */
      payloadHex?: string
      /** Epoch milliseconds. */
      receivedAt: number
      /** Epoch milliseconds. */
      sentAt?: number
      messageId?: string
      /** It was for this rule alone. */
      ruleId?: string
      /** What is wrong, for programs. */
      code: string
      /** What is wrong, for people. */
      reason: string
    }
    DeltaLeaf: {
      pointer: string
      desired: Json
      /** Epoch seconds. */
      wantedSince?: number
      wantedBy?: string
      /** Epoch seconds. */
      expiresAt?: number
      reported?: Json
      /** Epoch seconds. */
      reportedAt?: number
    }
    Device: {
      deviceId: string
      /** As registered, else the device type of the config that covers it. */
      type?: string
      /** Of its twin where that has some, else of the registry. */
      tags: { [key: string]: Json }
      enabled: boolean
      registered: boolean
      connected: boolean
      status: components['schemas']['DeviceStatus']
      /** Whether it promised to be heard of at an interval. */
      expected: boolean
      /** Epoch milliseconds; 0: never. */
      seenAt: number
      /** Epoch milliseconds. */
      presenceChangedAt: number
      /** How many messages were accepted. */
      accepted: number
      last: { [key: string]: {
          value: number | boolean | string
          /** Epoch milliseconds. */
          at: number
        } }
      /** Those that are active. */
      alarms: components['schemas']['OpenAlarm'][]
      /** Of the classic shadow. */
      desired: { [key: string]: Json } | null
      pendingCommands: number
      /** Counts what happened to it; 0: it was never heard of. */
      version: number
      /** Epoch milliseconds. */
      createdAt: number
      presence: components['schemas']['Presence']
      /** By the ids of alarms. */
      alarmStates: { [key: string]: components['schemas']['AlarmState'] }
      shadows: { [key: string]: {
          desired: { [key: string]: Json }
          reported: { [key: string]: Json }
          version: number
        } }
      waitingEffects: number
      registration?: components['schemas']['RegisteredDevice']
    }
    DeviceAlarm: {
      status: 'quiet' | 'pending' | 'active' | 'cleared'
      standing: 'normal' | 'pending' | 'active' | 'acknowledged' | 'cleared' | 'shelved'
      severity: 'info' | 'warning' | 'critical'
      text: string
      /** Epoch milliseconds. */
      since: number
      /** Epoch milliseconds. */
      judgedAt: number
      /** When time alone moves it on, even if no message comes; epoch milliseconds. */
      dueAt?: number
      /** Epoch milliseconds. */
      raisedAt?: number
      /** Epoch milliseconds. */
      clearedAt?: number
      /** Epoch milliseconds. */
      acknowledgedAt?: number
      acknowledgedBy?: string
      assignedTo?: string
      /** Epoch milliseconds. */
      clearingSince?: number
      /** How often the condition was true, where it has to be several times. */
      hits?: number
      /** Epoch milliseconds. */
      shelvedUntil?: number
      shelvedBy?: string
      shelvedFor?: string
      /** Oldest first; the last ones. */
      comments?: {
        /** Epoch milliseconds. */
        at: number
        by: string
        text: string
      }[]
      /** Oldest first; the last ones. */
      history?: ({
        /** Epoch milliseconds. */
        at: number
        is: 'raised' | 'cleared' | 'escalated' | 'eased' | 'acknowledged' | 'shelved' | 'unshelved' | 'assigned'
        severity?: 'info' | 'warning' | 'critical'
        by?: string
      })[]
      alarmId: string
    }
    DeviceChange: {
      enabled?: boolean
      type?: string
      tags?: { [key: string]: string }
      /** It is a gateway, and this is what it needs to speak for another device. */
      gatewayAuth?: 'association' | 'token' | 'association_and_token'
    }
    DeviceConfigVersion: {
      version: number
      /** Epoch milliseconds. */
      updatedAt: number
      /** Epoch milliseconds. */
      acknowledgedAt?: number
      /** Base64. */
      binaryData: string
    }
    DeviceGroup: {
      id: string
      name: string
      description?: string
      /** Who is in it is who this search finds; without it, who was put in. */
      query?: string
      /** Who was put in, the first 1000; only of one group. */
      devices?: string[]
      /** Epoch milliseconds. */
      createdAt: number
      /** Counts changes of the group itself; it is the ETag. */
      version: number
    }
    DeviceGroupWish: {
      /** Its id unless given. */
      name?: string
      description?: string
      query?: string
      /** All its members. Without it, and without a query, those that are in stay. */
      devices?: string[]
    }
    /** late: connected, but silent for too long; unreachable: its gateway is gone. */
    DeviceStatus: 'unknown' | 'online' | 'late' | 'offline' | 'unreachable'
    DeviceSummary: {
      deviceId: string
      /** As registered, else the device type of the config that covers it. */
      type?: string
      /** Of its twin where that has some, else of the registry. */
      tags: { [key: string]: Json }
      enabled: boolean
      registered: boolean
      connected: boolean
      status: components['schemas']['DeviceStatus']
      /** Whether it promised to be heard of at an interval. */
      expected: boolean
      /** Epoch milliseconds; 0: never. */
      seenAt: number
      /** Epoch milliseconds. */
      presenceChangedAt: number
      /** How many messages were accepted. */
      accepted: number
      last: { [key: string]: {
          value: number | boolean | string
          /** Epoch milliseconds. */
          at: number
        } }
      /** Those that are active. */
      alarms: components['schemas']['OpenAlarm'][]
      /** Of the classic shadow. */
      desired: { [key: string]: Json } | null
      pendingCommands: number
    }
    /** What was made is in this answer and nowhere else. */
    DeviceWithSecrets: {
      device: components['schemas']['RegisteredDevice']
      token?: string
      primaryKey?: string
      secondaryKey?: string
      /** PEM. */
      certificate?: string
      /** PEM. */
      privateKey?: string
      /** PEM of what it has to trust. */
      authority?: string
    }
    ExplainedExpression: {
      text: string
      value?: Json
      /** Why there is no value. */
      undefined?: string
      note?: string
      parts?: components['schemas']['ExplainedExpression'][]
    }
    ExportWish: {
      kind?: 'export'
      devices?: string[]
      query?: string
      /** Inclusive; an hour before `to` unless given. */
      from?: number | string
      /** Exclusive; now unless given. */
      to?: number | string
      format?: 'csv' | 'jsonl' | 'parquet'
      metrics?: string[]
    }
    GoneAddress: {
      id: string
      channelId: string
      /** Masked. */
      address: string
      reason: string
      /** ISO 8601. */
      at: string
    }
    Inbox: {
      waiting: number
      /** Keys of what waits. */
      held?: string[]
      /** Epoch milliseconds. */
      releaseAt?: number
      escalations: {
        key: string
        step: number
        /** Epoch milliseconds. */
        dueAt: number
      }[]
      suppressed: {
        key: string
        reason: string
        /** Epoch milliseconds. */
        at: number
      }[]
    }
    /** What became of the messages of one body. */
    Intake: {
      accepted: number
      duplicates: number
      deadLetters: {
        index: number
        id: string
        code: string
        reason: string
      }[]
    }
    Mail: {
      id: string
      /** ISO 8601. */
      at: string
      to: string[]
      subject: string
      text: string
    }
    /** The status is the device’s own. */
    MethodAnswer: {
      status: number
      payload: Json
    }
    /** What became of a message of a network. */
    NetworkIntake: {
      accepted: number
      duplicates: number
      /** Parts that are meant for others. */
      ignored: number
      deadLetters: {
        index: number
        id: string
        code: string
        reason: string
      }[]
    }
    NewApiKey: {
      /** What people know it by. */
      name: string
      /** In place of scopes. */
      role?: 'viewer' | 'operator' | 'admin'
      scopes?: ('devices:read' | 'devices:write' | 'groups:read' | 'groups:write' | 'shadows:read' | 'shadows:write' | 'telemetry:read' | 'telemetry:write' | 'commands:read' | 'commands:write' | 'rules:read' | 'rules:write' | 'alarms:read' | 'alarms:write' | 'notifications:read' | 'notifications:write' | 'people:read' | 'people:write' | 'dead-letters:read' | 'dead-letters:write' | 'tasks:read' | 'tasks:write' | 'keys:read' | 'keys:write' | 'audit:read' | 'system:read' | 'system:write')[]
      /** Device groups that it may reach; all devices unless given. */
      groups?: string[]
      /** Epoch milliseconds from which it opens nothing; it has no end unless given. */
      expiresAt?: number
    }
    NewCommand: {
      /** Makes a second sending no second command; made up unless given. */
      commandId?: string
      /** What the device is asked to do. */
      name?: string
      /** Sent as JSON. */
      payload?: Json
      /** Sent as text. */
      payloadText?: string
      /** Sent as bytes. */
      payloadBase64?: string
      contentType?: string
      correlationId?: string
      properties?: { [key: string]: string }
      /** How long it may wait. */
      ttlSeconds?: number
      /** Until when it may wait, epoch ms. */
      expiresAt?: number
      /** 0 to 9; the higher one goes first. */
      priority?: number
      maxDeliveries?: number
      /** Which ends the sender wants to be told of. */
      ack?: 'none' | 'positive' | 'negative' | 'full'
    }
    NewDevice: {
      deviceId: string
      type?: string
      tags?: { [key: string]: string }
      /** What is made for it, and handed out in this answer only. */
      credential?: 'certificate' | 'token' | 'key'
      fingerprint?: string
      publicKey?: string
      publicKeyExpiresAt?: number
      /** It is a gateway, and this is what it needs to speak for another device. */
      gatewayAuth?: 'association' | 'token' | 'association_and_token'
    }
    NewNotification: {
      audience: {
        /** People, by their ids. */
        people?: string[]
        /** Everybody of these groups. */
        groups?: string[]
        /** Channels as they are. */
        channels?: string[]
        /** All people there are. */
        everybody?: boolean
        /** All whose subscriptions ask for it. */
        subscribers?: boolean
      }
      subject: string
      text?: string
      severity?: 'info' | 'warning' | 'critical'
      /** 0 to 9, which overtakes the others; by the severity unless given. */
      priority?: 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9
      deviceId?: string
      data?: Json
      /** Words by language. */
      words?: { [key: string]: {
          /** In place of the subject; {{path}} is filled in. */
          subject?: string
          /** In place of the text; {{path}} is filled in. */
          text?: string
        } }
      expiresAt?: string
    }
    /** Somebody who can be told. */
    NewPerson: {
      /** The name, for people. */
      name?: string
      /** The groups that he belongs to. */
      groups?: string[]
      /** In which language he is told. */
      language?: string
      /** In which time zone he lives. */
      timeZone?: string
      /** Where he is reached. */
      addresses?: (string | {
        /** The channel. */
        channel: string
        /** The own address on it, in place of those that the channel names. */
        to?: string
      })[]
    }
    NewPreview: {
      channel?: string
      deviceId?: string
      severity?: 'info' | 'warning' | 'critical'
      subject?: string
      text?: string
      data?: Json
      /** Words by language. */
      words?: { [key: string]: {
          /** In place of the subject; {{path}} is filled in. */
          subject?: string
          /** In place of the text; {{path}} is filled in. */
          text?: string
        } }
      /** The language, as BCP 47: de, en-GB. */
      language?: string
      /** An IANA time zone. */
      timeZone?: string
    }
    NewPublicKey: {
      publicKey: string
      expiresAt?: number
    }
    /** Who wants to be told of what. */
    NewSubscription: {
      /** Who is told. */
      to: {
        /** People, by their ids. */
        people?: string[]
        /** Everybody of these groups. */
        groups?: string[]
        /** Channels as they are. */
        channels?: string[]
        /** Addresses of nobody who is declared. */
        addresses?: (string | {
          /** The channel. */
          channel: string
          /** The own address on it, in place of those that the channel names. */
          to?: string
        })[]
      }
      /** What brings it about; alarm, rule and on-demand unless given. */
      events?: ('alarm' | 'rule' | 'on-demand' | 'health')[]
      /** Which device ids: a pattern in which * stands for any characters. */
      devices?: string
      /** Tags that the registered device must have. */
      tags?: { [key: string]: string }
      /** Which alarms or rules, by their ids; of health presence, endpoint, address, dead-letters. All unless given. */
      alarms?: string[]
      /** How much it must matter at least. */
      severity?: 'info' | 'warning' | 'critical'
      /** When it holds; always unless given. */
      schedule?: ({
        /** The days on which it begins; every day unless given. */
        days?: ('sun' | 'mon' | 'tue' | 'wed' | 'thu' | 'fri' | 'sat')[]
        /** When it begins. */
        from: string
        /** When it ends; before `from`: on the next day. */
        to: string
      })[]
      /** Of schedule and quiet hours; that of the person, or UTC, unless given. */
      timeZone?: string
      /** In which language it is told to those who have none. */
      language?: string
      /** Words by language. */
      words?: { [key: string]: {
          /** In place of the subject; {{path}} is filled in. */
          subject?: string
          /** In place of the text; {{path}} is filled in. */
          text?: string
        } }
      /** 0 to 9, which overtakes the others; by the severity unless given. */
      priority?: 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9
      /** The same again within so long is not told. */
      dedup?: string
      /** An alarm that changes more often is told once, and again when it has come to rest. */
      flaps?: {
        /** So many changes are usual: raised and cleared are two. */
        most?: number
        /** Within which time. */
        within: string
      }
      /** How much one recipient is told at most. */
      throttle?: {
        /** So many are told at most. */
        most: number
        /** Within which time. */
        per: string
      }
      /** When nothing is told; what comes is told together at the end. */
      quietHours?: {
        /** The days on which it begins; every day unless given. */
        days?: ('sun' | 'mon' | 'tue' | 'wed' | 'thu' | 'fri' | 'sat')[]
        /** When it begins. */
        from: string
        /** When it ends; before `from`: on the next day. */
        to: string
      } | ({
        /** The days on which it begins; every day unless given. */
        days?: ('sun' | 'mon' | 'tue' | 'wed' | 'thu' | 'fri' | 'sat')[]
        /** When it begins. */
        from: string
        /** When it ends; before `from`: on the next day. */
        to: string
      })[]
      /** After one was told, what follows within so long is told together. */
      digest?: string
      /** From this severity on quiet hours, digest and throttle do not count; never: they always do. */
      override?: 'info' | 'warning' | 'critical' | 'never'
      /** Who is told, one after the other, until somebody acknowledges. */
      escalation?: {
        /** How long after the event. */
        after: string
        /** Who is told then. */
        to: {
          /** People, by their ids. */
          people?: string[]
          /** Everybody of these groups. */
          groups?: string[]
          /** Channels as they are. */
          channels?: string[]
        }
      }[]
    }
    Notification: {
      id: string
      /** Epoch milliseconds. */
      at: number
      subject: string
      severity: 'info' | 'warning' | 'critical'
      /** finding: recipients are still being found. */
      status: 'finding' | 'found' | 'suppressed'
      /** Why nobody is told. */
      reason?: string
      acknowledged?: {
        /** Epoch milliseconds. */
        at: number
        by: string
      }
      deliveries: number
      states: {
        queued: number
        sent: number
        failed: number
        expired: number
        suppressed: number
      }
    }
    NotificationEntry: {
      id: string
      /** Epoch milliseconds. */
      at: number
      subject: string
      severity: 'info' | 'warning' | 'critical'
      acknowledged?: {
        /** Epoch milliseconds. */
        at: number
        by: string
      }
    }
    OpenAlarm: {
      alarmId: string
      severity: 'info' | 'warning' | 'critical'
      text: string
      raisedAt: number | null
      acknowledgedAt: number | null
      /** Epoch milliseconds. */
      shelvedUntil?: number
      assignedTo?: string
    }
    Person: {
      id: string
      name?: string
      groups?: string[]
      language?: string
      timeZone?: string
      addresses?: (string | {
        channel: string
        to?: string
      })[]
    }
    Presence: {
      status: components['schemas']['DeviceStatus']
      /** Epoch milliseconds. */
      since: number
      connected: boolean
      /** Epoch milliseconds. */
      changedAt: number
      /** Epoch milliseconds. */
      seenAt: number
      /** Whose connection it shares. */
      gateway?: string
      /** How often rules were told something. */
      sequence: number
      /** Connections that came back before anybody was told. */
      flaps: number
    }
    Preview: {
      channel: string
      type: string
      content: Json
    }
    /** What was expected, what was found, and where. */
    Problem: {
      type: string
      title: string
      status: number
      detail: string
      errors?: ({
        in: 'path' | 'query' | 'body' | 'header'
        pointer: string
        detail: string
        line?: number
        column?: number
      })[]
    }
    RegisteredDevice: {
      deviceId: string
      type?: string
      tags: { [key: string]: Json }
      enabled: boolean
      /** Epoch milliseconds. */
      createdAt: number
      /** Counts changes, from 1 on; it is the ETag. */
      version: number
      credentials: components['schemas']['Credential'][]
      /** Gateways that may speak for it. */
      gateways?: string[]
      gatewayAuth?: 'association' | 'token' | 'association_and_token'
    }
    Rotation: {
      /** What is made for it, and handed out in this answer only. */
      credential?: 'certificate' | 'token' | 'key'
      /** For how long the credentials before go on. */
      graceSeconds?: number
      publicKey?: string
      publicKeyExpiresAt?: number
    }
    Rule: {
      id: string
      description?: string
      sql: string
      sqlVersion: '2016-03-23' | '2015-10-08' | 'beta'
      enabled: boolean
      group: 'device' | 'fleet'
      /** A duration such as 90s, or 0. */
      lateness: string
      actions: ({
        /** Publishes the result of the SQL on a topic. */
        republish: {
          /** A topic; ${…} is evaluated on the message. */
          topic: string
          /** A text with ${…} instead of the result. */
          payload?: string
          /** Quality of service. */
          qos: 0 | 1
          /** Whether the broker keeps it for later subscribers. */
          retain: boolean
        }
      } | {
        /** Stores the values that the SQL selected as telemetry of the sender, beside what it measured. */
        store: {
          /** Put before the name of each value. */
          prefix: string
        }
      } | {
        /** Raises an alarm of the sender; one that is open already stays as it is. */
        raiseAlarm: {
          /** Its id: one of alarms:, or any other name. */
          alarm: string
          /** How much it matters. */
          severity: 'info' | 'warning' | 'critical'
          /** The sentence for people; ${…} is evaluated on the message. */
          text: string
          /** Channels to tell. */
          notify: string[]
        }
      } | {
        /** Clears an alarm of the sender, if it is open. */
        clearAlarm: {
          /** Its id. */
          alarm: string
          /** Channels to tell. */
          notify: string[]
        }
      } | {
        /** Tells people or systems through channels. */
        notify: {
          /** Channels to tell. */
          channels: string[]
          /** How much it matters. */
          severity: 'info' | 'warning' | 'critical'
          /** A few words; ${…} is evaluated on the message. */
          subject: string
          /** The sentence for people; ${…} is evaluated on the message. */
          text: string
        }
      } | {
        /** Changes the desired state of the sender or of another device. */
        setDesired: {
          /** The device; the sender unless given. */
          device?: string
          /** The name of the shadow; the classic one unless given. */
          shadow: string
          /** The desired state; the result of the SQL unless given. */
          state?: { [key: string]: Json }
          /** How long it stays wanted, such as 90s or 2h; for ever unless given. */
          for?: string
          /** Takes the values away again as soon as the device reports them. */
          once: boolean
        }
      } | {
        /** Queues a command for the sender or for another device. */
        sendCommand: {
          /** What the device is asked to do; ${…} is evaluated. */
          name: string
          /** The device; the sender unless given. */
          device?: string
          /** The result of the SQL unless given. */
          payload?: Json
        }
      } | {
        /** Posts the result of the SQL, as it is, to a channel of type webhook. */
        webhook: {
          /** A channel of type webhook. */
          channel: string
        }
      } | {
        /** Appends the result of the SQL to a queue for other programs. */
        queue: {
          /** The queue; ${…} is evaluated on the message. */
          name: string
        }
      } | {
        /** Puts the result of the SQL, or an item, into a table under a key. */
        table: {
          /** The table; ${…} is evaluated on the message. */
          table: string
          /** The key; ${…} is evaluated on the message. */
          key: string
          /** The result of the SQL unless given. */
          item?: Json
        }
      } | {
        /** Writes the result of the SQL to the archive. */
        coldRow: Record<string, never>
      } | {
        /** Writes a line to the log. */
        log: {
          /** The line; ${…} is evaluated on the message. */
          text: string
          /** Its level. */
          level: 'info' | 'warn' | 'error'
        }
      })[]
      errorAction?: {
        /** Publishes the result of the SQL on a topic. */
        republish: {
          /** A topic; ${…} is evaluated on the message. */
          topic: string
          /** A text with ${…} instead of the result. */
          payload?: string
          /** Quality of service. */
          qos: 0 | 1
          /** Whether the broker keeps it for later subscribers. */
          retain: boolean
        }
      } | {
        /** Stores the values that the SQL selected as telemetry of the sender, beside what it measured. */
        store: {
          /** Put before the name of each value. */
          prefix: string
        }
      } | {
        /** Raises an alarm of the sender; one that is open already stays as it is. */
        raiseAlarm: {
          /** Its id: one of alarms:, or any other name. */
          alarm: string
          /** How much it matters. */
          severity: 'info' | 'warning' | 'critical'
          /** The sentence for people; ${…} is evaluated on the message. */
          text: string
          /** Channels to tell. */
          notify: string[]
        }
      } | {
        /** Clears an alarm of the sender, if it is open. */
        clearAlarm: {
          /** Its id. */
          alarm: string
          /** Channels to tell. */
          notify: string[]
        }
      } | {
        /** Tells people or systems through channels. */
        notify: {
          /** Channels to tell. */
          channels: string[]
          /** How much it matters. */
          severity: 'info' | 'warning' | 'critical'
          /** A few words; ${…} is evaluated on the message. */
          subject: string
          /** The sentence for people; ${…} is evaluated on the message. */
          text: string
        }
      } | {
        /** Changes the desired state of the sender or of another device. */
        setDesired: {
          /** The device; the sender unless given. */
          device?: string
          /** The name of the shadow; the classic one unless given. */
          shadow: string
          /** The desired state; the result of the SQL unless given. */
          state?: { [key: string]: Json }
          /** How long it stays wanted, such as 90s or 2h; for ever unless given. */
          for?: string
          /** Takes the values away again as soon as the device reports them. */
          once: boolean
        }
      } | {
        /** Queues a command for the sender or for another device. */
        sendCommand: {
          /** What the device is asked to do; ${…} is evaluated. */
          name: string
          /** The device; the sender unless given. */
          device?: string
          /** The result of the SQL unless given. */
          payload?: Json
        }
      } | {
        /** Posts the result of the SQL, as it is, to a channel of type webhook. */
        webhook: {
          /** A channel of type webhook. */
          channel: string
        }
      } | {
        /** Appends the result of the SQL to a queue for other programs. */
        queue: {
          /** The queue; ${…} is evaluated on the message. */
          name: string
        }
      } | {
        /** Puts the result of the SQL, or an item, into a table under a key. */
        table: {
          /** The table; ${…} is evaluated on the message. */
          table: string
          /** The key; ${…} is evaluated on the message. */
          key: string
          /** The result of the SQL unless given. */
          item?: Json
        }
      } | {
        /** Writes the result of the SQL to the archive. */
        coldRow: Record<string, never>
      } | {
        /** Writes a line to the log. */
        log: {
          /** The line; ${…} is evaluated on the message. */
          text: string
          /** Its level. */
          level: 'info' | 'warn' | 'error'
        }
      }
      /** Who says what it is: anyhub.yml, or whoever put it here. */
      source: 'config' | 'api'
      /** Whether anyhub.yml has a rule of this id. */
      declared: boolean
      /** Counts changes made here; 0: none. */
      version: number
      /** Epoch milliseconds. */
      changedAt?: number
      changedBy?: string
      /** In lists: how often it matched since the process started, where the host counts that. */
      matched?: number
      /** Why it does not run. */
      faults?: {
        /** JSON pointer into the rule. */
        pointer: string
        detail: string
        line?: number
        column?: number
      }[]
    }
    RuleExplanation: {
      sql: string
      topic: {
        filter: string
        topic: string
        matched: boolean
      }
      set: {
        name: string
        text: string
        value?: Json
        /** Why there is no value. */
        undefined?: string
        note?: string
        parts?: components['schemas']['ExplainedExpression'][]
      }[]
      where?: {
        text: string
        value?: Json
        /** Why there is no value. */
        undefined?: string
        note?: string
        parts?: components['schemas']['ExplainedExpression'][]
        verdict: 'true' | 'false' | 'undefined'
      }
      select: {
        key: string
        text: string
        value?: Json
        /** Why there is no value. */
        undefined?: string
        note?: string
        parts?: components['schemas']['ExplainedExpression'][]
      }[]
      result: Json
    }
    RuleTrial: {
      results: ({
        topic: string
        /** Epoch milliseconds. */
        at?: number
        payload?: Json
        output?: Json
        outputBase64?: string
        noMatch?: 'topic' | 'where'
        error?: components['schemas']['TrialFault']
        explain?: components['schemas']['RuleExplanation']
      })[]
      /** Of a rule with windows: what they came to over these messages. */
      windows?: {
        /** Epoch milliseconds. */
        start: number
        /** Epoch milliseconds. */
        end: number
        group: Json[]
        matched: boolean
        output?: Json
        error?: components['schemas']['TrialFault']
      }[]
      warnings: string[]
      /** The rule cannot run: where it is wrong. */
      error?: components['schemas']['TrialFault']
      /** Of the last messages of a device: as they came, or made again of the rows that are stored. */
      source?: 'raw' | 'rows'
    }
    RuleTrialRequest: {
      sql: string
      /** The version of the language that the SQL is written in. */
      sqlVersion?: '2016-03-23' | '2015-10-08' | 'beta'
      /** Windows: whether each device has its own, or all devices share them. */
      group?: 'device' | 'fleet'
      /** Windows: how long, in event time, a window waits for late data. */
      lateness?: string | 0
      messages?: {
        topic?: string
        /** The message as rules see it. */
        payload?: Json
        /** Bytes, for the codec of the device. */
        payloadText?: string
        /** Bytes, for the codec of the device. */
        payloadBase64?: string
        contentType?: string
        /** Event time, epoch ms. */
        at?: number
      }[]
      deviceId?: string
      last?: number
    }
    Shadow: {
      state: {
        desired?: { [key: string]: Json } | null
        reported?: { [key: string]: Json } | null
        delta?: { [key: string]: Json }
      }
      metadata: { [key: string]: Json }
      /** It is the ETag. */
      version: number
      /** Epoch seconds. */
      timestamp: number
      clientToken?: string
    }
    ShadowChange: {
      /** Epoch milliseconds. */
      at: number
      version: number
      by?: string
      desired?: {
        /** A merge patch (RFC 7396). */
        patch?: { [key: string]: Json }
        /** Of a long patch the first names. */
        names?: string[]
      }
      reported?: {
        /** A merge patch (RFC 7396). */
        patch?: { [key: string]: Json }
        /** Of a long patch the first names. */
        names?: string[]
      }
      deleted?: true
    }
    /** What was changed. */
    ShadowUpdate: {
      state: {
        desired?: { [key: string]: Json } | null
        reported?: { [key: string]: Json } | null
        delta?: { [key: string]: Json }
      }
      metadata: { [key: string]: Json }
      version: number
      /** Epoch seconds. */
      timestamp: number
      clientToken?: string
    }
    Shelve: {
      /** A duration such as 2h. */
      for?: string
      /** ISO 8601. */
      until?: string
      reason?: string
    }
    SignIn: {
      /** Of a sign-in link. */
      code?: string
    }
    /** As it was put. */
    Subscription: {
      id: string
      to: { [key: string]: Json }
      [key: string]: unknown
    }
    Task: {
      id: string
      kind: 'import' | 'replay' | 'export'
      state: 'waiting' | 'running' | 'done' | 'failed' | 'cancelled'
      /** Rows, messages or devices that were done, failed ones too. */
      done: number
      total: number
      failed: number
      /** The first 200 of those that failed. */
      faults: {
        line: number
        detail: string
      }[]
      counts: { [key: string]: number }
      by: {
        kind: string
        id: string
        name?: string
      }
      /** Epoch milliseconds. */
      createdAt: number
      /** Epoch milliseconds. */
      startedAt?: number
      /** Epoch milliseconds. */
      endedAt?: number
      /** Why it failed. */
      reason?: string
      result?: {
        name: string
        contentType: string
        /** It goes with its first download. */
        secret: boolean
        /** Epoch milliseconds. */
        until: number
        /** How many parts it has, for hosts that gather answers. */
        parts: number
      }
    }
    ToldRecipient: {
      /** `@ann`: a person, `#name`: a subscription; else the channel itself. */
      recipient: string
      channel: string
      state: 'queued' | 'sent' | 'failed' | 'expired' | 'suppressed'
      /** Epoch milliseconds. */
      at?: number
      reason?: string
    }
    TrialFault: {
      code: string
      message: string
      line?: number
      column?: number
    }
  }
}

export interface operations {
  abandonCommand: {
    parameters: {
      query?: never
      path: {
        /** Id of the device. */
        deviceId: string
        /** The ETag of the command that is held. */
        lockToken: string
      }
      header?: { 'idempotency-key'?: string; 'if-match'?: string; 'if-none-match'?: string }
      cookie?: never
    }
    requestBody?: never
    responses: {
      204: {
        headers: { [name: string]: unknown }
        content?: never
      }
      default: {
        headers: { [name: string]: unknown }
        content: { 'application/problem+json': components['schemas']['Problem'] }
      }
    }
  }
  acknowledgeAlarm: {
    parameters: {
      query?: never
      path: {
        /** Id of the device. */
        deviceId: string
        /** Id of the alarm in the config. */
        alarmId: string
      }
      header?: { 'idempotency-key'?: string; 'if-match'?: string; 'if-none-match'?: string }
      cookie?: never
    }
    requestBody?: {
      content: { 'application/json': Record<string, never> }
    }
    responses: {
      204: {
        headers: { [name: string]: unknown }
        content?: never
      }
      default: {
        headers: { [name: string]: unknown }
        content: { 'application/problem+json': components['schemas']['Problem'] }
      }
    }
  }
  acknowledgeDelivery: {
    parameters: {
      query?: never
      path: {
        deliveryId: string
      }
      header?: { 'idempotency-key'?: string; 'if-match'?: string; 'if-none-match'?: string }
      cookie?: never
    }
    requestBody?: never
    responses: {
      204: {
        headers: { [name: string]: unknown }
        content?: never
      }
      default: {
        headers: { [name: string]: unknown }
        content: { 'application/problem+json': components['schemas']['Problem'] }
      }
    }
  }
  acknowledgeNotification: {
    parameters: {
      query?: never
      path: {
        notificationId: string
      }
      header?: { 'idempotency-key'?: string; 'if-match'?: string; 'if-none-match'?: string }
      cookie?: never
    }
    requestBody?: never
    responses: {
      204: {
        headers: { [name: string]: unknown }
        content?: never
      }
      default: {
        headers: { [name: string]: unknown }
        content: { 'application/problem+json': components['schemas']['Problem'] }
      }
    }
  }
  addGroupDevice: {
    parameters: {
      query?: never
      path: {
        /** Id of the group. */
        groupId: string
        /** Id of the device. */
        deviceId: string
      }
      header?: { 'idempotency-key'?: string; 'if-match'?: string; 'if-none-match'?: string }
      cookie?: never
    }
    requestBody?: never
    responses: {
      204: {
        headers: { [name: string]: unknown }
        content?: never
      }
      default: {
        headers: { [name: string]: unknown }
        content: { 'application/problem+json': components['schemas']['Problem'] }
      }
    }
  }
  addPublicKey: {
    parameters: {
      query?: never
      path: {
        /** Id of the device. */
        deviceId: string
      }
      header?: { 'idempotency-key'?: string; 'if-match'?: string; 'if-none-match'?: string }
      cookie?: never
    }
    requestBody?: {
      content: { 'application/json': components['schemas']['NewPublicKey'] }
    }
    responses: {
      201: {
        headers: { [name: string]: unknown }
        content: { 'application/json': components['schemas']['RegisteredDevice'] }
      }
      default: {
        headers: { [name: string]: unknown }
        content: { 'application/problem+json': components['schemas']['Problem'] }
      }
    }
  }
  assignAlarm: {
    parameters: {
      query?: never
      path: {
        /** Id of the device. */
        deviceId: string
        /** Id of the alarm in the config. */
        alarmId: string
      }
      header?: { 'idempotency-key'?: string; 'if-match'?: string; 'if-none-match'?: string }
      cookie?: never
    }
    requestBody?: {
      content: { 'application/json': components['schemas']['Assign'] }
    }
    responses: {
      204: {
        headers: { [name: string]: unknown }
        content?: never
      }
      default: {
        headers: { [name: string]: unknown }
        content: { 'application/problem+json': components['schemas']['Problem'] }
      }
    }
  }
  bindToGateway: {
    parameters: {
      query?: never
      path: {
        gatewayId: string
        deviceId: string
      }
      header?: { 'idempotency-key'?: string; 'if-match'?: string; 'if-none-match'?: string }
      cookie?: never
    }
    requestBody?: never
    responses: {
      200: {
        headers: { [name: string]: unknown }
        content: { 'application/json': components['schemas']['RegisteredDevice'] }
      }
      default: {
        headers: { [name: string]: unknown }
        content: { 'application/problem+json': components['schemas']['Problem'] }
      }
    }
  }
  cancelTask: {
    parameters: {
      query?: never
      path: {
        /** Id of the task. */
        taskId: string
      }
      header?: { 'idempotency-key'?: string; 'if-match'?: string; 'if-none-match'?: string }
      cookie?: never
    }
    requestBody?: never
    responses: {
      204: {
        headers: { [name: string]: unknown }
        content?: never
      }
      409: {
        headers: { [name: string]: unknown }
        content: { 'application/problem+json': components['schemas']['Problem'] }
      }
      default: {
        headers: { [name: string]: unknown }
        content: { 'application/problem+json': components['schemas']['Problem'] }
      }
    }
  }
  changeRegisteredDevice: {
    parameters: {
      query?: never
      path: {
        /** Id of the device. */
        deviceId: string
      }
      header?: { 'idempotency-key'?: string; 'if-match'?: string; 'if-none-match'?: string }
      cookie?: never
    }
    requestBody?: {
      content: { 'application/json': components['schemas']['DeviceChange'] }
    }
    responses: {
      200: {
        headers: { [name: string]: unknown }
        content: { 'application/json': components['schemas']['RegisteredDevice'] }
      }
      default: {
        headers: { [name: string]: unknown }
        content: { 'application/problem+json': components['schemas']['Problem'] }
      }
    }
  }
  claimFeedback: {
    parameters: {
      query?: {
        /** How many, at most 1000; 50 unless given. */
        limit?: number
        /** For how long; 60 unless given. */
        leaseSeconds?: number
      }
      path?: never
      header?: { 'idempotency-key'?: string; 'if-match'?: string; 'if-none-match'?: string }
      cookie?: never
    }
    requestBody?: never
    responses: {
      200: {
        headers: { [name: string]: unknown }
        content: { 'application/json': {
            feedback: components['schemas']['CommandFeedback'][]
          } }
      }
      default: {
        headers: { [name: string]: unknown }
        content: { 'application/problem+json': components['schemas']['Problem'] }
      }
    }
  }
  claimNotifications: {
    parameters: {
      query?: never
      path: {
        queue: string
      }
      header?: { 'idempotency-key'?: string; 'if-match'?: string; 'if-none-match'?: string }
      cookie?: never
    }
    requestBody?: {
      content: { 'application/json': components['schemas']['Claim'] }
    }
    responses: {
      200: {
        headers: { [name: string]: unknown }
        content: { 'application/json': {
            messages: components['schemas']['ClaimedMessage'][]
          } }
      }
      default: {
        headers: { [name: string]: unknown }
        content: { 'application/problem+json': components['schemas']['Problem'] }
      }
    }
  }
  commentAlarm: {
    parameters: {
      query?: never
      path: {
        /** Id of the device. */
        deviceId: string
        /** Id of the alarm in the config. */
        alarmId: string
      }
      header?: { 'idempotency-key'?: string; 'if-match'?: string; 'if-none-match'?: string }
      cookie?: never
    }
    requestBody?: {
      content: { 'application/json': components['schemas']['Comment'] }
    }
    responses: {
      204: {
        headers: { [name: string]: unknown }
        content?: never
      }
      default: {
        headers: { [name: string]: unknown }
        content: { 'application/problem+json': components['schemas']['Problem'] }
      }
    }
  }
  createKey: {
    parameters: {
      query?: never
      path?: never
      header?: { 'idempotency-key'?: string; 'if-match'?: string; 'if-none-match'?: string }
      cookie?: never
    }
    requestBody: {
      content: { 'application/json': components['schemas']['NewApiKey'] }
    }
    responses: {
      201: {
        headers: { [name: string]: unknown }
        content: { 'application/json': {
            key: components['schemas']['ApiKey']
            secret: string
          } }
      }
      default: {
        headers: { [name: string]: unknown }
        content: { 'application/problem+json': components['schemas']['Problem'] }
      }
    }
  }
  createSignInCode: {
    parameters: {
      query?: never
      path?: never
      header?: { 'idempotency-key'?: string; 'if-match'?: string; 'if-none-match'?: string }
      cookie?: never
    }
    requestBody?: never
    responses: {
      201: {
        headers: { [name: string]: unknown }
        content: { 'application/json': {
            code: string
            /** Epoch milliseconds. */
            expiresAt: number
          } }
      }
      default: {
        headers: { [name: string]: unknown }
        content: { 'application/problem+json': components['schemas']['Problem'] }
      }
    }
  }
  deleteDeadLetter: {
    parameters: {
      query?: never
      path: {
        deadLetterId: string
      }
      header?: { 'idempotency-key'?: string; 'if-match'?: string; 'if-none-match'?: string }
      cookie?: never
    }
    requestBody?: never
    responses: {
      204: {
        headers: { [name: string]: unknown }
        content?: never
      }
      default: {
        headers: { [name: string]: unknown }
        content: { 'application/problem+json': components['schemas']['Problem'] }
      }
    }
  }
  deleteGroup: {
    parameters: {
      query?: never
      path: {
        /** Id of the group. */
        groupId: string
      }
      header?: { 'idempotency-key'?: string; 'if-match'?: string; 'if-none-match'?: string }
      cookie?: never
    }
    requestBody?: never
    responses: {
      204: {
        headers: { [name: string]: unknown }
        content?: never
      }
      default: {
        headers: { [name: string]: unknown }
        content: { 'application/problem+json': components['schemas']['Problem'] }
      }
    }
  }
  deleteRule: {
    parameters: {
      query?: never
      path: {
        /** Id of the rule. */
        ruleId: string
      }
      header?: { 'idempotency-key'?: string; 'if-match'?: string; 'if-none-match'?: string }
      cookie?: never
    }
    requestBody?: never
    responses: {
      200: {
        headers: { [name: string]: unknown }
        content: { 'application/json': components['schemas']['ChangedRule'] }
      }
      default: {
        headers: { [name: string]: unknown }
        content: { 'application/problem+json': components['schemas']['Problem'] }
      }
    }
  }
  enableAddress: {
    parameters: {
      query?: never
      path: {
        channelId: string
        digest: string
      }
      header?: { 'idempotency-key'?: string; 'if-match'?: string; 'if-none-match'?: string }
      cookie?: never
    }
    requestBody?: never
    responses: {
      204: {
        headers: { [name: string]: unknown }
        content?: never
      }
      default: {
        headers: { [name: string]: unknown }
        content: { 'application/problem+json': components['schemas']['Problem'] }
      }
    }
  }
  explainShadow: {
    parameters: {
      query?: {
        /** Name of the shadow; the classic one unless given. */
        name?: string
      }
      path: {
        /** Id of the device. */
        deviceId: string
      }
      header?: { 'idempotency-key'?: string; 'if-match'?: string; 'if-none-match'?: string }
      cookie?: never
    }
    requestBody?: never
    responses: {
      200: {
        headers: { [name: string]: unknown }
        content: { 'application/json': {
            version: number
            delta: components['schemas']['DeltaLeaf'][]
          } }
      }
      default: {
        headers: { [name: string]: unknown }
        content: { 'application/problem+json': components['schemas']['Problem'] }
      }
    }
  }
  exportTelemetry: {
    parameters: {
      query?: {
        /** Ids of devices with commas between them. */
        devices?: string
        /** A search, such as `type:fridge last.temp>5 seen<1h`. Source of the language: docs/devices.md. */
        query?: string
        /** Names of metrics with commas between them; all unless given. */
        metrics?: string
        /** Inclusive; an hour before `to` unless given. */
        from?: string
        /** Exclusive; now unless given. */
        to?: string
        format?: 'csv' | 'jsonl' | 'parquet'
      }
      path?: never
      header?: { 'idempotency-key'?: string; 'if-match'?: string; 'if-none-match'?: string }
      cookie?: never
    }
    requestBody?: never
    responses: {
      200: {
        headers: { [name: string]: unknown }
        content: { 'text/csv': unknown }
      }
      default: {
        headers: { [name: string]: unknown }
        content: { 'application/problem+json': components['schemas']['Problem'] }
      }
    }
  }
  followLive: {
    parameters: {
      query?: {
        /** Tells of this device only, and also of its messages. */
        device?: string
      }
      path?: never
      header?: { 'idempotency-key'?: string; 'if-match'?: string; 'if-none-match'?: string }
      cookie?: never
    }
    requestBody?: never
    responses: {
      200: {
        headers: { [name: string]: unknown }
        content: { 'text/event-stream': unknown }
      }
      default: {
        headers: { [name: string]: unknown }
        content: { 'application/problem+json': components['schemas']['Problem'] }
      }
    }
  }
  getCommand: {
    parameters: {
      query?: never
      path: {
        /** Id of the device. */
        deviceId: string
        commandId: string
      }
      header?: { 'idempotency-key'?: string; 'if-match'?: string; 'if-none-match'?: string }
      cookie?: never
    }
    requestBody?: never
    responses: {
      200: {
        headers: { [name: string]: unknown }
        content: { 'application/json': components['schemas']['Command'] }
      }
      default: {
        headers: { [name: string]: unknown }
        content: { 'application/problem+json': components['schemas']['Problem'] }
      }
    }
  }
  getConnectionStrings: {
    parameters: {
      query?: {
        /** Of this device; of back ends unless given. */
        device?: string
      }
      path?: never
      header?: { 'idempotency-key'?: string; 'if-match'?: string; 'if-none-match'?: string }
      cookie?: never
    }
    requestBody?: never
    responses: {
      200: {
        headers: { [name: string]: unknown }
        content: { 'application/json': components['schemas']['ConnectionStrings'] }
      }
      default: {
        headers: { [name: string]: unknown }
        content: { 'application/problem+json': components['schemas']['Problem'] }
      }
    }
  }
  getDeadLetter: {
    parameters: {
      query?: never
      path: {
        deadLetterId: string
      }
      header?: { 'idempotency-key'?: string; 'if-match'?: string; 'if-none-match'?: string }
      cookie?: never
    }
    requestBody?: never
    responses: {
      200: {
        headers: { [name: string]: unknown }
        content: { 'application/json': components['schemas']['DeadLetter'] }
      }
      default: {
        headers: { [name: string]: unknown }
        content: { 'application/problem+json': components['schemas']['Problem'] }
      }
    }
  }
  getDevice: {
    parameters: {
      query?: never
      path: {
        /** Id of the device. */
        deviceId: string
      }
      header?: { 'idempotency-key'?: string; 'if-match'?: string; 'if-none-match'?: string }
      cookie?: never
    }
    requestBody?: never
    responses: {
      200: {
        headers: { [name: string]: unknown }
        content: { 'application/json': components['schemas']['Device'] }
      }
      default: {
        headers: { [name: string]: unknown }
        content: { 'application/problem+json': components['schemas']['Problem'] }
      }
    }
  }
  getDeviceState: {
    parameters: {
      query?: never
      path: {
        deviceId: string
      }
      header?: { 'idempotency-key'?: string; 'if-match'?: string; 'if-none-match'?: string }
      cookie?: never
    }
    requestBody?: never
    responses: {
      200: {
        headers: { [name: string]: unknown }
        content: { 'application/json': {
            /** Epoch milliseconds. */
            updatedAt: number
            binaryData: string
          } }
      }
      default: {
        headers: { [name: string]: unknown }
        content: { 'application/problem+json': components['schemas']['Problem'] }
      }
    }
  }
  getDocs: {
    parameters: {
      query?: never
      path?: never
      header?: { 'idempotency-key'?: string; 'if-match'?: string; 'if-none-match'?: string }
      cookie?: never
    }
    requestBody?: never
    responses: {
      200: {
        headers: { [name: string]: unknown }
        content: { 'text/html; charset=utf-8': unknown }
      }
      default: {
        headers: { [name: string]: unknown }
        content: { 'application/problem+json': components['schemas']['Problem'] }
      }
    }
  }
  getDocsScript: {
    parameters: {
      query?: never
      path?: never
      header?: { 'idempotency-key'?: string; 'if-match'?: string; 'if-none-match'?: string }
      cookie?: never
    }
    requestBody?: never
    responses: {
      200: {
        headers: { [name: string]: unknown }
        content: { 'text/javascript; charset=utf-8': unknown }
      }
      default: {
        headers: { [name: string]: unknown }
        content: { 'application/problem+json': components['schemas']['Problem'] }
      }
    }
  }
  getDocsStyle: {
    parameters: {
      query?: never
      path?: never
      header?: { 'idempotency-key'?: string; 'if-match'?: string; 'if-none-match'?: string }
      cookie?: never
    }
    requestBody?: never
    responses: {
      200: {
        headers: { [name: string]: unknown }
        content: { 'text/css; charset=utf-8': unknown }
      }
      default: {
        headers: { [name: string]: unknown }
        content: { 'application/problem+json': components['schemas']['Problem'] }
      }
    }
  }
  getDocument: {
    parameters: {
      query?: never
      path?: never
      header?: { 'idempotency-key'?: string; 'if-match'?: string; 'if-none-match'?: string }
      cookie?: never
    }
    requestBody?: never
    responses: {
      200: {
        headers: { [name: string]: unknown }
        content: { 'application/json': { [key: string]: Json } }
      }
      default: {
        headers: { [name: string]: unknown }
        content: { 'application/problem+json': components['schemas']['Problem'] }
      }
    }
  }
  getGroup: {
    parameters: {
      query?: never
      path: {
        /** Id of the group. */
        groupId: string
      }
      header?: { 'idempotency-key'?: string; 'if-match'?: string; 'if-none-match'?: string }
      cookie?: never
    }
    requestBody?: never
    responses: {
      200: {
        headers: { [name: string]: unknown }
        content: { 'application/json': components['schemas']['DeviceGroup'] }
      }
      default: {
        headers: { [name: string]: unknown }
        content: { 'application/problem+json': components['schemas']['Problem'] }
      }
    }
  }
  getHealth: {
    parameters: {
      query?: never
      path?: never
      header?: { 'idempotency-key'?: string; 'if-match'?: string; 'if-none-match'?: string }
      cookie?: never
    }
    requestBody?: never
    responses: {
      200: {
        headers: { [name: string]: unknown }
        content: { 'application/json': {
            status: 'ok'
          } }
      }
      default: {
        headers: { [name: string]: unknown }
        content: { 'application/problem+json': components['schemas']['Problem'] }
      }
    }
  }
  getInbox: {
    parameters: {
      query?: never
      path: {
        id: string
        recipientId: string
      }
      header?: { 'idempotency-key'?: string; 'if-match'?: string; 'if-none-match'?: string }
      cookie?: never
    }
    requestBody?: never
    responses: {
      200: {
        headers: { [name: string]: unknown }
        content: { 'application/json': components['schemas']['Inbox'] }
      }
      default: {
        headers: { [name: string]: unknown }
        content: { 'application/problem+json': components['schemas']['Problem'] }
      }
    }
  }
  getLatestTelemetry: {
    parameters: {
      query?: {
        /** Ids of devices with commas between them. */
        devices?: string
        /** A search, such as `type:fridge last.temp>5 seen<1h`. Source of the language: docs/devices.md. */
        query?: string
        /** Names of metrics with commas between them; all unless given. */
        metrics?: string
      }
      path?: never
      header?: { 'idempotency-key'?: string; 'if-match'?: string; 'if-none-match'?: string }
      cookie?: never
    }
    requestBody?: never
    responses: {
      200: {
        headers: { [name: string]: unknown }
        content: { 'application/json': {
            latest: ({
              deviceId: string
              metric: string
              value: number | boolean | string
              /** Epoch milliseconds. */
              at: number
            })[]
          } }
      }
      default: {
        headers: { [name: string]: unknown }
        content: { 'application/problem+json': components['schemas']['Problem'] }
      }
    }
  }
  getNotification: {
    parameters: {
      query?: never
      path: {
        notificationId: string
      }
      header?: { 'idempotency-key'?: string; 'if-match'?: string; 'if-none-match'?: string }
      cookie?: never
    }
    requestBody?: never
    responses: {
      200: {
        headers: { [name: string]: unknown }
        content: { 'application/json': components['schemas']['Notification'] }
      }
      default: {
        headers: { [name: string]: unknown }
        content: { 'application/problem+json': components['schemas']['Problem'] }
      }
    }
  }
  getPerson: {
    parameters: {
      query?: never
      path: {
        id: string
      }
      header?: { 'idempotency-key'?: string; 'if-match'?: string; 'if-none-match'?: string }
      cookie?: never
    }
    requestBody?: never
    responses: {
      200: {
        headers: { [name: string]: unknown }
        content: { 'application/json': components['schemas']['Person'] }
      }
      default: {
        headers: { [name: string]: unknown }
        content: { 'application/problem+json': components['schemas']['Problem'] }
      }
    }
  }
  getRegisteredDevice: {
    parameters: {
      query?: never
      path: {
        /** Id of the device. */
        deviceId: string
      }
      header?: { 'idempotency-key'?: string; 'if-match'?: string; 'if-none-match'?: string }
      cookie?: never
    }
    requestBody?: never
    responses: {
      200: {
        headers: { [name: string]: unknown }
        content: { 'application/json': components['schemas']['RegisteredDevice'] }
      }
      default: {
        headers: { [name: string]: unknown }
        content: { 'application/problem+json': components['schemas']['Problem'] }
      }
    }
  }
  getRule: {
    parameters: {
      query?: never
      path: {
        /** Id of the rule. */
        ruleId: string
      }
      header?: { 'idempotency-key'?: string; 'if-match'?: string; 'if-none-match'?: string }
      cookie?: never
    }
    requestBody?: never
    responses: {
      200: {
        headers: { [name: string]: unknown }
        content: { 'application/json': components['schemas']['Rule'] }
      }
      default: {
        headers: { [name: string]: unknown }
        content: { 'application/problem+json': components['schemas']['Problem'] }
      }
    }
  }
  getSession: {
    parameters: {
      query?: never
      path?: never
      header?: { 'idempotency-key'?: string; 'if-match'?: string; 'if-none-match'?: string }
      cookie?: never
    }
    requestBody?: never
    responses: {
      200: {
        headers: { [name: string]: unknown }
        content: { 'application/json': {
            caller: components['schemas']['Caller']
            /** Goes into the header anyhub-csrf of changes that are made by cookie. */
            csrfToken?: string
            /** Epoch milliseconds. */
            expiresAt?: number
            signIn: {
              required: boolean
              oidc?: {
                issuer: string
                clientId: string
                scope: string
              }
            }
          } }
      }
      default: {
        headers: { [name: string]: unknown }
        content: { 'application/problem+json': components['schemas']['Problem'] }
      }
    }
  }
  getShadow: {
    parameters: {
      query?: {
        /** Name of the shadow; the classic one unless given. */
        name?: string
      }
      path: {
        /** Id of the device. */
        deviceId: string
      }
      header?: { 'idempotency-key'?: string; 'if-match'?: string; 'if-none-match'?: string }
      cookie?: never
    }
    requestBody?: never
    responses: {
      200: {
        headers: { [name: string]: unknown }
        content: { 'application/json': components['schemas']['Shadow'] }
      }
      default: {
        headers: { [name: string]: unknown }
        content: { 'application/problem+json': components['schemas']['Problem'] }
      }
    }
  }
  getSubscription: {
    parameters: {
      query?: never
      path: {
        id: string
      }
      header?: { 'idempotency-key'?: string; 'if-match'?: string; 'if-none-match'?: string }
      cookie?: never
    }
    requestBody?: never
    responses: {
      200: {
        headers: { [name: string]: unknown }
        content: { 'application/json': components['schemas']['Subscription'] }
      }
      default: {
        headers: { [name: string]: unknown }
        content: { 'application/problem+json': components['schemas']['Problem'] }
      }
    }
  }
  getTask: {
    parameters: {
      query?: never
      path: {
        /** Id of the task. */
        taskId: string
      }
      header?: { 'idempotency-key'?: string; 'if-match'?: string; 'if-none-match'?: string }
      cookie?: never
    }
    requestBody?: never
    responses: {
      200: {
        headers: { [name: string]: unknown }
        content: { 'application/json': components['schemas']['Task'] }
      }
      default: {
        headers: { [name: string]: unknown }
        content: { 'application/problem+json': components['schemas']['Problem'] }
      }
    }
  }
  getTaskResult: {
    parameters: {
      query?: {
        /** One of its parts, from 0 on, all of which are the file; the whole unless given. */
        part?: number
      }
      path: {
        /** Id of the task. */
        taskId: string
      }
      header?: { 'idempotency-key'?: string; 'if-match'?: string; 'if-none-match'?: string }
      cookie?: never
    }
    requestBody?: never
    responses: {
      200: {
        headers: { [name: string]: unknown }
        content: { 'text/csv': unknown }
      }
      default: {
        headers: { [name: string]: unknown }
        content: { 'application/problem+json': components['schemas']['Problem'] }
      }
    }
  }
  getTelemetrySeries: {
    parameters: {
      query?: {
        /** Ids of devices with commas between them. */
        devices?: string
        /** A search, such as `type:fridge last.temp>5 seen<1h`. Source of the language: docs/devices.md. */
        query?: string
        /** Names of metrics with commas between them; all unless given. */
        metrics?: string
        /** Inclusive; an hour before `to` unless given. */
        from?: string
        /** Exclusive; now unless given. */
        to?: string
        /** How long a bucket is; auto (unless given): at most 500 points in a series. */
        bucket?: string
        /** Some of avg, min, max, sum, count, first, last with commas between them; avg,min,max unless given. */
        aggregates?: string
      }
      path?: never
      header?: { 'idempotency-key'?: string; 'if-match'?: string; 'if-none-match'?: string }
      cookie?: never
    }
    requestBody?: never
    responses: {
      200: {
        headers: { [name: string]: unknown }
        content: { 'application/json': {
            series: ({
              deviceId: string
              metric: string
              points: ({
                /** Where the bucket starts, epoch milliseconds. */
                at: number
                avg?: number
                min?: number
                max?: number
                sum?: number
                count?: number
                first?: number | boolean | string
                last?: number | boolean | string
              })[]
            })[]
            bucketMs: number
          } }
      }
      default: {
        headers: { [name: string]: unknown }
        content: { 'application/problem+json': components['schemas']['Problem'] }
      }
    }
  }
  invokeMethod: {
    parameters: {
      query?: {
        /** Seconds to wait for the device to be there; 0 unless given. */
        connectTimeout?: string
        /** Seconds to wait for its answer; 30 unless given. */
        responseTimeout?: string
      }
      path: {
        /** Id of the device. */
        deviceId: string
        method: string
      }
      header?: { 'idempotency-key'?: string; 'if-match'?: string; 'if-none-match'?: string }
      cookie?: never
    }
    requestBody?: {
      content: { 'application/json': Json }
    }
    responses: {
      200: {
        headers: { [name: string]: unknown }
        content: { 'application/json': components['schemas']['MethodAnswer'] }
      }
      default: {
        headers: { [name: string]: unknown }
        content: { 'application/problem+json': components['schemas']['Problem'] }
      }
    }
  }
  listAlarms: {
    parameters: {
      query?: {
        /** Such as `active,acknowledged`. Without it all that are raised, shelved ones too. */
        standing?: string
        /** Such as `warning,critical`. */
        severity?: string
        /** The id of an alarm. */
        alarm?: string
        /** Ids of devices, with commas between them; all unless given. */
        device?: string
        /** How many, at most 1000; 100 unless given. */
        limit?: number
        /** `next` of the page before; the first page unless given. */
        after?: string
      }
      path?: never
      header?: { 'idempotency-key'?: string; 'if-match'?: string; 'if-none-match'?: string }
      cookie?: never
    }
    requestBody?: never
    responses: {
      200: {
        headers: { [name: string]: unknown }
        content: { 'application/json': {
            alarms: components['schemas']['AlarmEntry'][]
            next?: string
          } }
      }
      default: {
        headers: { [name: string]: unknown }
        content: { 'application/problem+json': components['schemas']['Problem'] }
      }
    }
  }
  listAudit: {
    parameters: {
      query?: {
        /** How many, at most 500; 50 unless given. */
        limit?: number
        /** `next` of the page before; the first page unless given. */
        after?: string
        /** Only by this id. */
        actor?: string
        /** Only this and what is below it: `device/fridge-1`. */
        target?: string
      }
      path?: never
      header?: { 'idempotency-key'?: string; 'if-match'?: string; 'if-none-match'?: string }
      cookie?: never
    }
    requestBody?: never
    responses: {
      200: {
        headers: { [name: string]: unknown }
        content: { 'application/json': {
            entries: components['schemas']['AuditEntry'][]
            next?: string
          } }
      }
      default: {
        headers: { [name: string]: unknown }
        content: { 'application/problem+json': components['schemas']['Problem'] }
      }
    }
  }
  listCommands: {
    parameters: {
      query?: never
      path: {
        /** Id of the device. */
        deviceId: string
      }
      header?: { 'idempotency-key'?: string; 'if-match'?: string; 'if-none-match'?: string }
      cookie?: never
    }
    requestBody?: never
    responses: {
      200: {
        headers: { [name: string]: unknown }
        content: { 'application/json': {
            commands: components['schemas']['Command'][]
          } }
      }
      default: {
        headers: { [name: string]: unknown }
        content: { 'application/problem+json': components['schemas']['Problem'] }
      }
    }
  }
  listDeadLetters: {
    parameters: {
      query?: {
        /** How many, at most 1000; 50 unless given. */
        limit?: number
        /** `next` of the page before. */
        before?: string
      }
      path?: never
      header?: { 'idempotency-key'?: string; 'if-match'?: string; 'if-none-match'?: string }
      cookie?: never
    }
    requestBody?: never
    responses: {
      200: {
        headers: { [name: string]: unknown }
        content: { 'application/json': {
            deadLetters: components['schemas']['DeadLetter'][]
            total: number
            next?: string
          } }
      }
      default: {
        headers: { [name: string]: unknown }
        content: { 'application/problem+json': components['schemas']['Problem'] }
      }
    }
  }
  listDeviceAlarms: {
    parameters: {
      query?: {
        /** Such as `active,acknowledged`. */
        standing?: string
      }
      path: {
        /** Id of the device. */
        deviceId: string
      }
      header?: { 'idempotency-key'?: string; 'if-match'?: string; 'if-none-match'?: string }
      cookie?: never
    }
    requestBody?: never
    responses: {
      200: {
        headers: { [name: string]: unknown }
        content: { 'application/json': {
            alarms: components['schemas']['DeviceAlarm'][]
          } }
      }
      default: {
        headers: { [name: string]: unknown }
        content: { 'application/problem+json': components['schemas']['Problem'] }
      }
    }
  }
  listDeviceConfigs: {
    parameters: {
      query?: never
      path: {
        deviceId: string
      }
      header?: { 'idempotency-key'?: string; 'if-match'?: string; 'if-none-match'?: string }
      cookie?: never
    }
    requestBody?: never
    responses: {
      200: {
        headers: { [name: string]: unknown }
        content: { 'application/json': {
            versions: components['schemas']['DeviceConfigVersion'][]
          } }
      }
      default: {
        headers: { [name: string]: unknown }
        content: { 'application/problem+json': components['schemas']['Problem'] }
      }
    }
  }
  listDevices: {
    parameters: {
      query?: {
        /** A search, such as `type:fridge last.temp>5 seen<1h`. Source of the language: docs/devices.md. */
        query?: string
        /** id (unless given), type, state, seenAt, enabled, registered, alarms, commands, tags.<name> or last.<metric>; with - before it the other way round. */
        sort?: string
        /** How many, at most 1000; 100 unless given. */
        limit?: number
        /** `next` of the page before; the first page unless given. */
        after?: string
      }
      path?: never
      header?: { 'idempotency-key'?: string; 'if-match'?: string; 'if-none-match'?: string }
      cookie?: never
    }
    requestBody?: never
    responses: {
      200: {
        headers: { [name: string]: unknown }
        content: { 'application/json': {
            devices: components['schemas']['DeviceSummary'][]
            next?: string
            /** How many there are, where the order made it necessary to look at all. */
            total?: number
          } }
      }
      default: {
        headers: { [name: string]: unknown }
        content: { 'application/problem+json': components['schemas']['Problem'] }
      }
    }
  }
  listGoneAddresses: {
    parameters: {
      query?: {
        limit?: number
        /** `next` of the page before; the first page unless given. */
        after?: string
      }
      path?: never
      header?: { 'idempotency-key'?: string; 'if-match'?: string; 'if-none-match'?: string }
      cookie?: never
    }
    requestBody?: never
    responses: {
      200: {
        headers: { [name: string]: unknown }
        content: { 'application/json': {
            addresses: components['schemas']['GoneAddress'][]
            next?: string
          } }
      }
      default: {
        headers: { [name: string]: unknown }
        content: { 'application/problem+json': components['schemas']['Problem'] }
      }
    }
  }
  listGroupDevices: {
    parameters: {
      query?: {
        /** A search, such as `type:fridge last.temp>5 seen<1h`. Source of the language: docs/devices.md. */
        query?: string
        sort?: string
        /** How many, at most 1000; 100 unless given. */
        limit?: number
        /** `next` of the page before; the first page unless given. */
        after?: string
      }
      path: {
        /** Id of the group. */
        groupId: string
      }
      header?: { 'idempotency-key'?: string; 'if-match'?: string; 'if-none-match'?: string }
      cookie?: never
    }
    requestBody?: never
    responses: {
      200: {
        headers: { [name: string]: unknown }
        content: { 'application/json': {
            devices: components['schemas']['DeviceSummary'][]
            next?: string
            total?: number
          } }
      }
      default: {
        headers: { [name: string]: unknown }
        content: { 'application/problem+json': components['schemas']['Problem'] }
      }
    }
  }
  listGroups: {
    parameters: {
      query?: {
        /** How many, at most 1000; 100 unless given. */
        limit?: number
        /** `next` of the page before; the first page unless given. */
        after?: string
      }
      path?: never
      header?: { 'idempotency-key'?: string; 'if-match'?: string; 'if-none-match'?: string }
      cookie?: never
    }
    requestBody?: never
    responses: {
      200: {
        headers: { [name: string]: unknown }
        content: { 'application/json': {
            groups: components['schemas']['DeviceGroup'][]
            next?: string
          } }
      }
      default: {
        headers: { [name: string]: unknown }
        content: { 'application/problem+json': components['schemas']['Problem'] }
      }
    }
  }
  listKeys: {
    parameters: {
      query?: {
        /** How many, at most 1000; 100 unless given. */
        limit?: number
        /** `next` of the page before; the first page unless given. */
        after?: string
      }
      path?: never
      header?: { 'idempotency-key'?: string; 'if-match'?: string; 'if-none-match'?: string }
      cookie?: never
    }
    requestBody?: never
    responses: {
      200: {
        headers: { [name: string]: unknown }
        content: { 'application/json': {
            keys: components['schemas']['ApiKey'][]
            next?: string
          } }
      }
      default: {
        headers: { [name: string]: unknown }
        content: { 'application/problem+json': components['schemas']['Problem'] }
      }
    }
  }
  listMails: {
    parameters: {
      query?: never
      path?: never
      header?: { 'idempotency-key'?: string; 'if-match'?: string; 'if-none-match'?: string }
      cookie?: never
    }
    requestBody?: never
    responses: {
      200: {
        headers: { [name: string]: unknown }
        content: { 'application/json': {
            mails: components['schemas']['Mail'][]
          } }
      }
      default: {
        headers: { [name: string]: unknown }
        content: { 'application/problem+json': components['schemas']['Problem'] }
      }
    }
  }
  listNotifications: {
    parameters: {
      query?: {
        /** How many, at most 200; 50 unless given. */
        limit?: number
        /** `next` of the page before; the first page unless given. */
        after?: string
      }
      path?: never
      header?: { 'idempotency-key'?: string; 'if-match'?: string; 'if-none-match'?: string }
      cookie?: never
    }
    requestBody?: never
    responses: {
      200: {
        headers: { [name: string]: unknown }
        content: { 'application/json': {
            notifications: components['schemas']['NotificationEntry'][]
            next?: string
          } }
      }
      default: {
        headers: { [name: string]: unknown }
        content: { 'application/problem+json': components['schemas']['Problem'] }
      }
    }
  }
  listPeople: {
    parameters: {
      query?: {
        /** How many, at most 1000; 100 unless given. */
        limit?: number
        /** `next` of the page before; the first page unless given. */
        after?: string
      }
      path?: never
      header?: { 'idempotency-key'?: string; 'if-match'?: string; 'if-none-match'?: string }
      cookie?: never
    }
    requestBody?: never
    responses: {
      200: {
        headers: { [name: string]: unknown }
        content: { 'application/json': {
            people: components['schemas']['Person'][]
            next?: string
          } }
      }
      default: {
        headers: { [name: string]: unknown }
        content: { 'application/problem+json': components['schemas']['Problem'] }
      }
    }
  }
  listRecipients: {
    parameters: {
      query?: {
        /** `next` of the page before; the first page unless given. */
        after?: string
      }
      path: {
        notificationId: string
      }
      header?: { 'idempotency-key'?: string; 'if-match'?: string; 'if-none-match'?: string }
      cookie?: never
    }
    requestBody?: never
    responses: {
      200: {
        headers: { [name: string]: unknown }
        content: { 'application/json': {
            recipients: components['schemas']['ToldRecipient'][]
            next?: string
          } }
      }
      default: {
        headers: { [name: string]: unknown }
        content: { 'application/problem+json': components['schemas']['Problem'] }
      }
    }
  }
  listRegisteredDevices: {
    parameters: {
      query?: {
        /** How many, at most 1000; 100 unless given. */
        limit?: number
        /** `next` of the page before; the first page unless given. */
        after?: string
      }
      path?: never
      header?: { 'idempotency-key'?: string; 'if-match'?: string; 'if-none-match'?: string }
      cookie?: never
    }
    requestBody?: never
    responses: {
      200: {
        headers: { [name: string]: unknown }
        content: { 'application/json': {
            devices: components['schemas']['RegisteredDevice'][]
            next?: string
          } }
      }
      default: {
        headers: { [name: string]: unknown }
        content: { 'application/problem+json': components['schemas']['Problem'] }
      }
    }
  }
  listRules: {
    parameters: {
      query?: {
        /** How many, at most 10000; 1000 unless given. */
        limit?: number
        /** `next` of the page before; the first page unless given. */
        after?: string
      }
      path?: never
      header?: { 'idempotency-key'?: string; 'if-match'?: string; 'if-none-match'?: string }
      cookie?: never
    }
    requestBody?: never
    responses: {
      200: {
        headers: { [name: string]: unknown }
        content: { 'application/json': {
            rules: components['schemas']['Rule'][]
            next?: string
          } }
      }
      default: {
        headers: { [name: string]: unknown }
        content: { 'application/problem+json': components['schemas']['Problem'] }
      }
    }
  }
  listShadowChanges: {
    parameters: {
      query?: {
        /** Name of the shadow; the classic one unless given. */
        name?: string
      }
      path: {
        /** Id of the device. */
        deviceId: string
      }
      header?: { 'idempotency-key'?: string; 'if-match'?: string; 'if-none-match'?: string }
      cookie?: never
    }
    requestBody?: never
    responses: {
      200: {
        headers: { [name: string]: unknown }
        content: { 'application/json': {
            entries: components['schemas']['ShadowChange'][]
          } }
      }
      default: {
        headers: { [name: string]: unknown }
        content: { 'application/problem+json': components['schemas']['Problem'] }
      }
    }
  }
  listShadows: {
    parameters: {
      query?: never
      path: {
        /** Id of the device. */
        deviceId: string
      }
      header?: { 'idempotency-key'?: string; 'if-match'?: string; 'if-none-match'?: string }
      cookie?: never
    }
    requestBody?: never
    responses: {
      200: {
        headers: { [name: string]: unknown }
        content: { 'application/json': {
            shadows: {
              /** Empty: the classic one. */
              name: string
              version: number
              /** Epoch milliseconds. */
              updatedAt: number
            }[]
          } }
      }
      default: {
        headers: { [name: string]: unknown }
        content: { 'application/problem+json': components['schemas']['Problem'] }
      }
    }
  }
  listSubscriptions: {
    parameters: {
      query?: {
        /** How many, at most 1000; 100 unless given. */
        limit?: number
        /** `next` of the page before; the first page unless given. */
        after?: string
      }
      path?: never
      header?: { 'idempotency-key'?: string; 'if-match'?: string; 'if-none-match'?: string }
      cookie?: never
    }
    requestBody?: never
    responses: {
      200: {
        headers: { [name: string]: unknown }
        content: { 'application/json': {
            subscriptions: components['schemas']['Subscription'][]
            next?: string
          } }
      }
      default: {
        headers: { [name: string]: unknown }
        content: { 'application/problem+json': components['schemas']['Problem'] }
      }
    }
  }
  listTasks: {
    parameters: {
      query?: {
        /** How many, at most 200; 50 unless given. */
        limit?: number
        /** `next` of the page before; the first page unless given. */
        after?: string
      }
      path?: never
      header?: { 'idempotency-key'?: string; 'if-match'?: string; 'if-none-match'?: string }
      cookie?: never
    }
    requestBody?: never
    responses: {
      200: {
        headers: { [name: string]: unknown }
        content: { 'application/json': {
            tasks: components['schemas']['Task'][]
            next?: string
          } }
      }
      default: {
        headers: { [name: string]: unknown }
        content: { 'application/problem+json': components['schemas']['Problem'] }
      }
    }
  }
  listTelemetry: {
    parameters: {
      query?: {
        /** Inclusive. */
        from?: string
        /** Exclusive. */
        to?: string
        /** How many, at most 10000; 100 unless given. */
        limit?: number
        order?: 'asc' | 'desc'
      }
      path: {
        /** Id of the device. */
        deviceId: string
      }
      header?: { 'idempotency-key'?: string; 'if-match'?: string; 'if-none-match'?: string }
      cookie?: never
    }
    requestBody?: never
    responses: {
      200: {
        headers: { [name: string]: unknown }
        content: { 'application/json': {
            rows: ({
              /** Epoch milliseconds. */
              at: number
              messageId: string
              metrics: { [key: string]: number | boolean | string }
            })[]
            count: number
          } }
      }
      default: {
        headers: { [name: string]: unknown }
        content: { 'application/problem+json': components['schemas']['Problem'] }
      }
    }
  }
  patchShadow: {
    parameters: {
      query?: {
        /** Name of the shadow; the classic one unless given. */
        name?: string
        once?: boolean
        /** Seconds. */
        expiresIn?: number
      }
      path: {
        /** Id of the device. */
        deviceId: string
      }
      header?: { 'idempotency-key'?: string; 'if-match'?: string; 'if-none-match'?: string }
      cookie?: never
    }
    requestBody: {
      content: { 'application/json': unknown }
    }
    responses: {
      200: {
        headers: { [name: string]: unknown }
        content: { 'application/json': components['schemas']['ShadowUpdate'] }
      }
      default: {
        headers: { [name: string]: unknown }
        content: { 'application/problem+json': components['schemas']['Problem'] }
      }
    }
  }
  postNetworkMessage: {
    parameters: {
      query?: never
      path: {
        name: string
      }
      header?: { 'idempotency-key'?: string; 'if-match'?: string; 'if-none-match'?: string }
      cookie?: never
    }
    requestBody: {
      content: { 'application/json': unknown; 'application/octet-stream': unknown }
    }
    responses: {
      200: {
        headers: { [name: string]: unknown }
        content: { 'application/json': Json }
      }
      202: {
        headers: { [name: string]: unknown }
        content: { 'application/json': components['schemas']['NetworkIntake'] }
      }
      default: {
        headers: { [name: string]: unknown }
        content: { 'application/problem+json': components['schemas']['Problem'] }
      }
    }
  }
  postTelemetry: {
    parameters: {
      query?: never
      path: {
        deviceId: string
      }
      header?: { 'idempotency-key'?: string; 'if-match'?: string; 'if-none-match'?: string }
      cookie?: never
    }
    requestBody: {
      content: { 'application/json': unknown; 'application/x-ndjson': unknown; 'application/octet-stream': unknown }
    }
    responses: {
      202: {
        headers: { [name: string]: unknown }
        content: { 'application/json': components['schemas']['Intake'] }
      }
      default: {
        headers: { [name: string]: unknown }
        content: { 'application/problem+json': components['schemas']['Problem'] }
      }
    }
  }
  previewNotification: {
    parameters: {
      query?: never
      path?: never
      header?: { 'idempotency-key'?: string; 'if-match'?: string; 'if-none-match'?: string }
      cookie?: never
    }
    requestBody?: {
      content: { 'application/json': components['schemas']['NewPreview'] }
    }
    responses: {
      200: {
        headers: { [name: string]: unknown }
        content: { 'application/json': {
            previews: components['schemas']['Preview'][]
          } }
      }
      default: {
        headers: { [name: string]: unknown }
        content: { 'application/problem+json': components['schemas']['Problem'] }
      }
    }
  }
  purgeCommands: {
    parameters: {
      query?: never
      path: {
        /** Id of the device. */
        deviceId: string
      }
      header?: { 'idempotency-key'?: string; 'if-match'?: string; 'if-none-match'?: string }
      cookie?: never
    }
    requestBody?: never
    responses: {
      200: {
        headers: { [name: string]: unknown }
        content: { 'application/json': {
            purged: number
          } }
      }
      default: {
        headers: { [name: string]: unknown }
        content: { 'application/problem+json': components['schemas']['Problem'] }
      }
    }
  }
  putDeviceConfig: {
    parameters: {
      query?: never
      path: {
        deviceId: string
      }
      header?: { 'idempotency-key'?: string; 'if-match'?: string; 'if-none-match'?: string }
      cookie?: never
    }
    requestBody: {
      content: { 'application/octet-stream': unknown }
    }
    responses: {
      200: {
        headers: { [name: string]: unknown }
        content: { 'application/json': components['schemas']['DeviceConfigVersion'] }
      }
      default: {
        headers: { [name: string]: unknown }
        content: { 'application/problem+json': components['schemas']['Problem'] }
      }
    }
  }
  putGroup: {
    parameters: {
      query?: never
      path: {
        /** Id of the group. */
        groupId: string
      }
      header?: { 'idempotency-key'?: string; 'if-match'?: string; 'if-none-match'?: string }
      cookie?: never
    }
    requestBody?: {
      content: { 'application/json': components['schemas']['DeviceGroupWish'] }
    }
    responses: {
      200: {
        headers: { [name: string]: unknown }
        content: { 'application/json': components['schemas']['DeviceGroup'] }
      }
      201: {
        headers: { [name: string]: unknown }
        content: { 'application/json': components['schemas']['DeviceGroup'] }
      }
      default: {
        headers: { [name: string]: unknown }
        content: { 'application/problem+json': components['schemas']['Problem'] }
      }
    }
  }
  putPerson: {
    parameters: {
      query?: never
      path: {
        id: string
      }
      header?: { 'idempotency-key'?: string; 'if-match'?: string; 'if-none-match'?: string }
      cookie?: never
    }
    requestBody?: {
      content: { 'application/json': components['schemas']['NewPerson'] }
    }
    responses: {
      204: {
        headers: { [name: string]: unknown }
        content?: never
      }
      default: {
        headers: { [name: string]: unknown }
        content: { 'application/problem+json': components['schemas']['Problem'] }
      }
    }
  }
  putRule: {
    parameters: {
      query?: never
      path: {
        /** Id of the rule. */
        ruleId: string
      }
      header?: { 'idempotency-key'?: string; 'if-match'?: string; 'if-none-match'?: string }
      cookie?: never
    }
    requestBody: {
      content: { 'application/json': {
            /** What it is for, for people. */
            description?: string
            /** AWS IoT SQL. */
            sql: string
            /** The version of the language that the SQL is written in. */
            sqlVersion?: '2016-03-23' | '2015-10-08' | 'beta'
            /** Whether it runs; one that does not is checked all the same. */
            enabled?: boolean
            /** Windows: whether each device has its own, or all devices share them. */
            group?: 'device' | 'fleet'
            /** Windows: how long, in event time, a window waits for late data. */
            lateness?: string | 0
            /** What to do, each by itself. */
            actions?: ({
              /** Publishes the result of the SQL on a topic. */
              republish: {
                /** A topic; ${…} is evaluated on the message. */
                topic: string
                /** A text with ${…} instead of the result. */
                payload?: string
                /** Quality of service. */
                qos?: 0 | 1
                /** Whether the broker keeps it for later subscribers. */
                retain?: boolean
              }
            } | {
              /** Stores the values that the SQL selected as telemetry of the sender, beside what it measured. */
              store: {
                /** Put before the name of each value. */
                prefix?: string
              }
            } | {
              /** Raises an alarm of the sender; one that is open already stays as it is. */
              raiseAlarm: {
                /** Its id: one of alarms:, or any other name. */
                alarm: string
                /** How much it matters. */
                severity?: 'info' | 'warning' | 'critical'
                /** The sentence for people; ${…} is evaluated on the message. */
                text?: string
                /** Channels to tell. */
                notify?: string[]
              }
            } | {
              /** Clears an alarm of the sender, if it is open. */
              clearAlarm: {
                /** Its id. */
                alarm: string
                /** Channels to tell. */
                notify?: string[]
              }
            } | {
              /** Tells people or systems through channels. */
              notify: {
                /** Channels to tell. */
                channels: string[]
                /** How much it matters. */
                severity?: 'info' | 'warning' | 'critical'
                /** A few words; ${…} is evaluated on the message. */
                subject?: string
                /** The sentence for people; ${…} is evaluated on the message. */
                text?: string
              }
            } | {
              /** Changes the desired state of the sender or of another device. */
              setDesired: {
                /** The device; the sender unless given. */
                device?: string
                /** The name of the shadow; the classic one unless given. */
                shadow?: string
                /** The desired state; the result of the SQL unless given. */
                state?: { [key: string]: Json }
                /** How long it stays wanted, such as 90s or 2h; for ever unless given. */
                for?: string
                /** Takes the values away again as soon as the device reports them. */
                once?: boolean
              }
            } | {
              /** Queues a command for the sender or for another device. */
              sendCommand: {
                /** What the device is asked to do; ${…} is evaluated. */
                name: string
                /** The device; the sender unless given. */
                device?: string
                /** The result of the SQL unless given. */
                payload?: Json
              }
            } | {
              /** Posts the result of the SQL, as it is, to a channel of type webhook. */
              webhook: {
                /** A channel of type webhook. */
                channel: string
              }
            } | {
              /** Appends the result of the SQL to a queue for other programs. */
              queue: {
                /** The queue; ${…} is evaluated on the message. */
                name: string
              }
            } | {
              /** Puts the result of the SQL, or an item, into a table under a key. */
              table: {
                /** The table; ${…} is evaluated on the message. */
                table: string
                /** The key; ${…} is evaluated on the message. */
                key: string
                /** The result of the SQL unless given. */
                item?: Json
              }
            } | {
              /** Writes the result of the SQL to the archive. */
              coldRow: Record<string, never>
            } | {
              /** Writes a line to the log. */
              log: {
                /** The line; ${…} is evaluated on the message. */
                text: string
                /** Its level. */
                level?: 'info' | 'warn' | 'error'
              }
            })[]
            /** Done when another action of the rule cannot be done. */
            errorAction?: {
              /** Publishes the result of the SQL on a topic. */
              republish: {
                /** A topic; ${…} is evaluated on the message. */
                topic: string
                /** A text with ${…} instead of the result. */
                payload?: string
                /** Quality of service. */
                qos?: 0 | 1
                /** Whether the broker keeps it for later subscribers. */
                retain?: boolean
              }
            } | {
              /** Stores the values that the SQL selected as telemetry of the sender, beside what it measured. */
              store: {
                /** Put before the name of each value. */
                prefix?: string
              }
            } | {
              /** Raises an alarm of the sender; one that is open already stays as it is. */
              raiseAlarm: {
                /** Its id: one of alarms:, or any other name. */
                alarm: string
                /** How much it matters. */
                severity?: 'info' | 'warning' | 'critical'
                /** The sentence for people; ${…} is evaluated on the message. */
                text?: string
                /** Channels to tell. */
                notify?: string[]
              }
            } | {
              /** Clears an alarm of the sender, if it is open. */
              clearAlarm: {
                /** Its id. */
                alarm: string
                /** Channels to tell. */
                notify?: string[]
              }
            } | {
              /** Tells people or systems through channels. */
              notify: {
                /** Channels to tell. */
                channels: string[]
                /** How much it matters. */
                severity?: 'info' | 'warning' | 'critical'
                /** A few words; ${…} is evaluated on the message. */
                subject?: string
                /** The sentence for people; ${…} is evaluated on the message. */
                text?: string
              }
            } | {
              /** Changes the desired state of the sender or of another device. */
              setDesired: {
                /** The device; the sender unless given. */
                device?: string
                /** The name of the shadow; the classic one unless given. */
                shadow?: string
                /** The desired state; the result of the SQL unless given. */
                state?: { [key: string]: Json }
                /** How long it stays wanted, such as 90s or 2h; for ever unless given. */
                for?: string
                /** Takes the values away again as soon as the device reports them. */
                once?: boolean
              }
            } | {
              /** Queues a command for the sender or for another device. */
              sendCommand: {
                /** What the device is asked to do; ${…} is evaluated. */
                name: string
                /** The device; the sender unless given. */
                device?: string
                /** The result of the SQL unless given. */
                payload?: Json
              }
            } | {
              /** Posts the result of the SQL, as it is, to a channel of type webhook. */
              webhook: {
                /** A channel of type webhook. */
                channel: string
              }
            } | {
              /** Appends the result of the SQL to a queue for other programs. */
              queue: {
                /** The queue; ${…} is evaluated on the message. */
                name: string
              }
            } | {
              /** Puts the result of the SQL, or an item, into a table under a key. */
              table: {
                /** The table; ${…} is evaluated on the message. */
                table: string
                /** The key; ${…} is evaluated on the message. */
                key: string
                /** The result of the SQL unless given. */
                item?: Json
              }
            } | {
              /** Writes the result of the SQL to the archive. */
              coldRow: Record<string, never>
            } | {
              /** Writes a line to the log. */
              log: {
                /** The line; ${…} is evaluated on the message. */
                text: string
                /** Its level. */
                level?: 'info' | 'warn' | 'error'
              }
            }
          } }
    }
    responses: {
      200: {
        headers: { [name: string]: unknown }
        content: { 'application/json': components['schemas']['ChangedRule'] }
      }
      default: {
        headers: { [name: string]: unknown }
        content: { 'application/problem+json': components['schemas']['Problem'] }
      }
    }
  }
  putSubscription: {
    parameters: {
      query?: never
      path: {
        id: string
      }
      header?: { 'idempotency-key'?: string; 'if-match'?: string; 'if-none-match'?: string }
      cookie?: never
    }
    requestBody?: {
      content: { 'application/json': components['schemas']['NewSubscription'] }
    }
    responses: {
      204: {
        headers: { [name: string]: unknown }
        content?: never
      }
      default: {
        headers: { [name: string]: unknown }
        content: { 'application/problem+json': components['schemas']['Problem'] }
      }
    }
  }
  readCold: {
    parameters: {
      query?: {
        after?: string
      }
      path: {
        day: string
      }
      header?: { 'idempotency-key'?: string; 'if-match'?: string; 'if-none-match'?: string }
      cookie?: never
    }
    requestBody?: never
    responses: {
      200: {
        headers: { [name: string]: unknown }
        content: { 'application/x-ndjson': Json }
      }
      default: {
        headers: { [name: string]: unknown }
        content: { 'application/problem+json': components['schemas']['Problem'] }
      }
    }
  }
  receiveCommand: {
    parameters: {
      query?: never
      path: {
        /** Id of the device. */
        deviceId: string
      }
      header?: { 'idempotency-key'?: string; 'if-match'?: string; 'if-none-match'?: string }
      cookie?: never
    }
    requestBody?: never
    responses: {
      200: {
        headers: { [name: string]: unknown }
        content: { 'application/octet-stream': Json }
      }
      204: {
        headers: { [name: string]: unknown }
        content?: never
      }
      default: {
        headers: { [name: string]: unknown }
        content: { 'application/problem+json': components['schemas']['Problem'] }
      }
    }
  }
  redriveDeadLetter: {
    parameters: {
      query?: never
      path: {
        deadLetterId: string
      }
      header?: { 'idempotency-key'?: string; 'if-match'?: string; 'if-none-match'?: string }
      cookie?: never
    }
    requestBody?: never
    responses: {
      200: {
        headers: { [name: string]: unknown }
        content: { 'application/json': {
            status: string
          } }
      }
      default: {
        headers: { [name: string]: unknown }
        content: { 'application/problem+json': components['schemas']['Problem'] }
      }
    }
  }
  registerDevice: {
    parameters: {
      query?: never
      path?: never
      header?: { 'idempotency-key'?: string; 'if-match'?: string; 'if-none-match'?: string }
      cookie?: never
    }
    requestBody?: {
      content: { 'application/json': components['schemas']['NewDevice'] }
    }
    responses: {
      201: {
        headers: { [name: string]: unknown }
        content: { 'application/json': components['schemas']['DeviceWithSecrets'] }
      }
      default: {
        headers: { [name: string]: unknown }
        content: { 'application/problem+json': components['schemas']['Problem'] }
      }
    }
  }
  removeClaimed: {
    parameters: {
      query?: never
      path: {
        queue: string
        messageId: string
      }
      header?: { 'idempotency-key'?: string; 'if-match'?: string; 'if-none-match'?: string }
      cookie?: never
    }
    requestBody?: never
    responses: {
      204: {
        headers: { [name: string]: unknown }
        content?: never
      }
      default: {
        headers: { [name: string]: unknown }
        content: { 'application/problem+json': components['schemas']['Problem'] }
      }
    }
  }
  removeFeedback: {
    parameters: {
      query?: never
      path: {
        feedbackId: string
      }
      header?: { 'idempotency-key'?: string; 'if-match'?: string; 'if-none-match'?: string }
      cookie?: never
    }
    requestBody?: never
    responses: {
      204: {
        headers: { [name: string]: unknown }
        content?: never
      }
      default: {
        headers: { [name: string]: unknown }
        content: { 'application/problem+json': components['schemas']['Problem'] }
      }
    }
  }
  removeGroupDevice: {
    parameters: {
      query?: never
      path: {
        /** Id of the group. */
        groupId: string
        /** Id of the device. */
        deviceId: string
      }
      header?: { 'idempotency-key'?: string; 'if-match'?: string; 'if-none-match'?: string }
      cookie?: never
    }
    requestBody?: never
    responses: {
      204: {
        headers: { [name: string]: unknown }
        content?: never
      }
      default: {
        headers: { [name: string]: unknown }
        content: { 'application/problem+json': components['schemas']['Problem'] }
      }
    }
  }
  removePerson: {
    parameters: {
      query?: never
      path: {
        id: string
      }
      header?: { 'idempotency-key'?: string; 'if-match'?: string; 'if-none-match'?: string }
      cookie?: never
    }
    requestBody?: never
    responses: {
      204: {
        headers: { [name: string]: unknown }
        content?: never
      }
      default: {
        headers: { [name: string]: unknown }
        content: { 'application/problem+json': components['schemas']['Problem'] }
      }
    }
  }
  removePublicKey: {
    parameters: {
      query?: never
      path: {
        /** Id of the device. */
        deviceId: string
        fingerprint: string
      }
      header?: { 'idempotency-key'?: string; 'if-match'?: string; 'if-none-match'?: string }
      cookie?: never
    }
    requestBody?: never
    responses: {
      200: {
        headers: { [name: string]: unknown }
        content: { 'application/json': components['schemas']['RegisteredDevice'] }
      }
      default: {
        headers: { [name: string]: unknown }
        content: { 'application/problem+json': components['schemas']['Problem'] }
      }
    }
  }
  removeRegisteredDevice: {
    parameters: {
      query?: never
      path: {
        /** Id of the device. */
        deviceId: string
      }
      header?: { 'idempotency-key'?: string; 'if-match'?: string; 'if-none-match'?: string }
      cookie?: never
    }
    requestBody?: never
    responses: {
      204: {
        headers: { [name: string]: unknown }
        content?: never
      }
      default: {
        headers: { [name: string]: unknown }
        content: { 'application/problem+json': components['schemas']['Problem'] }
      }
    }
  }
  removeSubscription: {
    parameters: {
      query?: never
      path: {
        id: string
      }
      header?: { 'idempotency-key'?: string; 'if-match'?: string; 'if-none-match'?: string }
      cookie?: never
    }
    requestBody?: never
    responses: {
      204: {
        headers: { [name: string]: unknown }
        content?: never
      }
      default: {
        headers: { [name: string]: unknown }
        content: { 'application/problem+json': components['schemas']['Problem'] }
      }
    }
  }
  revokeKey: {
    parameters: {
      query?: never
      path: {
        /** Id of the key. */
        keyId: string
      }
      header?: { 'idempotency-key'?: string; 'if-match'?: string; 'if-none-match'?: string }
      cookie?: never
    }
    requestBody?: never
    responses: {
      204: {
        headers: { [name: string]: unknown }
        content?: never
      }
      default: {
        headers: { [name: string]: unknown }
        content: { 'application/problem+json': components['schemas']['Problem'] }
      }
    }
  }
  rotateCredential: {
    parameters: {
      query?: never
      path: {
        /** Id of the device. */
        deviceId: string
      }
      header?: { 'idempotency-key'?: string; 'if-match'?: string; 'if-none-match'?: string }
      cookie?: never
    }
    requestBody?: {
      content: { 'application/json': components['schemas']['Rotation'] }
    }
    responses: {
      200: {
        headers: { [name: string]: unknown }
        content: { 'application/json': components['schemas']['DeviceWithSecrets'] }
      }
      default: {
        headers: { [name: string]: unknown }
        content: { 'application/problem+json': components['schemas']['Problem'] }
      }
    }
  }
  sendCommand: {
    parameters: {
      query?: never
      path: {
        /** Id of the device. */
        deviceId: string
      }
      header?: { 'idempotency-key'?: string; 'if-match'?: string; 'if-none-match'?: string }
      cookie?: never
    }
    requestBody?: {
      content: { 'application/json': components['schemas']['NewCommand'] }
    }
    responses: {
      202: {
        headers: { [name: string]: unknown }
        content: { 'application/json': components['schemas']['Command'] }
      }
      default: {
        headers: { [name: string]: unknown }
        content: { 'application/problem+json': components['schemas']['Problem'] }
      }
    }
  }
  sendNotification: {
    parameters: {
      query?: never
      path?: never
      header?: { 'idempotency-key'?: string; 'if-match'?: string; 'if-none-match'?: string }
      cookie?: never
    }
    requestBody?: {
      content: { 'application/json': components['schemas']['NewNotification'] }
    }
    responses: {
      202: {
        headers: { [name: string]: unknown }
        content: { 'application/json': {
            id: string
          } }
      }
      default: {
        headers: { [name: string]: unknown }
        content: { 'application/problem+json': components['schemas']['Problem'] }
      }
    }
  }
  settleCommand: {
    parameters: {
      query?: {
        /** It will not. */
        reject?: string
        reason?: string
      }
      path: {
        /** Id of the device. */
        deviceId: string
        /** The ETag of the command that is held. */
        lockToken: string
      }
      header?: { 'idempotency-key'?: string; 'if-match'?: string; 'if-none-match'?: string }
      cookie?: never
    }
    requestBody?: never
    responses: {
      204: {
        headers: { [name: string]: unknown }
        content?: never
      }
      default: {
        headers: { [name: string]: unknown }
        content: { 'application/problem+json': components['schemas']['Problem'] }
      }
    }
  }
  shelveAlarm: {
    parameters: {
      query?: never
      path: {
        /** Id of the device. */
        deviceId: string
        /** Id of the alarm in the config. */
        alarmId: string
      }
      header?: { 'idempotency-key'?: string; 'if-match'?: string; 'if-none-match'?: string }
      cookie?: never
    }
    requestBody?: {
      content: { 'application/json': components['schemas']['Shelve'] }
    }
    responses: {
      204: {
        headers: { [name: string]: unknown }
        content?: never
      }
      default: {
        headers: { [name: string]: unknown }
        content: { 'application/problem+json': components['schemas']['Problem'] }
      }
    }
  }
  signIn: {
    parameters: {
      query?: never
      path?: never
      header?: { 'idempotency-key'?: string; 'if-match'?: string; 'if-none-match'?: string }
      cookie?: never
    }
    requestBody?: {
      content: { 'application/json': components['schemas']['SignIn'] }
    }
    responses: {
      201: {
        headers: { [name: string]: unknown }
        content: { 'application/json': {
            caller: components['schemas']['Caller']
            /** Goes into the header anyhub-csrf of changes that are made by cookie. */
            csrfToken: string
            /** Epoch milliseconds. */
            expiresAt: number
          } }
      }
      default: {
        headers: { [name: string]: unknown }
        content: { 'application/problem+json': components['schemas']['Problem'] }
      }
    }
  }
  signOut: {
    parameters: {
      query?: never
      path?: never
      header?: { 'idempotency-key'?: string; 'if-match'?: string; 'if-none-match'?: string }
      cookie?: never
    }
    requestBody?: never
    responses: {
      204: {
        headers: { [name: string]: unknown }
        content?: never
      }
      default: {
        headers: { [name: string]: unknown }
        content: { 'application/problem+json': components['schemas']['Problem'] }
      }
    }
  }
  startExport: {
    parameters: {
      query?: never
      path?: never
      header?: { 'idempotency-key'?: string; 'if-match'?: string; 'if-none-match'?: string }
      cookie?: never
    }
    requestBody: {
      content: { 'application/json': components['schemas']['ExportWish'] }
    }
    responses: {
      202: {
        headers: { [name: string]: unknown }
        content: { 'application/json': components['schemas']['Task'] }
      }
      default: {
        headers: { [name: string]: unknown }
        content: { 'application/problem+json': components['schemas']['Problem'] }
      }
    }
  }
  startImport: {
    parameters: {
      query?: {
        /** What becomes of devices that are there: a fault, or a change. */
        mode?: 'create' | 'update' | 'upsert'
      }
      path?: never
      header?: { 'idempotency-key'?: string; 'if-match'?: string; 'if-none-match'?: string }
      cookie?: never
    }
    requestBody: {
      content: { 'text/csv': unknown }
    }
    responses: {
      202: {
        headers: { [name: string]: unknown }
        content: { 'application/json': components['schemas']['Task'] }
      }
      default: {
        headers: { [name: string]: unknown }
        content: { 'application/problem+json': components['schemas']['Problem'] }
      }
    }
  }
  startReplay: {
    parameters: {
      query: {
        /** Where the device's id stands: a field, a JSON pointer, or =id for all lines. */
        device: string
        /** Where the time stands. */
        time: string
        timeUnit?: 's' | 'ms' | 'iso'
        /** With {id} for the device; devices/{id}/telemetry unless given. */
        topic?: string
        /** Where the message stands; the whole line unless given. */
        payload?: string
      }
      path?: never
      header?: { 'idempotency-key'?: string; 'if-match'?: string; 'if-none-match'?: string }
      cookie?: never
    }
    requestBody: {
      content: { 'application/x-ndjson': unknown; 'application/jsonl': unknown; 'application/x-jsonlines': unknown }
    }
    responses: {
      202: {
        headers: { [name: string]: unknown }
        content: { 'application/json': components['schemas']['Task'] }
      }
      default: {
        headers: { [name: string]: unknown }
        content: { 'application/problem+json': components['schemas']['Problem'] }
      }
    }
  }
  startTask: {
    parameters: {
      query?: never
      path?: never
      header?: { 'idempotency-key'?: string; 'if-match'?: string; 'if-none-match'?: string }
      cookie?: never
    }
    requestBody: {
      content: { 'application/json': components['schemas']['ExportWish'] }
    }
    responses: {
      202: {
        headers: { [name: string]: unknown }
        content: { 'application/json': components['schemas']['Task'] }
      }
      default: {
        headers: { [name: string]: unknown }
        content: { 'application/problem+json': components['schemas']['Problem'] }
      }
    }
  }
  switchRule: {
    parameters: {
      query?: never
      path: {
        /** Id of the rule. */
        ruleId: string
      }
      header?: { 'idempotency-key'?: string; 'if-match'?: string; 'if-none-match'?: string }
      cookie?: never
    }
    requestBody: {
      content: { 'application/json': {
            enabled: boolean
          } }
    }
    responses: {
      200: {
        headers: { [name: string]: unknown }
        content: { 'application/json': components['schemas']['ChangedRule'] }
      }
      default: {
        headers: { [name: string]: unknown }
        content: { 'application/problem+json': components['schemas']['Problem'] }
      }
    }
  }
  testRule: {
    parameters: {
      query?: never
      path?: never
      header?: { 'idempotency-key'?: string; 'if-match'?: string; 'if-none-match'?: string }
      cookie?: never
    }
    requestBody: {
      content: { 'application/json': components['schemas']['RuleTrialRequest'] }
    }
    responses: {
      200: {
        headers: { [name: string]: unknown }
        content: { 'application/json': components['schemas']['RuleTrial'] }
      }
      default: {
        headers: { [name: string]: unknown }
        content: { 'application/problem+json': components['schemas']['Problem'] }
      }
    }
  }
  unbindFromGateway: {
    parameters: {
      query?: never
      path: {
        gatewayId: string
        deviceId: string
      }
      header?: { 'idempotency-key'?: string; 'if-match'?: string; 'if-none-match'?: string }
      cookie?: never
    }
    requestBody?: never
    responses: {
      200: {
        headers: { [name: string]: unknown }
        content: { 'application/json': components['schemas']['RegisteredDevice'] }
      }
      default: {
        headers: { [name: string]: unknown }
        content: { 'application/problem+json': components['schemas']['Problem'] }
      }
    }
  }
  unshelveAlarm: {
    parameters: {
      query?: never
      path: {
        /** Id of the device. */
        deviceId: string
        /** Id of the alarm in the config. */
        alarmId: string
      }
      header?: { 'idempotency-key'?: string; 'if-match'?: string; 'if-none-match'?: string }
      cookie?: never
    }
    requestBody?: {
      content: { 'application/json': Record<string, never> }
    }
    responses: {
      204: {
        headers: { [name: string]: unknown }
        content?: never
      }
      default: {
        headers: { [name: string]: unknown }
        content: { 'application/problem+json': components['schemas']['Problem'] }
      }
    }
  }
}
