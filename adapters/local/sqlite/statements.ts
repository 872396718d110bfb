/**
 * The version of the data folder: of the tables, and of the documents in them. It goes up with every change after which
 * this code no longer reads what the code before it wrote, or the other way round; a table or index that is new, and
 * that nothing else depends on, leaves it as it is.
 */
export const DATA_VERSION = 3

/**
 * The oldest version that becomes this one by itself, when it is opened: its tables are here as they were there. Before 3
 * there were no chunks, and what is stored is packed as if it were new.
 */
export const OLDEST_VERSION = 2

/** The tables. `STRICT` so that a wrong type is an error and not a surprise. */
export const SCHEMA = `
  CREATE TABLE IF NOT EXISTS device (
    device_id TEXT PRIMARY KEY,
    version INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    record TEXT NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS device_due ON device (due_at) WHERE due_at > 0;

  -- One row for what one commit brought of one hour of event time: "seq" is the record's version, "rows" the elements
  -- of a JSON array. Rows come to the end of the table, so a transaction changes few pages, whichever devices it is about.
  -- "change" says what else the commit changed in the record, where the record was not written with it: until it is, the
  -- rows stay here.
  CREATE TABLE IF NOT EXISTS telemetry_hot (
    position INTEGER PRIMARY KEY,
    device_id TEXT NOT NULL,
    hour INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    count INTEGER NOT NULL,
    stored_day INTEGER NOT NULL,
    rows TEXT NOT NULL,
    change TEXT
  ) STRICT;
  CREATE UNIQUE INDEX IF NOT EXISTS telemetry_hot_hour ON telemetry_hot (device_id, hour, seq);

  -- Where they go from time to time, those of one device and hour together. "rows" is a JSON array.
  CREATE TABLE IF NOT EXISTS telemetry (
    device_id TEXT NOT NULL,
    hour INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    count INTEGER NOT NULL,
    stored_day INTEGER NOT NULL,
    rows TEXT NOT NULL,
    PRIMARY KEY (device_id, hour, seq)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS telemetry_stored ON telemetry (stored_day);
  CREATE INDEX IF NOT EXISTS telemetry_hour ON telemetry (hour, device_id);

  -- Where they go in the end, packed by columns: rows of one device and hour that were stored on the same day. There are
  -- several where they are many.
  CREATE TABLE IF NOT EXISTS telemetry_chunk (
    position INTEGER PRIMARY KEY,
    device_id TEXT NOT NULL,
    hour INTEGER NOT NULL,
    stored_day INTEGER NOT NULL,
    count INTEGER NOT NULL,
    columns BLOB NOT NULL,
    ids BLOB NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS telemetry_chunk_hour ON telemetry_chunk (device_id, hour, stored_day, count);
  CREATE INDEX IF NOT EXISTS telemetry_chunk_stored ON telemetry_chunk (stored_day);

  CREATE TABLE IF NOT EXISTS cold (
    position INTEGER PRIMARY KEY,
    day TEXT NOT NULL,
    row TEXT NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS cold_day ON cold (day, position);

  CREATE TABLE IF NOT EXISTS notification (
    key TEXT PRIMARY KEY,
    channel_id TEXT NOT NULL,
    due_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    settled_at INTEGER,
    delivery TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS notification_due ON notification (channel_id, due_at) WHERE settled_at IS NULL;

  CREATE TABLE IF NOT EXISTS dead_letter (
    id TEXT PRIMARY KEY,
    letter TEXT NOT NULL,
    payload BLOB NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE IF NOT EXISTS item (
    tbl TEXT NOT NULL,
    key TEXT NOT NULL,
    item TEXT NOT NULL,
    PRIMARY KEY (tbl, key)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE IF NOT EXISTS queue (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    queue TEXT NOT NULL,
    key TEXT NOT NULL,
    at INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    body TEXT NOT NULL,
    UNIQUE (queue, key)
  ) STRICT;
  CREATE INDEX IF NOT EXISTS queue_due ON queue (queue, due_at);

  -- What Event Hubs consumers read: an encoded message each.
  CREATE TABLE IF NOT EXISTS hub_event (
    partition INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    at INTEGER NOT NULL,
    event BLOB NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX IF NOT EXISTS hub_event_sequence ON hub_event (partition, sequence);

  CREATE TABLE IF NOT EXISTS command (
    device_id TEXT NOT NULL,
    content_id TEXT NOT NULL,
    facts TEXT NOT NULL,
    payload BLOB NOT NULL,
    PRIMARY KEY (device_id, content_id)
  ) STRICT;

  CREATE TABLE IF NOT EXISTS mqtt_session (
    client_id TEXT PRIMARY KEY,
    session TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE IF NOT EXISTS mqtt_delivery (
    client_id TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    delivery TEXT NOT NULL,
    expires_at REAL,
    payload BLOB NOT NULL,
    properties BLOB NOT NULL,
    PRIMARY KEY (client_id, sequence)
  ) STRICT;

  CREATE TABLE IF NOT EXISTS mqtt_retained (
    topic TEXT PRIMARY KEY,
    qos INTEGER NOT NULL,
    expires_at REAL,
    payload BLOB NOT NULL,
    properties BLOB NOT NULL
  ) STRICT;

  CREATE TABLE IF NOT EXISTS registered (
    device_id TEXT PRIMARY KEY,
    device TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE IF NOT EXISTS setting (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
`

