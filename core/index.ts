// The face of the core: what adapters, functions, the CLI and users of the library import.

export * from './access/index.ts'
export { createAccessSweep } from './access-sweep.ts'
export type { ActionContext, ActionResult } from './actions/action.ts'
export type { Addresses, GoneAddress } from './addresses.ts'
export { acknowledge, careFor } from './alarms/care.ts'
export {
  type AlarmFacts,
  hear,
  type Judgement,
  judge,
  judgeTimer,
  type Verdict,
  withoutOldDue,
} from './alarms/judge.ts'
export {
  addRows,
  createSeriesFold,
  type PointBudget,
  type SeriesFold,
} from './analytics/buckets.ts'
export {
  EXPORT_FORMATS,
  type ExportFormat,
  type ExportQuery,
  exportTelemetry,
} from './analytics/export.ts'
export {
  AGGREGATES,
  type Aggregate,
  readSeries,
  type Series,
  type SeriesPoint,
  type SeriesQuery,
  withSeries,
} from './analytics/series.ts'
export type {
  Codec,
  CodecEngines,
  CodecKind,
  CodecMessage,
  Decoded,
  Encoded,
  PayloadFacts,
  Script,
  ScriptEngine,
  ScriptLimits,
  ScriptResult,
} from './codecs/codec.ts'
export { type DecodePlan, decodePack, decodeUplink } from './codecs/decode-uplink.ts'
export { readEventTime, type TimeUnit } from './codecs/event-time.ts'
export { CODEC_KINDS } from './codecs/list.ts'
export { type CodecConfig, openCodec, unknownCodec } from './codecs/open-codec.ts'
export { type Pointer, parsePointer, readPointer } from './codecs/pointer.ts'
export { type FileFault, inlineScripts } from './codecs/script/files.ts'
export {
  type CommandLimits,
  type CommandRequest,
  isCommandId,
  isCommandName,
  MAX_COMMAND_BYTES,
} from './commands/check.ts'
export { pendingOf } from './commands/queue.ts'
export type { ClaimedFeedback, Commands } from './commands.ts'
export {
  type Config,
  type ConfigInput,
  ConfigSchema,
  configJsonSchema,
  defineConfig,
  parseConfig,
} from './config.ts'
export { type ConfigFault, faultsOf } from './config-faults.ts'
export { type Access, type AccessOptions, createAccess } from './create-access.ts'
export { type Core, createCore } from './create-core.ts'
export type { Redrive, RedriveResult } from './dead-letters.ts'
export { createDeviceGate, type DeviceGate, MAX_RECORD_CHARS } from './device-gate.ts'
export {
  findCredential,
  isLive,
  losesAccess,
  rotateCredential,
} from './devices/credentials.ts'
export { isBound, needsBinding, needsToken } from './devices/gateways.ts'
export { DEFAULT_PRESENCE, type PresencePlan } from './devices/presence.ts'
export { parseSearch, type Search, type Subject } from './devices/search/search.ts'
export {
  CoreError,
  type CoreErrorOptions,
  ERROR_CODES,
  type ErrorCode,
  type SourcePosition,
} from './errors.ts'
export { createIngest } from './ingest.ts'
export type { ExampleConfig } from './meaning/example-schema.ts'
export { conversion, parseUnit, type Unit } from './meaning/unit.ts'
export { isMethodName, type MethodCalls, type MethodRequest } from './methods.ts'
export {
  type AlarmChange,
  type AlarmStanding,
  type AlarmState,
  standingOf,
} from './model/alarm.ts'
export type {
  Address,
  Audience,
  EventKind,
  FanOutPage,
  Recipient,
} from './model/audience.ts'
export type { ColdRow } from './model/cold-row.ts'
export {
  COMMAND_ACKS,
  COMMAND_STATES,
  type CommandAck,
  type CommandContent,
  type CommandEntry,
  type CommandFeedback,
  type CommandInfo,
  type CommandRow,
  type CommandState,
  FEEDBACK_QUEUE,
  isPending,
  type ReceivedCommand,
  SETTLEMENTS,
  type Settlement,
} from './model/command.ts'
export type { DeadLetter } from './model/dead-letter.ts'
export { BEFORE_DEVICES, isDeviceId } from './model/device-id.ts'
export {
  type DeviceRecord,
  type JudgedPresence,
  type LastValue,
  newDeviceRecord,
  type Presence,
  type PresenceStatus,
} from './model/device-record.ts'
export { readDuration } from './model/duration.ts'
export type {
  Effect,
  NotifyEffect,
  OutboxEntry,
  PublishEffect,
  ShadowEffect,
  WakeEffect,
} from './model/effect.ts'
export type { DeviceInput, InputResult } from './model/input.ts'
export { isJsonObject, type Json, type JsonObject } from './model/json.ts'
export type { MeasuredChange } from './model/measured-change.ts'
export {
  type Delivery,
  type Notification,
  type Priority,
  priorityOf,
  SEVERITIES,
  type Severity,
} from './model/notification.ts'
export type {
  DeviceCredential,
  GatewayAuth,
  RegisteredDevice,
  SymmetricKeys,
} from './model/registered-device.ts'
export type { ShadowDocument } from './model/shadow.ts'
export type { MetricValue, Telemetry, TelemetryRow } from './model/telemetry.ts'
export type { Ingest, Outcome, Uplink, UplinkFacts } from './model/uplink.ts'
export type { CallNetwork, NetworkRequestCall } from './network-downlinks.ts'
export { NETWORK_KINDS } from './networks/list.ts'
export type {
  Network,
  NetworkCall,
  NetworkDownlink,
  NetworkKind,
  NetworkMessage,
  NetworkPart,
  NetworkReading,
  NetworkUplink,
} from './networks/network.ts'
export type { NetworkDelivery, NetworkReport, Networks } from './networks.ts'
export { createAckToken } from './notifications/ack-token.ts'
export { addressed } from './notifications/channels/address.ts'
export { type ApnsChannel, judgeApns, renderApns } from './notifications/channels/apns.ts'
export { type FcmChannel, judgeFcm, renderFcm } from './notifications/channels/fcm.ts'
export type {
  ChannelAnswer,
  ChannelRequest,
  ChannelVerdict,
  HttpChannel,
} from './notifications/channels/http-channel.ts'
export type { ChannelConfig } from './notifications/channels/list.ts'
export { maskMail, maskWords } from './notifications/channels/mask.ts'
export { slack } from './notifications/channels/slack.ts'
export { teams } from './notifications/channels/teams.ts'
export { telegram } from './notifications/channels/telegram.ts'
export {
  judgeTelephony,
  renderCall,
  renderSms,
  type Telephony,
} from './notifications/channels/telephony.ts'
export {
  judgeWebPush,
  renderWebPush,
  type WebPushChannel,
} from './notifications/channels/web-push.ts'
export { deliveryId } from './notifications/delivery-id.ts'
export { fanOut, toQueue } from './notifications/fan-out.ts'
export { type Preview, PreviewSchema, preview } from './notifications/preview.ts'
export { type Mail, renderMail, renderText, renderWebhook } from './notifications/render.ts'
export { isUrgent, takeTurns } from './notifications/turns.ts'
export { createNotify, type Notify, type NotifyParts, type NotifyReport } from './notify.ts'
export { observePorts } from './observe.ts'
export type {
  ChannelSender,
  Clock,
  ColdStore,
  CommandStore,
  Commit,
  CredentialIssuer,
  DeadLetters,
  DeviceStore,
  Downlink,
  IdSource,
  IssuedCertificate,
  IssuedKey,
  IssuedToken,
  LookupSource,
  MethodAnswer,
  MethodCall,
  Methods,
  NotificationQueue,
  Observer,
  Ports,
  QueueEntry,
  QueueReader,
  QueueSender,
  Registry,
  Sending,
  TableStore,
  TelemetryRange,
  TelemetryStore,
} from './ports.ts'
export {
  compileProgram,
  onlyProgram,
  type Program,
  type ProgramAlarm,
  type ProgramNetwork,
  type ProgramRoute,
  type ProgramRule,
  type ProgramSource,
  type ProgramWindow,
} from './program.ts'
export * from './routing/index.ts'
export type { RuleChange, RuleChanged, RuleEntry, Rules } from './rule-overlay.ts'
export type { RulePrograms } from './rule-programs.ts'
export type {
  RuleTrial,
  TrialMessage,
  TrialReport,
  TrialResult,
} from './rule-trial.ts'
export * from './rules/index.ts'
export * from './shadow/index.ts'
export { step } from './step.ts'
export type { StepContext, StepEvents, StepResult } from './steps/context.ts'
export { nextDue } from './steps/draft.ts'
export { replayMeasured } from './steps/measurements.ts'
export { presenceTopic } from './steps/presence.ts'
export { takeRouted, toRouted, twinView } from './steps/route.ts'
export { toRuleMessage } from './steps/telemetry.ts'
export type { Tasks, TaskView } from './tasks.ts'
export { createTick, type Tick } from './tick.ts'
export { compileTwinQuery, type TwinQuery } from './twin-query/index.ts'
export { addToWindows, closeDueWindows } from './windows/window.ts'
