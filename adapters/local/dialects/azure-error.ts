/** Names of errors at IoT Hub. Source: learn.microsoft.com, troubleshoot-error-codes. */
export type AzureErrorCode =
  | 'ArgumentInvalid'
  | 'IotHubUnauthorizedAccess'
  | 'DeviceNotFound'
  | 'DeviceMessageLockLost'
  | 'MessageTooLarge'
  | 'IotHubNotFound'
  | 'ServerError'
  | 'ServiceUnavailable'
  | 'DeviceAlreadyExists'
  | 'DeviceMaximumQueueDepthExceeded'
  | 'DeviceNotOnline'
  | 'GatewayTimeout'
  | 'NotSupported'
  | 'PreconditionFailed'
  | 'RequestEntityTooLarge'
  | 'ThrottlingException'
  | 'TooManyDevices'

/** An error in the words of IoT Hub: SDKs read the status and the header, people the body. */
export function azureError(status: number, code: AzureErrorCode, message: string): Response {
  return new Response(
    JSON.stringify({ Message: `ErrorCode:${code};${message}`, ExceptionMessage: '' }),
    {
      status,
      headers: { 'content-type': 'application/json; charset=utf-8', 'iothub-errorcode': code },
    },
  )
}
