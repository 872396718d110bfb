import type { DeadLetter, Outcome, Ports, Uplink } from '../../core/index.ts'
import type { ObjectStore } from './object-store.ts'

/** Sets aside what could not be stored, with its bytes: the host does not bring it again, and its checkpoint moves on. */
export type LastAttempt = (
  uplinks: readonly Uplink[],
  outcomes: readonly Outcome[],
) => Promise<readonly Outcome[]>

export interface LastAttemptOptions {
  readonly ports: Pick<Ports, 'deadLetters' | 'clock' | 'ids' | 'observer'>
  /** Where a dead letter is put that its store does not take: what is broken then is most often that store. */
  readonly spare: Pick<ObjectStore, 'put'>
}

/** What cannot be set aside in either place stays a `retry`: then the call fails, and the log says of which device. */
export function createLastAttempt({ ports, spare }: LastAttemptOptions): LastAttempt {
  const { deadLetters, clock, ids, observer } = ports

  async function put(letter: DeadLetter): Promise<void> {
    try {
      await deadLetters.put(letter)
    } catch {
      const payload = Buffer.from(letter.payload).toString('base64')
      const json = JSON.stringify({ ...letter, payload })
      await spare.put(`lost/${letter.id}.json`, Buffer.from(json), 'application/json')
    }
  }

  async function setAside(
    uplink: Uplink,
    outcome: Extract<Outcome, { status: 'retry' }>,
  ): Promise<Outcome> {
    const { error } = outcome
    const { deviceId, topic, source, contentType, payload, receivedAt } = uplink
    const now = clock.now()
    const id = ids.next(now)
    observer.count('uplink.rejected', 1, { code: error.code })
    try {
      await put({
        id,
        at: now,
        topic,
        source,
        contentType,
        payload,
        payloadBytes: payload.length,
        receivedAt,
        code: error.code,
        reason: `given up after the last attempt: ${error.message}`,
        ...(deviceId === undefined ? {} : { deviceId }),
        ...(uplink.sentAt === undefined ? {} : { sentAt: uplink.sentAt }),
        ...(uplink.messageId === undefined ? {} : { messageId: uplink.messageId }),
      })
    } catch (failure) {
      const reason = failure instanceof Error ? failure.message : String(failure)
      const facts = { deviceId: deviceId ?? '', bytes: payload.length, reason }
      observer.log('error', 'an uplink is lost', facts)
      return outcome
    }
    return { status: 'dead_lettered', deadLetterId: id, error }
  }

  return (uplinks, outcomes) =>
    Promise.all(
      outcomes.map((outcome, index) => {
        const uplink = uplinks[index]
        if (outcome.status !== 'retry' || uplink === undefined) return outcome
        return setAside(uplink, outcome)
      }),
    )
}