/** Whether commits are stored that the record does not know of: `telemetry_hot` tells what they changed. */
function isStale(): string {
  return `EXISTS (SELECT 1 FROM telemetry_hot
    WHERE telemetry_hot.device_id = device.device_id AND seq > version AND change IS NOT NULL)`
}

/** Whether the record on the disk is as new as a hot row: until then the row is needed to make it. */
function isInRecord(): string {
  return `(change IS NULL OR seq <=
    (SELECT version FROM device WHERE device.device_id = telemetry_hot.device_id))`
}

/** Rows of several devices, given as a JSON array of ids, and of a span of hours. */
function ofDevices(table: string, columns: string): string {
  return `SELECT ${columns} FROM ${table}
    WHERE device_id IN (SELECT value FROM json_each(?1)) AND hour >= ?2 AND hour <= ?3`
}

/** Every statement, by name: the worker prepares each once. */
export const STATEMENTS = {
  deviceGet: `SELECT record, ${isStale()} AS stale FROM device WHERE device_id = ?`,
  devicePut: `INSERT INTO device (device_id, version, due_at, record) VALUES (?, ?, ?, ?)
    ON CONFLICT (device_id) DO UPDATE SET version = excluded.version, due_at = excluded.due_at, record = excluded.record`,
  deviceCatchUp: `INSERT INTO device (device_id, version, due_at, record) VALUES (?, ?, ?, ?)
    ON CONFLICT (device_id) DO UPDATE SET version = excluded.version, due_at = excluded.due_at, record = excluded.record
    WHERE excluded.version > device.version`,
  deviceChanges: `SELECT change, rows FROM telemetry_hot
    WHERE device_id = ? AND seq > ? AND change IS NOT NULL ORDER BY seq`,
  deviceStale: `SELECT device_id FROM device WHERE ${isStale()}`,
  deviceDue:
    'SELECT device_id FROM device WHERE due_at > 0 AND due_at <= ? ORDER BY due_at LIMIT ?',
  deviceConnected:
    "SELECT device_id FROM device WHERE json_extract(record, '$.presence.connected')",
  deviceList: `SELECT device_id, record, ${isStale()} AS stale FROM device WHERE device_id > ? ORDER BY device_id LIMIT ?`,

  telemetryPut:
    'INSERT OR REPLACE INTO telemetry_hot (device_id, hour, seq, count, stored_day, rows, change) VALUES (?, ?, ?, ?, ?, ?, ?)',
  telemetryHot:
    'SELECT count(*) AS rows, coalesce(sum(length(rows)), 0) AS chars FROM telemetry_hot',
  telemetrySeal: `INSERT OR REPLACE INTO telemetry (device_id, hour, seq, count, stored_day, rows)
    SELECT device_id, hour, min(seq), sum(count), max(stored_day), '[' || group_concat(rows, ',' ORDER BY seq) || ']'
    FROM telemetry_hot WHERE ${isInRecord()} GROUP BY device_id, hour`,
  telemetryDropSealed: `DELETE FROM telemetry_hot WHERE ${isInRecord()}`,
  telemetrySealedPut:
    'INSERT OR REPLACE INTO telemetry (device_id, hour, seq, count, stored_day, rows) VALUES (?, ?, ?, ?, ?, ?)',
  telemetryDropHot: 'DELETE FROM telemetry_hot',
  telemetryHours: `SELECT device_id, hour, sum(count) AS count FROM (
    ${ofDevices('telemetry_chunk', 'device_id, hour, count')}
    UNION ALL ${ofDevices('telemetry', 'device_id, hour, count')}
    UNION ALL ${ofDevices('telemetry_hot', 'device_id, hour, count')})
    GROUP BY device_id, hour ORDER BY device_id, hour`,
  telemetrySpan: `${ofDevices('telemetry_chunk', 'device_id, hour, columns, ids, NULL AS rows')}
    UNION ALL ${ofDevices('telemetry', 'device_id, hour, NULL, NULL, rows')}
    UNION ALL ${ofDevices('telemetry_hot', "device_id, hour, NULL, NULL, '[' || group_concat(rows, ',' ORDER BY seq) || ']'")}
    GROUP BY device_id, hour`,
  telemetryCount: `SELECT coalesce(sum(count), 0) AS count FROM (
    SELECT count FROM telemetry_chunk WHERE device_id = ?1
    UNION ALL SELECT count FROM telemetry WHERE device_id = ?1
    UNION ALL SELECT count FROM telemetry_hot WHERE device_id = ?1)`,
  telemetryCountAll: `SELECT coalesce(sum(count), 0) AS count FROM (
    SELECT count FROM telemetry_chunk UNION ALL SELECT count FROM telemetry UNION ALL SELECT count FROM telemetry_hot)`,
  telemetryDropBefore: 'DELETE FROM telemetry WHERE stored_day < ?',
  telemetryDropChunksBefore: 'DELETE FROM telemetry_chunk WHERE stored_day < ?',
  telemetryOver: `SELECT DISTINCT hour, device_id FROM telemetry INDEXED BY telemetry_hour WHERE hour < ?
    ORDER BY hour, device_id LIMIT ?`,
  telemetryOpen: `SELECT hour, device_id FROM telemetry INDEXED BY telemetry_hour WHERE hour >= ?
    GROUP BY hour, device_id HAVING count(*) >= 4 ORDER BY hour, device_id LIMIT ?`,
  telemetryGroups:
    'SELECT seq, stored_day FROM telemetry WHERE device_id = ? AND hour = ? ORDER BY seq LIMIT ?',
  telemetryGroup: 'SELECT rows FROM telemetry WHERE device_id = ? AND hour = ? AND seq = ?',
  telemetryDropGroup: 'DELETE FROM telemetry WHERE device_id = ? AND hour = ? AND seq = ?',
  chunkWithRoom: `SELECT position, columns, ids FROM telemetry_chunk
    WHERE device_id = ? AND hour = ? AND stored_day = ? AND count <= ? LIMIT 1`,
  chunkPut:
    'INSERT INTO telemetry_chunk (device_id, hour, stored_day, count, columns, ids) VALUES (?, ?, ?, ?, ?, ?)',
  chunkReplace: 'UPDATE telemetry_chunk SET count = ?, columns = ?, ids = ? WHERE position = ?',

  coldPut: 'INSERT INTO cold (day, row) VALUES (?, ?)',
  coldRead:
    'SELECT position, row FROM cold WHERE day = ? AND position > ? ORDER BY position LIMIT ?',

  notificationPut: `INSERT OR IGNORE INTO notification (key, channel_id, due_at, attempts, settled_at, delivery)
    VALUES (?, ?, ?, ?, NULL, ?)`,
  notificationLanes: 'SELECT DISTINCT channel_id FROM notification WHERE settled_at IS NULL',
  notificationNext: `SELECT key, due_at, attempts, delivery FROM notification
    WHERE channel_id = ? AND settled_at IS NULL AND (due_at, key) > (?, ?) ORDER BY due_at, key LIMIT ?`,
  notificationSettle:
    'UPDATE notification SET settled_at = ? WHERE key IN (SELECT value FROM json_each(?))',
  notificationPutBack: 'UPDATE notification SET due_at = ?, attempts = attempts + ? WHERE key = ?',
  notificationForget: 'DELETE FROM notification WHERE settled_at IS NOT NULL AND settled_at < ?',
  notificationWaiting: 'SELECT count(*) AS count FROM notification WHERE settled_at IS NULL',

  deadLetterPut: 'INSERT OR REPLACE INTO dead_letter (id, letter, payload) VALUES (?, ?, ?)',
  deadLetterGet: 'SELECT letter, payload FROM dead_letter WHERE id = ?',
  deadLetterList: `SELECT letter, payload FROM dead_letter WHERE ? = '' OR id < ? ORDER BY id DESC LIMIT ?`,
  deadLetterRemove: 'DELETE FROM dead_letter WHERE id = ?',
  deadLetterDropBefore: 'DELETE FROM dead_letter WHERE id < ?',
  deadLetterCount: 'SELECT count(*) AS count FROM dead_letter',

  itemGet: 'SELECT item FROM item WHERE tbl = ? AND key = ?',
  itemPut: 'INSERT OR REPLACE INTO item (tbl, key, item) VALUES (?, ?, ?)',
  itemRemove: 'DELETE FROM item WHERE tbl = ? AND key = ?',
  itemList: 'SELECT key, item FROM item WHERE tbl = ? AND key > ? ORDER BY key LIMIT ?',

  queuePut: 'INSERT OR IGNORE INTO queue (queue, key, at, due_at, body) VALUES (?, ?, ?, ?, ?)',
  queueClaim: `UPDATE queue SET due_at = ? WHERE id IN (
      SELECT id FROM queue WHERE queue = ? AND due_at <= ? ORDER BY id LIMIT ?)
    RETURNING id, at, body`,
  queueRemove: 'DELETE FROM queue WHERE queue = ? AND id = ? RETURNING id',
  queueRelease: 'UPDATE queue SET due_at = ? WHERE queue = ? AND id = ?',
  queueDropBefore: 'DELETE FROM queue WHERE queue = ? AND at < ?',

  commandPut:
    'INSERT OR REPLACE INTO command (device_id, content_id, facts, payload) VALUES (?, ?, ?, ?)',
  commandGet: 'SELECT facts, payload FROM command WHERE device_id = ? AND content_id = ?',
  commandRemove: 'DELETE FROM command WHERE device_id = ? AND content_id = ?',

  hubEventPut: 'INSERT INTO hub_event (partition, sequence, at, event) VALUES (?, ?, ?, ?)',
  hubEventRead:
    'SELECT sequence, at, event FROM hub_event WHERE partition = ? AND sequence >= ? ORDER BY sequence LIMIT ?',
  hubEventAt:
    'SELECT at FROM hub_event WHERE partition = ? AND sequence >= ? ORDER BY sequence LIMIT 1',
  hubEventDrop: 'DELETE FROM hub_event WHERE partition = ? AND sequence < ?',
  hubEventFacts: `SELECT partition, min(sequence) AS first, max(sequence) AS last, max(at) AS last_at
    FROM hub_event GROUP BY partition`,

  sessionAll: 'SELECT client_id, session FROM mqtt_session',
  sessionPut: 'INSERT OR REPLACE INTO mqtt_session (client_id, session) VALUES (?, ?)',
  sessionRemove: 'DELETE FROM mqtt_session WHERE client_id = ?',
  deliveryAll: 'SELECT * FROM mqtt_delivery ORDER BY client_id, sequence',
  deliveryPut: `INSERT OR REPLACE INTO mqtt_delivery (client_id, sequence, delivery, expires_at, payload, properties)
    VALUES (?, ?, ?, ?, ?, ?)`,
  deliveryRemove: 'DELETE FROM mqtt_delivery WHERE client_id = ? AND sequence = ?',
  deliveryRemoveAll: 'DELETE FROM mqtt_delivery WHERE client_id = ?',
  retainedAll: 'SELECT * FROM mqtt_retained',
  retainedPut: `INSERT OR REPLACE INTO mqtt_retained (topic, qos, expires_at, payload, properties)
    VALUES (?, ?, ?, ?, ?)`,
  retainedRemove: 'DELETE FROM mqtt_retained WHERE topic = ?',

  registeredAll: 'SELECT device FROM registered ORDER BY device_id',
  registeredPut: 'INSERT OR REPLACE INTO registered (device_id, device) VALUES (?, ?)',
  registeredRemove: 'DELETE FROM registered WHERE device_id = ?',

  settingGet: 'SELECT value FROM setting WHERE name = ?',
  settingPut: 'INSERT OR IGNORE INTO setting (name, value) VALUES (?, ?)',
} as const

export type StatementName = keyof typeof STATEMENTS
